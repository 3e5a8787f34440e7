"""Rows of tokens going through a model with a cache, each with its own positions and length.

Prompts end in the same column of the cache. What lies before a short one, and what a row took
back, are holes: keys that stand nowhere (place -1), which nothing sees. Positions count a row's own
tokens, so a row is computed as if it were alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from reprise.base.errors import NotSupported
from reprise.models.generate.seam import Array, Runner

HOLE = -1


class Steps(Protocol):
    """A model in the middle of some texts."""

    def start(self, rows: Sequence[Array]) -> Array:
        """Take the prompts; give the scores [R, V] after each."""

    def feed(self, tokens: Array) -> Array:
        """Take tokens [R, T], negative where there is none; give the scores [R, T, V]."""

    def rewind(self, lengths: Sequence[int]) -> None:
        """Take back what each row has beyond a length."""

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be kept several times."""

    def join(self, other: Any) -> None:
        """Take the rows of other steps of the same model below its own."""

    def trim(self) -> None:
        """Forget what no row needs any more."""


class CachedSteps:
    """A decoder with a cache of keys and values.

    Args:
        runner: The model.
        fixed: What every run is given: the encoder's answer, by row.
        prefix: Of the decoder's arguments.
    """

    def __init__(self, runner: Runner, fixed: Mapping[str, Any], prefix: str = "") -> None:
        self._runner, self._fixed, self._prefix = runner, dict(fixed), prefix
        self._cache = runner.new_cache()
        self._places = np.zeros((0, 0), np.int64)  # of keys in their own rows [R, S]
        self._lengths = np.zeros(0, np.int64)
        self._holes = False

    def start(self, rows: Sequence[Array]) -> Array:
        """Take the prompts; give the scores [R, V] after each."""
        width = max(len(row) for row in rows)
        tokens = np.full((len(rows), width), HOLE, np.int64)
        for number, row in enumerate(rows):
            tokens[number, width - len(row) :] = row
        self._places = np.zeros((len(rows), 0), np.int64)
        self._lengths = np.zeros(len(rows), np.int64)
        return self._run(tokens, 1)[:, 0]

    def feed(self, tokens: Array) -> Array:
        """Take tokens [R, T], negative where there is none; give the scores [R, T, V]."""
        return self._run(tokens, tokens.shape[1])

    def _run(self, tokens: Array, keep: int) -> Array:
        there = tokens >= 0
        places = self._lengths[:, None] + there.cumsum(1) - 1
        self._places = np.concatenate((self._places, np.where(there, places, HOLE)), axis=1)
        self._lengths = self._lengths + there.sum(1)
        self._holes = self._holes or not there.all()
        feeds = {f"{self._prefix}input_ids": np.maximum(tokens, 0)}
        if self._holes:
            feeds[f"{self._prefix}key_positions"] = self._places
        return self._runner.scores(self._fixed | feeds, self._cache, keep)

    def rewind(self, lengths: Sequence[int]) -> None:
        """Take back what each row has beyond a length."""
        kept = np.asarray(lengths)[:, None]
        self._places = np.where(self._places < kept, self._places, HOLE)
        self._lengths = np.minimum(self._lengths, kept[:, 0])
        end = int(np.flatnonzero((self._places >= 0).any(axis=0))[-1]) + 1
        if end < self._places.shape[1]:
            self._places = self._places[:, :end]
            self._cache.crop(end)
        self._holes = bool((self._places < 0).any())

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be kept several times."""
        chosen = list(rows)
        if chosen == list(range(len(self._lengths))):
            return
        self._runner.reorder(self._cache, chosen)
        self._places, self._lengths = self._places[chosen], self._lengths[chosen]
        self._holes = bool((self._places < 0).any())
        for name, value in self._fixed.items():
            self._fixed[name] = self._runner.pick(value, chosen)

    def join(self, other: "CachedSteps") -> None:
        """Take the rows of other steps of the same model below its own.

        Raises:
            NotSupported: An encoder was read, whose states have no places of their own.
        """
        if self._fixed:
            raise NotSupported("Rows behind an encoder do not join others.")
        parts = self._places, other._places  # noqa: SLF001 - of its own kind
        width = max(places.shape[1] for places in parts)
        self._places = np.concatenate([behind(places, width) for places in parts])
        self._lengths = np.concatenate((self._lengths, other._lengths))  # noqa: SLF001
        self._runner.join(self._cache, other._cache)  # noqa: SLF001
        self._holes = bool((self._places < 0).any())

    def trim(self) -> None:
        """Drop the first columns for as long as no row has a key there."""
        used = (self._places >= 0).any(axis=0)
        count = int(used.argmax())
        if count:
            self._places = self._places[:, count:]
            self._cache.trim(count)
            self._holes = bool((self._places < 0).any())


def behind(columns: Array, width: int) -> Array:
    """Put holes before columns [R, S] until there are this many."""
    missing = width - columns.shape[1]
    return np.pad(columns, ((0, 0), (missing, 0)), constant_values=HOLE) if missing else columns
