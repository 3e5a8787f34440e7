"""A shuffle that needs no memory: row i of the new order is computed from a seed and i.

A Feistel network over the smallest power of two that holds all rows; numbers that fall outside are
sent round again until they are inside (cycle walking), which keeps it a bijection. So any part of
an order can be had without the rest, and a position is all that resuming needs.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_ROUNDS = 8
_NARROW = 32  # bits of a number of which each half fits into a product of 32 bits
# Finalizers of murmur3 and splitmix64: shifts and multipliers.
_MIXES = {
    np.dtype(np.uint32): ((16, 13, 16), (0x85EBCA6B, 0xC2B2AE35)),
    np.dtype(np.uint64): ((30, 27, 31), (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)),
}


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
        kind = np.dtype(np.uint32 if bits <= _NARROW else np.uint64)
        keys = _keys(self.seed, self.epoch, self.size).astype(kind)
        values = _rounds(positions.astype(kind), bits, keys)
        outside = np.flatnonzero(values >= self.size)
        while outside.size:
            again = _rounds(values[outside], bits, keys)
            values[outside] = again
            outside = outside[again >= self.size]
        return values.astype(np.int64)


def _keys(seed: int, epoch: int, size: int) -> NDArray[np.uint64]:
    """Derive the key of each round; any seed, however large, is as good as any other."""
    text = f"reprise-shuffle/1:{seed}:{epoch}:{size}".encode()
    block = hashlib.shake_256(text).digest(8 * _ROUNDS)
    return np.frombuffer(block, "<u8")


def _rounds(values: NDArray[Any], bits: int, keys: NDArray[Any]) -> NDArray[Any]:
    kind = values.dtype.type
    low = kind(bits // 2)
    low_mask = kind((1 << (bits // 2)) - 1)
    high_mask = kind((1 << (bits - bits // 2)) - 1)
    right, left = values & low_mask, values >> low
    mixed, shifted = np.empty_like(values), np.empty_like(values)
    for number, key in enumerate(keys):
        half, other, mask = (left, right, high_mask) if number % 2 else (right, left, low_mask)
        _mix(other, key, mixed, shifted)
        mixed &= mask
        half ^= mixed
    left <<= low
    found: NDArray[Any] = left | right
    return found


def _mix(half: NDArray[Any], key: Any, mixed: NDArray[Any], shifted: NDArray[Any]) -> None:
    """Scatter a half's bits over all of `mixed`; products and sums wrap around, as they should."""
    shifts, factors = _MIXES[half.dtype]
    kind = half.dtype.type
    np.add(half, key, out=mixed)
    for shift, factor in zip(shifts, (*factors, 0), strict=True):
        np.right_shift(mixed, kind(shift), out=shifted)
        mixed ^= shifted
        if factor:
            mixed *= kind(factor)
