"""A shuffle that needs no memory: row i of the new order is computed from a seed and i.

A Feistel network over the smallest power of two that holds all rows; numbers that fall outside are
sent round again until they are inside (cycle walking), which keeps it a bijection. So any part of
an order can be had without the rest, and a position is all that resuming needs.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_ROUNDS = 8
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))  # splitmix64's


@dataclass(frozen=True)
class Permutation:
    """A bijection of 0 … size-1, drawn by a seed.

    Example:
        >>> Permutation(5, seed=0).apply(np.arange(5)).tolist() != [0, 1, 2, 3, 4]
        True
    """

    size: int
    seed: int
    epoch: int = 0

    def apply(self, positions: Indices) -> Indices:
        """Return where each position's row stands in the old order."""
        if self.size <= 1:
            return positions.copy()
        bits = max(2, (self.size - 1).bit_length())
        keys = _keys(self.seed, self.epoch, self.size)
        values = _rounds(positions.astype(np.uint64), bits, keys)
        outside = np.flatnonzero(values >= self.size)
        while outside.size:
            again = _rounds(values[outside], bits, keys)
            values[outside] = again
            outside = outside[again >= self.size]
        return values.astype(np.int64)


def _keys(seed: int, epoch: int, size: int) -> list[np.uint64]:
    """Derive the key of each round; any seed, however large, is as good as any other."""
    text = f"reprise-shuffle/1:{seed}:{epoch}:{size}".encode()
    block = hashlib.shake_256(text).digest(8 * _ROUNDS)
    return [np.uint64(value) for value in np.frombuffer(block, "<u8")]


def _rounds(values: NDArray[np.uint64], bits: int, keys: list[np.uint64]) -> NDArray[np.uint64]:
    low = np.uint64(bits // 2)
    low_mask = np.uint64((1 << (bits // 2)) - 1)
    high_mask = np.uint64((1 << (bits - bits // 2)) - 1)
    right, left = values & low_mask, values >> low
    for number, key in enumerate(keys):
        if number % 2:
            left ^= _mixed(right, key) & high_mask
        else:
            right ^= _mixed(left, key) & low_mask
    result: NDArray[np.uint64] = (left << low) | right
    return result


def _mixed(half: NDArray[np.uint64], key: np.uint64) -> NDArray[np.uint64]:
    mixed = half + key  # wraps around, as it should
    mixed ^= mixed >> np.uint64(30)
    mixed *= _MIX[0]
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MIX[1]
    mixed ^= mixed >> np.uint64(31)
    return mixed
