"""Ranks as intervals: which places a system may hold, given how far chance can move its value.

A system is clearly above another when the 95 % interval of their difference lies on one side of
zero. Its best place counts those that are clearly above it, its worst place those that are not
clearly below. Pairs with results of the same examples are drawn together; others have the
interval that their two standard errors give.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reprise.registry.paired_draws import MAX_EXAMPLES, REPLICATES, replicate_means

_Z = 1.959963984540054  # of a two-sided 95 % interval
_TAIL = 0.025
_ROUNDING = 1e-12  # of sums of floats: equal values are no difference


@dataclass(frozen=True)
class Measured:
    """What is known about one system.

    Attributes:
        value: The measured value.
        stderr: Its standard error; None where nobody stated an interval.
        scores: What every example adds above and below the line, by its id, where the value is
            the sum above over the sum below; below a mean every example adds 1.
    """

    value: float
    stderr: float | None = None
    scores: Mapping[str, tuple[float, float]] | None = None


@dataclass(frozen=True)
class Place:
    """Which ranks are possible, from 1."""

    best: int
    worst: int
    paired: bool  # at least one neighbour was compared example by example

    @property
    def text(self) -> str:
        """`1` or `1 to 3`."""
        return str(self.best) if self.best == self.worst else f"{self.best} to {self.worst}"


def places(systems: Sequence[Measured], *, higher_is_better: bool = True) -> list[Place]:
    """Find the places that every system may hold.

    Args:
        systems: In any order.
        higher_is_better: False for errors.
    """
    drawn = _drawn(systems)
    sign = 1 if higher_is_better else -1
    above = [0] * len(systems)  # how many are clearly above
    below = [0] * len(systems)
    paired = [False] * len(systems)
    for i in range(len(systems)):
        for j in range(i + 1, len(systems)):
            is_paired = drawn[i] is not None and drawn[j] is not None and _same(systems, i, j)
            low, high = _interval(systems, drawn, i, j) if is_paired else _loose(systems, i, j)
            if is_paired:
                paired[i] = paired[j] = True
            better = sign * _side(low, high)  # 1: i is clearly above j
            above[j] += better > 0
            below[i] += better > 0
            above[i] += better < 0
            below[j] += better < 0
    total = len(systems)
    return [Place(1 + a, total - b, p) for a, b, p in zip(above, below, paired, strict=True)]


Means = list[float] | tuple[float, ...]


def _drawn(systems: Sequence[Measured]) -> list[Means | None]:
    """Draw all systems with the same examples together; empty where there are too many to draw."""
    found: list[Means | None] = [None] * len(systems)
    groups: dict[frozenset[str], list[int]] = {}
    for number, system in enumerate(systems):
        if system.scores:
            groups.setdefault(frozenset(system.scores), []).append(number)
    for keys, members in groups.items():
        if len(members) < 2:  # noqa: PLR2004 - nobody to pair with
            continue
        if len(keys) > MAX_EXAMPLES:
            for number in members:
                found[number] = ()
            continue
        for number, means in _replicates(systems, sorted(keys), members).items():
            found[number] = means
    return found


def _replicates(
    systems: Sequence[Measured], keys: Sequence[str], members: Sequence[int]
) -> dict[int, Means]:
    """Draw the same examples for several systems; equal lines are added up once."""
    lines: dict[tuple[float, ...], int] = {}
    places_of = {}
    for number in members:
        scores = [_scores(systems[number])[key] for key in keys]
        parts = zip(*scores, strict=True)
        places_of[number] = [lines.setdefault(tuple(part), len(lines)) for part in parts]
    means = replicate_means(list(lines))
    found: dict[int, Means] = {}
    for number, (above, below) in places_of.items():
        pairs = zip(means[above], means[below], strict=True)
        found[number] = [a / b if b else systems[number].value for a, b in pairs]
    return found


def _same(systems: Sequence[Measured], i: int, j: int) -> bool:
    return _scores(systems[i]).keys() == _scores(systems[j]).keys()


def _interval(
    systems: Sequence[Measured], drawn: Sequence[Means | None], i: int, j: int
) -> tuple[float, float]:
    """Return the interval of the difference of two systems on the same examples."""
    first, second = drawn[i], drawn[j]
    if first and second:
        differences = sorted(a - b for a, b in zip(first, second, strict=True))
        at = int(_TAIL * REPLICATES)
        return differences[at], differences[-1 - at]
    first_moves, second_moves = _moves(systems[i]), _moves(systems[j])
    each = (move - second_moves[key] for key, move in first_moves.items())
    spread = math.sqrt(math.fsum(it**2 for it in each)) / len(first_moves)
    mean = systems[i].value - systems[j].value
    return mean - _Z * spread, mean + _Z * spread


def _moves(system: Measured) -> dict[str, float]:
    """Return how far every example pulls the value away (the delta method)."""
    scores = _scores(system)
    above, below = (math.fsum(part) / len(scores) for part in zip(*scores.values(), strict=True))
    return {key: (a - above / below * b) / below for key, (a, b) in scores.items()}


def _loose(systems: Sequence[Measured], i: int, j: int) -> tuple[float, float]:
    """Return the interval of the difference of two systems that nobody paired."""
    one, other = systems[i], systems[j]
    if one.stderr is None or other.stderr is None:
        return -math.inf, math.inf  # nobody knows how far chance reaches
    half = _Z * math.hypot(one.stderr, other.stderr)
    return one.value - other.value - half, one.value - other.value + half


def _side(low: float, high: float) -> int:
    if low > _ROUNDING:
        return 1
    return -1 if high < -_ROUNDING else 0


def _scores(system: Measured) -> Mapping[str, tuple[float, float]]:
    return system.scores or {}
