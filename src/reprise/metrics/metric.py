"""A metric with its options: what `load_metric` returns."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.metrics import examples, state
from reprise.metrics.bootstrap import REPLICATES, SEED, Plan
from reprise.metrics.definition import Definition
from reprise.metrics.options import MANDATORY, Options, resolve
from reprise.metrics.score import Computation, Result
from reprise.metrics.state import State

_MAX_REPLICATES = 100_000


class Metric:
    """One version of a metric, ready to compute.

    At once: `compute(predictions=…, references=…)`. Piece by piece, as with `evaluate`: `add`,
    `add_batch`, then `compute()`. Across processes: `score` in each, `merge` the states, `finish`.

    Args:
        definition: What it computes.
        options: Given beforehand; `compute` may give others.
        replicates: Bootstrap draws behind stderr and interval; 0 for none.
        seed: Of the draws.
    """

    def __init__(
        self,
        definition: Definition,
        options: Options = MappingProxyType({}),
        *,
        replicates: int = REPLICATES,
        seed: int = SEED,
    ) -> None:
        self.definition = definition
        self.given = dict(options)
        self.plan = _plan(replicates, seed)
        self._waiting: list[tuple[Any, Any]] = []
        self._check_early()

    @property
    def name(self) -> str:
        """`id@MAJOR.MINOR`."""
        return self.definition.name

    def compute(self, predictions: Any = None, references: Any = None, **options: Any) -> Result:
        """Score everything given here and added before, and forget it.

        Args:
            predictions: One entry per example; a list, array, tensor or column.
            references: The same for the truth.
            **options: Options of the metric, on top of those given to `load_metric`.

        Returns:
            A dict of values; `.score` and `.scores` have interval and signature.

        Raises:
            InvalidInput: Something does not fit; the message says what and where.
        """
        predictions, references = self._renamed(options, predictions, references)
        chosen = self._resolve(options)
        batches = list(self._waiting)
        if predictions is not None or references is not None:
            batches.append((predictions, references))
        if not batches:
            raise InvalidInput(
                "There are no examples to score.",
                hint="Give predictions and references to compute(), or add them before.",
            )
        columns = self.definition.read(*_joined(batches), chosen)
        done = state.score(self.definition, columns, chosen)
        result = self._finish(done, chosen)
        self.clear()
        return result

    def add(self, prediction: Any = None, reference: Any = None, *, references: Any = None) -> None:
        """Remember one example for `compute`."""
        given = reference if references is None else references
        self.add_batch([prediction], None if given is None else [given])

    def add_batch(self, predictions: Any = None, references: Any = None, **columns: Any) -> None:
        """Remember some examples for `compute`; they are copied."""
        predictions, references = self._renamed(columns, predictions, references)
        if columns:
            raise InvalidInput(f"{self.name} has no column {next(iter(columns))!r}.")
        self._waiting.append((_copied(predictions), _copied(references)))

    def clear(self) -> None:
        """Forget what was added, after an error in it."""
        self._waiting.clear()

    def score(self, predictions: Any, references: Any = None) -> State:
        """Return the statistics of some examples, to be merged with others.

        Raises:
            InvalidInput: As `compute`.
        """
        chosen = self._resolve({})
        columns = self.definition.read(predictions, references, chosen)
        return state.score(self.definition, columns, chosen)

    def finish(self, *states: State) -> Result:
        """Make the numbers from the statistics of all examples.

        Raises:
            InvalidInput: There are no examples, or the parts do not go together.
        """
        return self._finish(State().merge(*states), self._resolve({}))

    def read_examples(self, path: str | Path) -> State:
        """Read per-example results that were written before."""
        return examples.read(self.definition, path)

    def _finish(self, done: State, chosen: dict[str, Any]) -> Result:
        return Result.of(Computation(self.definition, chosen, done, self.plan))

    def _resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return resolve(self.definition.options, {**self.given, **options}, self.name)

    def _check_early(self) -> None:
        """Complain about wrong options now; mandatory ones may still come with `compute`."""
        absent = {o.name for o in self.definition.options if o.default is MANDATORY}
        declared = [o for o in self.definition.options if o.name not in absent - set(self.given)]
        unknown = [name for name in self.given if all(o.name != name for o in declared)]
        resolve(self.definition.options if unknown else declared, self.given, self.name)

    def _renamed(self, given: dict[str, Any], predictions: Any, references: Any) -> tuple[Any, Any]:
        """Take out columns that go by another name: `prediction_scores`."""
        for alias, name in self.definition.aliases.items():
            if alias in given:
                if name == "predictions":
                    predictions = given.pop(alias)
                else:
                    references = given.pop(alias)
        return predictions, references

    def __repr__(self) -> str:
        options = "".join(f", {name}={value!r}" for name, value in self.given.items())
        return f"<metric {self.name}{options}>"


def _plan(replicates: Any, seed: Any) -> Plan:
    for name, value, most in (("replicates", replicates, _MAX_REPLICATES), ("seed", seed, 2**63)):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise InvalidInput(f"{name} must be a whole number from 0 to {most}, not {value!r}.")
    return Plan(replicates, seed)


def _copied(values: Any) -> Any:
    """Copy a column, because its owner may use the same buffer for the next batch."""
    for method in ("copy", "clone"):
        copy = getattr(values, method, None)
        if callable(copy):
            return copy()
    return list(values) if isinstance(values, tuple) else values


def _joined(batches: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    if len(batches) == 1:
        return batches[0]
    return _chained([b[0] for b in batches], "predictions"), _chained(
        [b[1] for b in batches], "references"
    )


def _chained(columns: list[Any], what: str) -> Any:
    from reprise.metrics.inputs import as_list

    if all(column is None for column in columns):
        return None
    if all(isinstance(column, Mapping) for column in columns):
        return _union(columns, what)
    return [item for column in columns for item in as_list(column, what)]


def _union(columns: list[Mapping[Any, Any]], what: str) -> dict[Any, Any]:
    joined = {key: value for column in columns for key, value in column.items()}
    if len(joined) != sum(map(len, columns)):
        raise InvalidInput(f"The same id was added twice among the {what}.")
    return joined
