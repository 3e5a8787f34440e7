"""What a metric is: how one example is scored, and how many become one number.

    score(example) -> statistics      once per example, anywhere
    merge(a, b)    -> statistics      associative: shards, streams, processes
    finish(all)    -> values          the only place where a number is made

`finish` takes weights, so that a bootstrap is the same function on other weights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from reprise.metrics.options import Option, Options
from reprise.metrics.table import Floats, Table

# One cell of an example's statistics: a number, a label, or counts by label.
Cells = tuple[Any, ...]
Values = dict[str, Floats]  # name -> (R,), or (R, C) for a value per class; NaN: undefined

FRACTION, PERCENT, RAW = "fraction", "percent", "raw"


class Columns(NamedTuple):
    """Checked input: one entry per example in each."""

    predictions: Any  # a list or an array
    references: Any
    ids: Sequence[Any]


def as_numbers(statistics: Sequence[Cells], options: Options) -> tuple[Floats, tuple[str, ...]]:  # noqa: ARG001
    """Encode statistics that are numbers already."""
    return np.asarray(statistics, np.float64).reshape(len(statistics), -1), ()


@dataclass(frozen=True)
class Definition:
    """One version of one metric. A change of any value it returns makes a new MAJOR version.

    Attributes:
        id: Its name in signatures.
        version: MAJOR.MINOR.
        summary: One line for lists.
        unit: "fraction", "percent" or "raw", of all its values but those in `units`.
        main: The value that stands for the metric.
        statistics: Names of the cells of an example's statistics.
        read: Checks predictions and references and returns them as columns.
        score: Statistics of one example.
        finish: Values from the statistics of all.
        encode: Turns cells into numbers, and says what codes among them stand for.
        score_all: The same as `score` for many examples at once, where that is faster.
        options: What the caller may or must choose.
        fixed: What the signature says about choices that are part of the definition.
        noted: What the signature says about the examples: classes that were averaged.
        details: Further entries of the result: counts, per-class tables.
        upstream: The signature of the library that computes, for delegated metrics.
        examples: Counts the examples of a table when one row stands for several.
        units: Units of single values.
        aliases: Other names of the arguments: {"prediction_scores": "predictions"}.
        sizes: Examples in known evaluation sets, to notice a subset.
        source: Paper or script that it follows.
        higher_is_better: False for errors.
        referenceless: Whether it takes no references.
        requires: (module, extra) that must be installed.
    """

    id: str
    version: str
    summary: str
    unit: str
    main: str
    statistics: tuple[str, ...]
    read: Callable[[Any, Any, Options], Columns]
    score: Callable[[Any, Any, Options], Cells]
    finish: Callable[[Table, Options], Values]
    encode: Callable[[Sequence[Cells], Options], tuple[Floats, tuple[Any, ...]]] = as_numbers
    score_all: Callable[[Columns, Options], Any] | None = None
    options: tuple[Option, ...] = ()
    fixed: tuple[tuple[str, object], ...] = ()
    noted: Callable[[Table, Options], tuple[tuple[str, object], ...]] | None = None
    details: Callable[[Table, Options], dict[str, Any]] | None = None
    upstream: Callable[[Table, Options], str] | None = None
    examples: Callable[[Table], int] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[tuple[str, int], ...] = ()
    source: str = ""
    higher_is_better: bool = True
    referenceless: bool = False
    requires: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Id and version: `squad2@1.0`."""
        return f"{self.id}@{self.version}"

    def unit_of(self, value: str) -> str:
        """Return the unit of one of its values."""
        return self.units.get(value, self.unit)
