"""Results: the numbers that callers know by name, and behind each a full `Score`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics import bootstrap
from reprise.metrics.definition import Definition
from reprise.metrics.examples import Examples
from reprise.metrics.fingerprint import definition_hash
from reprise.metrics.options import UPSTREAM, Options
from reprise.metrics.signature import write
from reprise.metrics.state import State, tabulate
from reprise.metrics.table import Floats, Table, size


@dataclass(frozen=True)
class Score:
    """One number and all that it takes to compare it.

    Attributes:
        metric: `id@MAJOR.MINOR`.
        name: Which value of the metric: "f1".
        value: float64; None where it is undefined.
        unit: "fraction", "percent" or "raw".
        n: How many examples it covers.
        stderr: Standard error, in the same unit; None for fewer than two examples.
        ci: 95 % interval, in the same unit.
        signature: Everything that decided the value, see `reprise.metrics.signature`.
        higher_is_better: False for errors.
    """

    metric: str
    name: str
    value: float | None
    unit: str
    n: int
    stderr: float | None
    ci: tuple[float, float] | None
    signature: str
    higher_is_better: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} undefined (n={self.n})"
        mark = " %" if self.unit == "percent" else ""
        spread = f" [{self.ci[0]:.4g}, {self.ci[1]:.4g}]" if self.ci else ""
        return f"{self.name} {self.value:.6g}{mark}{spread} (n={self.n})"


@dataclass(frozen=True)
class Computation:
    """A finished run of a metric over examples; the bootstrap waits until somebody asks for it."""

    definition: Definition
    options: Options
    state: State
    plan: bootstrap.Plan

    @cached_property
    def table(self) -> Table:
        """Statistics of all examples."""
        return tabulate(self.definition, self.state, self.options)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Values by name: a float, None where undefined, or a list with one per class."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found = self.definition.finish(self.table, self.options)
        return {name: _plain(line[0]) for name, line in found.items()}

    @cached_property
    def details(self) -> dict[str, Any]:
        """Further entries of the result."""
        make = self.definition.details
        return make(self.table, self.options) if make else {}

    @cached_property
    def replicates(self) -> Mapping[str, Floats]:
        """Every value on every bootstrap replicate."""
        return bootstrap.replicate(self.definition, self.table, self.options, self.plan)

    @cached_property
    def n(self) -> int:
        """How many examples the values cover."""
        count = self.definition.examples
        return count(self.table) if count else int(size(self.table)[0])

    @cached_property
    def scores(self) -> Mapping[str, Score]:
        """A `Score` for every value that is one number."""
        single = [n for n, value in self.values.items() if not isinstance(value, list)]
        return {name: self._score(name) for name in single}

    def signature(self, value: str | None = None) -> str:
        """Return the signature of the whole, or of one value."""
        definition = self.definition
        named = value is not None and len(self.values) > 1
        fields: list[tuple[str, object]] = [("n", self.n)]
        fields += [("value", value)] if named else []
        fields += definition.fixed
        fields += [(o.key or o.name, self.options[o.name]) for o in definition.options
                   if o.key != UPSTREAM]  # fmt: skip
        fields += definition.noted(self.table, self.options) if definition.noted else ()
        fields += [("unit", definition.unit_of(value or definition.main))]
        fields += [("bs", self.plan.replicates), ("seed", self.plan.seed)]
        fields += [("def", definition_hash(definition))]
        text = write(definition.name, fields)
        upstream = definition.upstream
        return f"{text}|up:{upstream(self.table, self.options)}" if upstream else text

    def _score(self, name: str) -> Score:
        value = self.values[name]
        spread = None
        if value is not None and self.n > 1 and self.plan.replicates > 1:
            spread = bootstrap.spread(self.replicates[name])
        return Score(
            metric=self.definition.name,
            name=name,
            value=value,
            unit=self.definition.unit_of(name),
            n=self.n,
            stderr=spread.stderr if spread else None,
            ci=spread.ci if spread else None,
            signature=self.signature(name),
            higher_is_better=self.definition.higher_is_better,
        )


class Result(dict[str, Any]):
    """Values by the names that users of `evaluate` know, and behind them the scores.

    A plain dict otherwise: it can be changed, copied, merged and written as JSON. Copies are
    only dicts and know no scores.
    """

    def __init__(self, values: Any = (), *, computation: Computation | None = None) -> None:
        super().__init__(values)
        self._computation = computation

    @classmethod
    def of(cls, computation: Computation) -> "Result":
        """Wrap a finished computation."""
        return cls({**computation.values, **computation.details}, computation=computation)

    @property
    def computation(self) -> Computation:
        """How the values came to be.

        Raises:
            InvalidInput: This is a copy that does not know.
        """
        if self._computation is None:
            raise InvalidInput(
                "This copy of a result holds only its values.",
                hint="Ask the object that compute() returned.",
            )
        return self._computation

    @property
    def score(self) -> Score:
        """The score that stands for the metric."""
        return self.scores[self.computation.definition.main]

    @property
    def scores(self) -> Mapping[str, Score]:
        """A score for every value that is one number."""
        return self.computation.scores

    @property
    def signature(self) -> str:
        """The signature of the whole; each score has its own."""
        return self.computation.signature()

    @property
    def n(self) -> int:
        """How many examples the values cover."""
        return self.computation.n

    @property
    def examples(self) -> Examples:
        """The statistics of every example."""
        computation = self.computation
        return Examples(computation.definition, computation.options, computation.state)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the numbers should know."""
        return tuple(_notes(self.computation))

    def __missing__(self, key: str) -> NoReturn:
        raise KeyError(f"{key!r}; this result has {', '.join(self)}")

    def __float__(self) -> float:
        value = self.computation.values[self.computation.definition.main]
        return float("nan") if value is None else float(value)


def _notes(computation: Computation) -> Iterator[str]:
    sizes = dict(computation.definition.sizes)
    if sizes and computation.n not in sizes.values():
        known = ", ".join(f"{name} {count:,}" for name, count in sizes.items())
        yield f"{computation.n:,} examples: not a whole evaluation set ({known})."
    for name, value in computation.values.items():
        if value is None:
            yield f"{name} is undefined for these examples."


def _plain(value: Any) -> Any:
    """Turn one value into a float, None where undefined, or a list of them."""
    if np.ndim(value):
        return [_plain(item) for item in value]
    number = float(value)
    return number if np.isfinite(number) else None
