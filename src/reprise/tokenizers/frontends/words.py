"""Transformer-XL: whole words as Moses cuts them, numbers in parts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reprise.tokenizers.frontends.detokenizing import join_words
from reprise.tokenizers.frontends.moses import normalize_punctuation, words

_IN_NUMBERS = re.compile(r"(?<=\d)[,.](?=\d)")
_APART = re.compile(r" @([,.])@ ")


class Words:
    """See the module."""

    pending = "@"

    def __init__(self, *, lowercase: bool) -> None:
        self._lowercase = lowercase

    def split(self, text: str) -> list[str]:
        """Cut text into words."""
        text = text.strip()
        text = normalize_punctuation(text.lower() if self._lowercase else text)
        found = words(text, split_dashes=True)
        return [part for word in found for part in _IN_NUMBERS.sub(r" @\g<0>@ ", word).split()]

    def join(self, tokens: Sequence[str]) -> str:
        """Put words together again, as sentences and numbers are written."""
        return _APART.sub(r"\1", join_words(tokens)).strip()


def open_frontend(rules: Mapping[str, Any]) -> Words:
    """Make the front end."""
    return Words(lowercase=rules.get("lowercase") is True)
