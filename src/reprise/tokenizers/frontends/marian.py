"""Marian: SentencePiece decides the pieces, another file their ids; one model for each side."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.engine import Engine, open_engine
from reprise.tokenizers.legacy.sentencepiece import read
from reprise.tokenizers.legacy.spm_style import SPACE, own_style
from reprise.tokenizers.options import EncodeOptions, Want
from reprise.tokenizers.spec import TokenizerSpec

_LANGUAGE = re.compile(r">>.+?<<")  # in front of a text: what to translate into
_PLAIN = EncodeOptions(add_special_tokens=False, want=Want.IDS | Want.TOKENS)


class Marian:
    """See the module."""

    pending = ""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def split(self, text: str) -> list[str]:
        """Cut text into pieces."""
        code = _LANGUAGE.match(text)
        rest = text[code.end() :] if code else text
        batch = self._engine.encode([rest], _PLAIN)
        return [*([code[0]] if code else []), *(batch.tokens or ())]

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together again."""
        return "".join(tokens).replace(SPACE, " ").strip()


def open_frontend(rules: Mapping[str, Any]) -> Marian:
    """Make the front end for the side that `rules["side"]` names."""
    side = rules.get("side", "source")
    try:
        data = b64decode(rules[side], validate=True)
    except (KeyError, TypeError, ValueError, Base64Error):
        raise InvalidFormat(f"The front end has no SentencePiece model for {side!r:.40}.") from None
    return Marian(open_engine(TokenizerSpec(own_style(read(data, f"{side}.spm")))))
