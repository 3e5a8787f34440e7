"""Chance without a state: a token's luck depends on its row, its place and itself.

The next token is the one with the highest score plus Gumbel noise, which draws from the softmax of
the scores. The noise of a token is a hash of the seed, the row's prompt, the place and the token:
a row's luck is the same alone, in any batch, streamed, and when a draft guessed it first.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from reprise.models.generate.seam import Array

_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64 (Steele, 2014)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_UNUSED_BITS = np.uint64(11)  # of 64, 53 make a double


def row_keys(seed: int, prompts: Sequence[Array], copies: int) -> list[bytes]:
    """Give each row its key; equal prompts are told apart by their count, not by their place.

    Args:
        seed: The call's.
        prompts: What makes a row: its tokens.
        copies: How many answers each prompt gets; they stand together.
    """
    seen: Counter[bytes] = Counter()
    found = []
    for prompt in prompts:
        content = np.ascontiguousarray(prompt).tobytes()
        for _ in range(copies):
            told = b"%d %d " % (seed, seen[content]) + content
            found.append(hashlib.blake2b(told, digest_size=16).digest())
            seen[content] += 1
    return found


def gumbel(key: bytes, place: int, tokens: Array) -> Array:
    """Give the noise of tokens at a place of a row: float64, of their shape."""
    start = hashlib.blake2b(key + place.to_bytes(8, "big"), digest_size=8).digest()
    with np.errstate(over="ignore"):
        x = np.uint64(int.from_bytes(start, "big")) + (tokens.astype(np.uint64) + _GAMMA) * _GAMMA
        x = (x ^ (x >> _SHIFTS[0])) * _FIRST
        x = (x ^ (x >> _SHIFTS[1])) * _SECOND
        x = x ^ (x >> _SHIFTS[2])
    # In the middle of each of 2 ** 53 steps: never 0, never 1.
    uniform = ((x >> _UNUSED_BITS).astype(np.float64) + 0.5) * 2.0**-53
    noise: Array = -np.log(-np.log(uniform))
    return noise


def draw(scores: Array, key: bytes, place: int) -> int:
    """Draw a token from the softmax of scores [V]."""
    tokens = np.flatnonzero(scores > -np.inf)
    return int(tokens[np.argmax(scores[tokens] + gumbel(key, place, tokens))])


def draw_several(scores: Array, key: bytes, place: int, count: int) -> Array:
    """Draw different places of scores [N], likeliest luck first (Kool, 2019)."""
    lucky = scores + gumbel(key, place, np.arange(scores.size))
    return np.argsort(-lucky, kind="stable")[:count]
