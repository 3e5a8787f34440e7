"""Keys and values in memory that a graph reads and writes in place."""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from reprise.models.onnx.attention import past_names
from reprise.models.spec import Stack

_FIRST = 64  # columns of the first buffers; they double when they are full


class Buffers:
    """Keys and values [R, H, M, D] of each layer; every row's own begin in column 0.

    What lies behind a row's last column is whatever was there before: nothing reads it.

    Args:
        stack: Whose layers.
    """

    def __init__(self, stack: Stack) -> None:
        self._attention, self._layers = stack.attention, stack.layers
        self._kept: dict[str, np.ndarray] = {}
        self.rows, self.columns = 0, 0
        for layer in range(stack.layers):
            groups = stack.attention.groups_of(stack.set_of(layer))
            for name in past_names(layer):
                self._kept[name] = np.empty((0, groups, 0, stack.attention.width), np.float32)

    def items(self, rows: slice) -> Iterator[tuple[str, np.ndarray]]:
        """Give the name of each input, `past_key.0`, and its memory for some rows."""
        return ((name, kept[rows]) for name, kept in self._kept.items())

    def begin(self, rows: int, columns: int) -> None:
        """Make empty buffers for so many rows that have room for so many columns."""
        self._make(rows, columns)

    def grow(self, columns: int, used: int) -> bool:
        """Make room for columns, keeping those in use; tell whether the memory is another now."""
        if columns <= self.columns:
            return False
        old = dict(self._kept)
        self._make(self.rows, columns)
        for name, kept in self._kept.items():
            kept[:, :, :used] = old[name][:, :, :used]
        return True

    def reorder(self, rows: Sequence[int], used: int) -> None:
        """Keep these rows, in this order, and of each the columns in use."""
        old = dict(self._kept)
        self._make(len(rows), self.columns)
        for name, kept in self._kept.items():
            kept[:, :, :used] = old[name][list(rows), :, :used]

    def join(self, other: "Buffers", used: tuple[int, int]) -> None:
        """Put the rows of other buffers below, of each the columns in use."""
        old, below, first = dict(self._kept), dict(other.items(slice(None))), self.rows
        self._make(first + other.rows, max(used))
        for name, kept in self._kept.items():
            kept[:first, :, : used[0]] = old[name][:, :, : used[0]]
            kept[first:, :, : used[1]] = below[name][:, :, : used[1]]

    def _make(self, rows: int, columns: int) -> None:
        while self.columns < columns:
            self.columns = max(_FIRST, 2 * self.columns)
        self.rows = rows
        sides = {name: (rows, kept.shape[1], self.columns, kept.shape[3])
                 for name, kept in self._kept.items()}  # fmt: skip
        # In one piece: NumPy puts large pieces on large pages, which are there at once.
        whole, start = np.empty(sum(map(prod, sides.values())), np.float32), 0
        for name, shape in sides.items():
            end = start + prod(shape)
            self._kept[name], start = whole[start:end].reshape(shape), end
