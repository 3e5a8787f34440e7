"""Guessing ahead: from the row's own text, or by a smaller model.

A guess only saves time. The model checks all of them in one run, and each token is the one it
would have chosen without: for greedy search, and for sampling too, since luck depends on the place
and not on how it was reached (`sampling.py`). The smaller model draws with the same luck, so it
often guesses samples as well.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from reprise.models.generate.choosing import Chooser
from reprise.models.generate.rows import Row
from reprise.models.generate.seam import Array
from reprise.models.generate.steps import HOLE, Steps


class Drafter(Protocol):
    """Guesses the next tokens of rows."""

    def propose(self, rows: Sequence[Row], rooms: Sequence[int]) -> list[list[int]]:
        """Guess for each row at most as many tokens as it has room for; none is allowed."""

    def reorder(self, places: Sequence[int]) -> None:
        """Keep these rows, in this order."""


class Lookup:
    """Guesses that a text goes on as it did the last time (prompt lookup).

    Args:
        count: Most tokens of a guess.
        size: Most tokens that have to be equal before it.
    """

    def __init__(self, count: int, size: int) -> None:
        self._count, self._size = count, size

    def propose(self, rows: Sequence[Row], rooms: Sequence[int]) -> list[list[int]]:
        """Guess for each row at most as many tokens as it has room for."""
        pairs = zip(rows, rooms, strict=True)
        return [self._guess(row, min(room, self._count)) for row, room in pairs]

    def _guess(self, row: Row, room: int) -> list[int]:
        ids = row.history.ids
        for size in range(min(self._size, len(ids) - 1), 0, -1):
            windows = np.lib.stride_tricks.sliding_window_view(ids[:-1], size)
            found = np.flatnonzero((windows == ids[-size:]).all(axis=1))
            if len(found) and room > 0:
                after = int(found[-1]) + size
                return [int(token) for token in ids[after : after + room]]
        return []

    def reorder(self, places: Sequence[int]) -> None:
        """Keep these rows: nothing of them is remembered."""


class SmallModel:
    """Guesses with a smaller model that knows the same tokens.

    Args:
        steps: The smaller model.
        rows: What it is started with: their prompts.
        chooser: How the large model's tokens are chosen.
        count: Most tokens of a guess.
        vocabulary: How many tokens the large model knows.
    """

    def __init__(self, steps: Steps, rows: Sequence[Row], chooser: Chooser, *, count: int,
                 vocabulary: int) -> None:  # fmt: skip
        self._steps, self._chooser, self._count = steps, chooser, count
        self._vocabulary = vocabulary
        self._read = [row.history.prompt for row in rows]  # tokens it has read, by row
        self._guesses: list[tuple[int, list[int]]] = [(read, []) for read in self._read]
        steps.start([row.history.ids[: row.history.prompt].copy() for row in rows])

    def propose(self, rows: Sequence[Row], rooms: Sequence[int]) -> list[list[int]]:
        """Guess for each row at most as many tokens as it has room for."""
        depth = min(self._count, max(rooms))
        if depth < 1:
            return [[] for _ in rows]
        self._take_back(rows)
        starts = [len(row.history) for row in rows]
        for _ in range(depth):
            raw = self._feed(rows)
            for row, scores in zip(rows, raw, strict=True):
                row.history.append(self._next(row, scores))
        self._guesses = []
        for row, start in zip(rows, starts, strict=True):
            self._guesses.append((start, row.history.ids[start:].tolist()))
            row.history.cut(start)
        pairs = zip(self._guesses, rooms, strict=True)
        return [guess[: max(room, 0)] for (_, guess), room in pairs]

    def reorder(self, places: Sequence[int]) -> None:
        """Keep these rows, in this order."""
        self._steps.reorder(places)
        self._read = [self._read[place] for place in places]
        self._guesses = [self._guesses[place] for place in places]

    def _take_back(self, rows: Sequence[Row]) -> None:
        """Forget guesses that did not come true, and always leave the last token to read."""
        for place, (row, (start, guess)) in enumerate(zip(rows, self._guesses, strict=True)):
            came = row.history.ids[start:].tolist()
            true = next((n for n, pair in enumerate(zip(guess, came, strict=False))
                         if pair[0] != pair[1]), min(len(guess), len(came)))  # fmt: skip
            last = len(row.history) - 1
            self._read[place] = min(self._read[place], start + true, last)
        self._steps.rewind(self._read)

    def _feed(self, rows: Sequence[Row]) -> Array:
        """Read what each row has beyond what was read; give the scores [R, V] after it."""
        tails = [row.history.ids[read:] for row, read in zip(rows, self._read, strict=True)]
        tokens = np.full((len(rows), max(map(len, tails))), HOLE, np.int64)
        for place, tail in enumerate(tails):
            tokens[place, tokens.shape[1] - len(tail) :] = tail
        self._read = [len(row.history) for row in rows]
        return _of_width(self._steps.feed(tokens)[:, -1], self._vocabulary)

    def _next(self, row: Row, raw: Array) -> int:
        shaped = self._chooser.shaped(raw, row.history, row.rules)
        return self._chooser.choose(shaped, row.history, row.key)


def _of_width(scores: Array, width: int) -> Array:
    """Give scores [R, V] as many tokens as the large model has."""
    if scores.shape[1] >= width:
        return scores[:, :width]
    lacking = np.full((scores.shape[0], width - scores.shape[1]), -np.inf, np.float32)
    return np.concatenate((scores, lacking), axis=1)
