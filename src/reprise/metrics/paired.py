"""Two systems on the same examples: how far apart are they, and where do they differ?

Both are drawn together: a replicate takes the same examples of both, so what they share cancels,
and the interval of the difference is much narrower than the two intervals suggest.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from reprise.base.errors import InvalidInput, NotSupported
from reprise.metrics import bootstrap
from reprise.metrics.inputs import shown
from reprise.metrics.score import Computation, Result
from reprise.metrics.signature import comparable
from reprise.metrics.state import rows_of
from reprise.metrics.table import Floats, Table, collapse, narrow

_EXACT_TRIALS = 2000  # up to here the binomial is summed, beyond it is as good as normal


@dataclass(frozen=True)
class Difference:
    """The second system minus the first, on the same examples.

    Attributes:
        metric: `id@MAJOR.MINOR`.
        name: Which value of the metric.
        value: The difference; None where one of both is undefined.
        unit: Unit of the value.
        n: How many examples.
        stderr: Standard error of the difference.
        ci: Its 95 % interval, from paired draws.
        better: Examples on which the second scores above the first.
        worse: Examples on which it scores below.
        p_value: Two-sided sign test of these (for right or wrong: McNemar's exact test).
        differing: Ids of the examples whose statistics differ, in the order of the first.
        signature: What both numbers have in common.
    """

    metric: str
    name: str
    value: float | None
    unit: str
    n: int
    stderr: float | None
    ci: tuple[float, float] | None
    better: int
    worse: int
    p_value: float
    differing: tuple[Hashable, ...]
    signature: str


def paired_difference(first: Result, second: Result, name: str | None = None) -> Difference:
    """Compare two results of one metric on the same examples.

    Args:
        first: The baseline.
        second: The other system.
        name: Which value; the main one by default.

    Raises:
        InvalidInput: The signatures differ, or the examples do.
        NotSupported: The metric draws groups of examples (MultiRC, Winogender).

    Example:
        >>> from reprise import load_metric
        >>> metric, true = load_metric("accuracy"), [1, 1, 1, 1]
        >>> found = paired_difference(metric.compute([1, 0, 0, 0], true),
        ...                           metric.compute([1, 1, 1, 0], true))
        >>> found.value, found.better, found.worse, found.differing
        (0.5, 2, 0, (1, 2))
    """
    one, other = first.computation, second.computation
    chosen = name or one.definition.main
    scores = [result.scores.get(chosen) for result in (first, second)]
    if scores[0] is None or scores[1] is None:
        raise InvalidInput(f"{one.definition.name} has no value {chosen!r}.")
    same = comparable(scores[0].signature, scores[1].signature)
    if not same:
        raise InvalidInput(f"These numbers are {same}.")
    order = _alignment(one, other)
    left, right = _rows(one), _rows(other)[order]
    replicates = _differences(one, other, left, right, chosen)
    spread = None if replicates is None else bootstrap.spread(replicates)
    gains = _gains(other, right, chosen) - _gains(one, left, chosen)
    sign = 1 if one.definition.higher_is_better else -1
    better, worse = int((sign * gains > 0).sum()), int((sign * gains < 0).sum())
    a, b = scores[0].value, scores[1].value
    return Difference(
        metric=one.definition.name,
        name=chosen,
        value=None if a is None or b is None else b - a,
        unit=scores[0].unit,
        n=one.n,
        stderr=spread.stderr if spread else None,
        ci=spread.ci if spread else None,
        better=better,
        worse=worse,
        p_value=sign_test(better, worse),
        differing=_differing(one, other, order),
        signature=scores[0].signature,
    )


def sign_test(better: int, worse: int) -> float:
    """Return how likely so uneven a split is when both are equally good, two-sided.

    Example:
        >>> sign_test(5, 0), sign_test(3, 3), sign_test(0, 0)
        (0.0625, 1.0, 1.0)
    """
    trials, fewer = better + worse, min(better, worse)
    if trials <= _EXACT_TRIALS:
        tail = sum(math.comb(trials, k) for k in range(fewer + 1))
        return min(1.0, float(Fraction(2 * tail, 1 << trials)))
    distance = max(0.0, abs(better - worse) - 1) / math.sqrt(trials)
    return math.erfc(distance / math.sqrt(2))


def _rows(computation: Computation) -> Floats:
    """Return the statistics of every example, in order, shape (N, K)."""
    table = computation.table
    if len(table.order) != computation.state.examples:
        raise NotSupported(
            f"{computation.definition.name} draws groups of examples, which are not paired yet."
        )
    rows: Floats = table.rows[table.order]
    return rows


def _alignment(one: Computation, other: Computation) -> NDArray[np.intp]:
    """Return, for each example of the first, where the second has it."""
    ids, others = ([key for part in c.state.parts for key in part.ids] for c in (one, other))
    place = {key: number for number, key in enumerate(others)}
    if len(place) != len(others) or len(set(ids)) != len(ids):
        raise InvalidInput(
            "The examples have no ids of their own.",
            hint="Compute each system in one go, or give ids, so that examples can be paired.",
        )
    if strangers := [key for key in ids if key not in place]:
        raise InvalidInput(f"The second result has no example {shown(strangers[0])}.")
    return np.array([place[key] for key in ids], np.intp)


def _differing(
    one: Computation, other: Computation, order: NDArray[np.intp]
) -> tuple[Hashable, ...]:
    """Return the ids of examples whose statistics differ."""
    left, right = rows_of(one.state), rows_of(other.state)
    pairs = zip(left, order.tolist(), strict=True)
    return tuple(key for (key, _, cells), place in pairs if cells != right[place][2])


def _differences(
    one: Computation, other: Computation, left: Floats, right: Floats, name: str
) -> Floats | None:
    """Return the difference on every paired replicate."""
    if one.plan.replicates < 2 or one.n < 2:  # noqa: PLR2004 - of a deviation
        return None
    joint, width, found = collapse(np.hstack([left, right])), left.shape[1], []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for weights in bootstrap.draw(joint, one.plan):
            drawn = replace(joint, weights=weights)
            a = _value(one, narrow(drawn, slice(width), one.table.labels), name)
            b = _value(other, narrow(drawn, slice(width, None), other.table.labels), name)
            found.append(b - a)
    return np.concatenate(found)


def _value(computation: Computation, table: Table, name: str) -> Floats:
    return computation.definition.finish(table, computation.options)[name]


def _gains(computation: Computation, rows: Floats, name: str) -> Floats:
    """Return the value that every example has by itself; 0 where it has none."""
    distinct = collapse(rows, computation.table.labels)
    found = []
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for place in range(len(distinct.rows)):
            alone = Table(distinct.rows[[place]], np.ones((1, 1)), distinct.labels)
            found.append(_value(computation, alone, name)[0])
    values = np.nan_to_num(np.array(found), nan=0.0, posinf=0.0, neginf=0.0)
    gains: Floats = values[distinct.order]
    return gains
