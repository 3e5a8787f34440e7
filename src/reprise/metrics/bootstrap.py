"""How far a value would move on other examples of the same kind: the bootstrap, vectorised.

A replicate draws as many examples as there are, with replacement. Equal rows of statistics are
drawn together: the counts are multinomial, so 100,000 right-or-wrong answers cost two numbers a
replicate. Draws come from PCG64 with the seed that stands in the signature.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from reprise.metrics.definition import Definition, Values
from reprise.metrics.options import Options
from reprise.metrics.table import Floats, Table

REPLICATES = 1000
SEED = 12345
_CELLS = 4_000_000  # weights held at a time: 32 MB
_FEW = 8  # distinct rows are few when there are this many times more examples
_LOW, _HIGH = 2.5, 97.5  # percentiles of a 95 % interval
_DEFINED = 0.95  # share of replicates that must have a value


@dataclass(frozen=True)
class Plan:
    """How to bootstrap.

    Attributes:
        replicates: How often to draw; 0 for never.
        seed: Of the generator.
    """

    replicates: int = REPLICATES
    seed: int = SEED


@dataclass(frozen=True)
class Spread:
    """What replicates say about one value.

    Attributes:
        stderr: Their standard deviation.
        ci: The 2.5th and 97.5th percentile.
    """

    stderr: float
    ci: tuple[float, float]


def replicate(definition: Definition, table: Table, options: Options, plan: Plan) -> Values:
    """Compute every value on every replicate, shape (replicates,) or (replicates, classes)."""
    found: dict[str, list[Floats]] = {}
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for weights in draw(table, plan):
            for name, values in definition.finish(replace(table, weights=weights), options).items():
                found.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def spread(values: Floats) -> Spread | None:
    """Summarise the replicates of one value; None when too many of them are undefined."""
    defined = values[np.isfinite(values)]
    if len(defined) < _DEFINED * len(values) or len(defined) < 2:  # noqa: PLR2004 - of a deviation
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        stderr = float(defined.std(ddof=1))
        low, high = np.percentile(defined, [_LOW, _HIGH]).tolist()
    is_finite = all(map(math.isfinite, (stderr, low, high)))
    return Spread(stderr, (low, high)) if is_finite else None


def draw(table: Table, plan: Plan) -> Iterator[Floats]:
    """Yield weights of replicates, shape (some, M)."""
    counts = table.weights[0]
    generator = np.random.Generator(np.random.PCG64(plan.seed))
    at_once = max(1, _CELLS // len(counts))
    for start in range(0, plan.replicates, at_once):
        yield _weights(counts, min(at_once, plan.replicates - start), generator)


def _weights(counts: Floats, replicates: int, generator: np.random.Generator) -> Floats:
    total, distinct = int(counts.sum()), len(counts)
    if distinct * _FEW <= total:
        drawn = generator.multinomial(total, counts / total, replicates)
        return drawn.astype(np.float64)
    owner = np.repeat(np.arange(distinct), counts.astype(np.int64))
    lines = [owner[generator.integers(0, total, total)] for _ in range(replicates)]
    return np.stack([np.bincount(line, minlength=distinct) for line in lines]).astype(np.float64)
