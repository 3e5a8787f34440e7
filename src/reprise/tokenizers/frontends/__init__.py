"""Tokenizers of a few early models, whose rules no engine has: text to pieces in Python.

A spec with a `frontend` part holds a WordLevel model over pieces; what is here cuts text into
them. Special and added tokens are cut out first, as an engine would.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol

from reprise.base.errors import InvalidFormat, NotSupported
from reprise.tokenizers.options import Row
from reprise.tokenizers.spec import TokenizerSpec

# Type of a front end -> module of this package whose `open_frontend` makes it.
_KNOWN = {"ctrl": "ctrl", "marian": "marian", "transfo_xl": "words", "xlm": "xlm"}


class Frontend(Protocol):
    """Text to pieces and back.

    Attributes:
        pending: What joined text ends in while the next piece belongs to the same word.
    """

    pending: str

    def split(self, text: str) -> list[str]:
        """Cut text into pieces."""
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together again."""
        ...


def frontend_of(spec: TokenizerSpec) -> Frontend:
    """Return the front end of a spec.

    Raises:
        InvalidFormat: Nobody knows it.
    """
    return _opened(spec)[0]


def prepare(spec: TokenizerSpec, rows: list[Row], *, offsets: bool) -> list[Row]:
    """Turn rows into words that are pieces already.

    Raises:
        NotSupported: Offsets were asked for; the rules change the text beyond recognition.
    """
    if offsets:
        raise NotSupported(f"Tokenizers of type {spec.frontend} cannot give offsets.")
    frontend, added = _opened(spec)

    def pieces(text: str | list[str]) -> list[str]:
        texts = [text] if isinstance(text, str) else text
        return [piece for each in texts for piece in _pieces(frontend, added, each)]

    return [
        (pieces(row[0]), pieces(row[1])) if isinstance(row, tuple) else pieces(row) for row in rows
    ]


def _pieces(frontend: Frontend, added: re.Pattern[str] | None, text: str) -> list[str]:
    if added is None:
        return frontend.split(text)
    found: list[str] = []
    for number, part in enumerate(added.split(text)):
        found += [part] if number % 2 else frontend.split(part)
    return found


@lru_cache(maxsize=8)
def _opened(spec: TokenizerSpec) -> tuple[Frontend, re.Pattern[str] | None]:
    rules: Mapping[str, Any] = spec.data["frontend"]
    name = rules.get("type")
    if name not in _KNOWN:
        raise InvalidFormat(f"Unknown front end {name!r:.80}; known are {', '.join(_KNOWN)}.")
    module = import_module(f"reprise.tokenizers.frontends.{_KNOWN[name]}")
    contents = sorted((entry["content"] for entry in spec.data["added_tokens"]), key=len)
    pattern = "|".join(map(re.escape, reversed(contents)))
    return module.open_frontend(rules), re.compile(f"({pattern})") if pattern else None
