"""The paired bootstrap without arrays: examples are bits of whole numbers.

Every system is drawn with the same examples, so what they share cancels. A replicate's
multiplicities are kept as bit planes, one whole number each; a system's scores likewise. A sum
over a replicate is then a few counts of common bits, at any number of examples one machine
instruction per 64 of them.
"""

import random
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

REPLICATES = 1000
SEED = 12345
# Above this the draws take seconds, and the normal interval says the same to three digits.
MAX_EXAMPLES = 5_000
_STEPS = (1 << 16) - 1  # scores are rounded to so many steps of their range
_BYTE = 256
# Byte k of table b is "1" where bit b of k is set: reads one bit plane from a row of bytes.
_BIT = [bytes(48 + (k >> b & 1) for k in range(_BYTE)) for b in range(8)]

Planes = list[tuple[int, int]]  # (weight, bits)


def replicate_means(scores: Sequence[Sequence[float]]) -> list[list[float]]:
    """Draw examples with replacement and return every system's mean on every replicate.

    Args:
        scores: One list per system, the same examples in the same order, at most `MAX_EXAMPLES`.

    Returns:
        One list per system, `REPLICATES` long; replicate k is the same draw for all of them.

    Example:
        >>> same, other = replicate_means([[1, 1, 1], [1, 0, 1]])
        >>> set(same), all(0 <= mean <= 1 for mean in other)
        ({1.0}, True)
    """
    n = len(scores[0])
    systems = [_Scaled.of(line) for line in scores]
    means: list[list[float]] = [[] for _ in systems]
    for drawn in _draws(n):
        for line, system in zip(means, systems, strict=True):
            line.append(system.mean(drawn, n))
    return means


class _Scaled:
    """A system's scores as bit planes, and how to get back from steps to scores."""

    def __init__(self, low: float, step: float, planes: Planes) -> None:
        self._low, self._step, self._planes = low, step, planes

    @classmethod
    def of(cls, scores: Sequence[float]) -> "_Scaled":
        low, high = min(scores), max(scores)
        if low == high:
            return cls(low, 0.0, [])
        if set(scores) == {low, high}:  # right or wrong: one plane, nothing is rounded
            return cls(low, high - low, _planes(bytes(it == high for it in scores)))
        steps = [round((it - low) / (high - low) * _STEPS) for it in scores]
        planes = _planes(bytes(it % _BYTE for it in steps))
        planes += [(w * _BYTE, bits) for w, bits in _planes(bytes(it // _BYTE for it in steps))]
        return cls(low, (high - low) / _STEPS, planes)

    def mean(self, drawn: Planes, n: int) -> float:
        """Return the mean of one draw."""
        total = sum(
            weight * times * (bits & chosen).bit_count()
            for weight, bits in self._planes
            for times, chosen in drawn
        )
        return self._low + self._step * total / n


def _draws(n: int) -> Iterator[Planes]:
    generator = random.Random(SEED)  # noqa: S311 - statistics, not secrets
    for _ in range(REPLICATES):
        words = array("I", generator.randbytes(4 * n))
        times = Counter([word * n >> 32 for word in words])
        yield _planes(bytes(times.get(place, 0) for place in range(n)))


def _planes(row: bytes) -> Planes:
    """Split a row of bytes into its bit planes, without empty ones."""
    planes = ((1 << b, int(row.translate(_BIT[b]), 2)) for b in range(8))
    return [(weight, bits) for weight, bits in planes if bits]
