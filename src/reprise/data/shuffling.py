"""A shuffle for data that is larger than memory: blocks are drawn, then rows within a few blocks.

Any single row of a large file costs a page, and on a disk a seek. So rows that lie together are
moved together, as blocks in a drawn order, and the rows of as many blocks as go into memory are
mixed. Computed from a seed like the full shuffle: nothing is stored, any position can be had alone.
"""

from dataclasses import dataclass

import numpy as np

from reprise.data.frame import Frame
from reprise.data.permutation import Indices, Permutation

_MIXED = 64  # blocks whose rows are mixed with each other


@dataclass(frozen=True)
class Blocks:
    """All rows in an order drawn in two steps; a selection.

    Attributes:
        size: How many rows.
        block: Rows of a block; those that fill none are mixed with the last blocks.
        seed: Draws the order.
        epoch: Draws another one from the same seed.
    """

    size: int
    block: int
    seed: int
    epoch: int = 0

    def resolve(self, positions: Indices) -> Indices:
        """Return the row numbers at some positions."""
        rows_together = self.block * _MIXED
        last = max((self.size // self.block - 1) // _MIXED, 0)  # takes the rows that are left
        group = np.minimum(positions // rows_together, last)
        found = np.empty(len(positions), np.int64)
        for number in np.unique(group).tolist():
            here = np.flatnonzero(group == number)
            found[here] = self._inside(number, positions[here] - number * rows_together, last)
        return found

    def _inside(self, number: int, places: Indices, last: int) -> Indices:
        """Return the rows at places within one group of blocks."""
        blocks = self.size // self.block
        first = number * _MIXED
        count = blocks - first if number == last else _MIXED
        full = count * self.block
        left = self.size - blocks * self.block if number == last else 0
        mixed = Permutation(full + left, self._seed(number), self.epoch).apply(places)
        drawn = Permutation(blocks, self.seed, self.epoch).apply(
            np.minimum(mixed // self.block, max(count - 1, 0)) + first
        ) if blocks else mixed  # fmt: skip
        rows = drawn * self.block + mixed % self.block
        return np.where(mixed < full, rows, mixed - full + blocks * self.block)

    def _seed(self, number: int) -> int:
        return (self.seed << 64) + number + 1

    def describe(self) -> object:
        """Return plain data."""
        return ["blocks", self.size, self.block, str(self.seed), self.epoch]


def shuffled_blocks(frame: Frame, seed: int, epoch: int, memory: int) -> Frame:
    """Return the rows in a drawn order that can be read with so much memory, in bytes."""
    kept = memory // 8
    block = max(1, int(kept / _MIXED / max(frame.row_bytes, 1.0)))
    return frame.keeping(kept).pick(Blocks(frame.size, min(block, max(frame.size, 1)), seed, epoch))
