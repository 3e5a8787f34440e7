"""CTRL: words with the line feed that follows, pieces that continue marked by `@@`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reprise.tokenizers.frontends.merging import Merger, cut_long, read_merges

_WORD = re.compile(r"\S+\n?")
_CONTINUES = "@@"
_END = "</w>"


class Ctrl:
    """See the module."""

    pending = _CONTINUES

    def __init__(self, merger: Merger) -> None:
        self._merger = merger

    def split(self, text: str) -> list[str]:
        """Cut text into pieces."""
        return [piece for word in _WORD.findall(text) for piece in self._word(word)]

    def join(self, tokens: Sequence[str]) -> str:
        """Put pieces together again."""
        return " ".join(tokens).replace(f"{_CONTINUES} ", "").strip()

    def _word(self, word: str) -> list[str]:
        found: list[str] = []
        for part in cut_long(word):
            if len(part) == 1:  # the original leaves these alone
                found.append(part)
                continue
            symbols = self._merger.pieces((*part[:-1], part[-1] + _END))
            found += [symbol + _CONTINUES for symbol in symbols[:-1]]
            found.append(symbols[-1].removesuffix(_END))
        return found


def open_frontend(rules: Mapping[str, Any]) -> Ctrl:
    """Make the front end."""
    return Ctrl(Merger(read_merges(rules)))
