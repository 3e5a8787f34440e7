"""XLM: Moses' words in lower case without accents, merged by fastBPE."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from reprise.tokenizers.frontends.merging import Merger, cut_long, read_merges
from reprise.tokenizers.frontends.moses import (
    normalize_punctuation,
    remove_control,
    replace_full_width,
    words,
)

_END = "</w>"


class Xlm:
    """See the module. Words are cut by the English rules, which XLM uses unless told otherwise."""

    pending = ""

    def __init__(self, merger: Merger, *, lowercase: bool) -> None:
        self._merger = merger
        self._lowercase = lowercase

    def split(self, text: str) -> list[str]:
        """Cut text into pieces."""
        text = remove_control(normalize_punctuation(replace_full_width(text)))
        found = words(text)
        if self._lowercase:
            found = _plain(" ".join(found)).split(" ")
        return [
            piece
            for word in found
            for part in cut_long(word)
            for piece in self._merger.pieces((*part[:-1], part[-1] + _END))
        ]

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together again."""
        return "".join(tokens).replace(_END, " ").strip()


def open_frontend(rules: Mapping[str, Any]) -> Xlm:
    """Make the front end."""
    return Xlm(Merger(read_merges(rules)), lowercase=rules.get("lowercase") is not False)


def _plain(text: str) -> str:
    """Return text in lower case, without accents."""
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(char for char in apart if unicodedata.category(char) != "Mn").lower()
