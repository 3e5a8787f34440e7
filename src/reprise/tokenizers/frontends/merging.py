"""Byte-pair merges applied to one word, in Python."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.tokenizers.checking import MAX_VOCAB

_KEPT = 1 << 16  # words whose pieces are remembered
MAX_WORD = 4096  # characters; merging takes time in the square of them
_PAIR = 2


class Merger:
    """Cuts words into pieces by merges, the first merge first; remembers the latest words."""

    def __init__(self, merges: Sequence[Sequence[str]]) -> None:
        self._ranks = {(merge[0], merge[1]): rank for rank, merge in enumerate(merges)}
        self.pieces = lru_cache(maxsize=_KEPT)(self._merged)

    def _merged(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        ranks, unranked = self._ranks, len(self._ranks)
        while len(symbols) > 1:
            best = min(pairwise(symbols), key=lambda pair: ranks.get(pair, unranked))
            if best not in ranks:
                break
            symbols = _joined(symbols, best)
        return symbols


def read_merges(rules: Mapping[str, Any]) -> list[list[str]]:
    """Return the merges of a front end.

    Raises:
        InvalidFormat: They are not pairs of texts.
    """
    merges = rules.get("merges")
    if not isinstance(merges, list) or len(merges) > MAX_VOCAB:
        raise InvalidFormat("The merges of a front end must be a list.")
    for merge in merges:
        is_pair = isinstance(merge, list | tuple) and len(merge) == _PAIR
        if not (is_pair and all(isinstance(part, str) for part in merge)):
            raise InvalidFormat(f"{merge!r:.80} is no merge of two texts.")
    return merges


def cut_long(word: str) -> list[str]:
    """Cut a word that is too long to be merged as a whole."""
    return [word[at : at + MAX_WORD] for at in range(0, len(word), MAX_WORD)]


def _joined(symbols: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    found = []
    at = 0
    while at < len(symbols):
        if symbols[at : at + _PAIR] == pair:
            found.append(pair[0] + pair[1])
            at += _PAIR
        else:
            found.append(symbols[at])
            at += 1
    return tuple(found)
