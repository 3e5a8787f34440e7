"""What an evaluator is, and how its arguments are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.rows import Rows

Answers = Callable[[list[Any]], Sequence[Any]]


@dataclass(frozen=True)
class Arg:
    """An argument of an evaluator.

    Attributes:
        name: What it is called in `[protocol]`, and in `run.args` of a claim.
        kinds: Types that it may have.
        default: Where nobody says it; None for what the data or the model say.
        choices: The only values that it may have; empty for any of its types.
        least: The least that a number may be.
    """

    name: str
    kinds: tuple[type, ...]
    default: Any = None
    choices: tuple[Any, ...] = ()
    least: int | None = None

    def check(self, value: Any) -> Any:
        """Return a value that it may have.

        Raises:
            InvalidInput: It may not have this one.
        """
        if value is None and self.default is None:
            return None
        is_bool = isinstance(value, bool) and bool not in self.kinds
        if is_bool or not isinstance(value, self.kinds):
            known = " or ".join(kind.__name__ for kind in self.kinds)
            raise InvalidInput(f"{self.name} must be of type {known}, not {str(value)[:80]!r}.")
        if self.choices and value not in self.choices:
            known = ", ".join(map(str, self.choices))
            raise InvalidInput(f"{self.name} is {str(value)[:80]!r}; use one of {known}.")
        if self.least is not None and isinstance(value, int) and value < self.least:
            raise InvalidInput(f"{self.name} is {value}; it must be at least {self.least}.")
        return value


# How the model is run, whatever it is asked.
ENGINE = (
    Arg("engine", (str,), "auto", ("auto", "onnx", "torch")),
    Arg("threads", (int,), 1, least=1),
)


@dataclass(frozen=True)
class Examples:
    """What rows become.

    Attributes:
        inputs: What the model is asked, one per example: plain values.
        references: What is right, as `Evaluator.score` wants it; None where answers say it all.
        columns: The columns that were read, by argument: what a claim pins.
        more: Given to the worker's half once: labels, documents.
    """

    inputs: list[Any]
    references: list[Any] | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def as_they_are(
    answers: Sequence[Any],
    examples: Examples,
    args: Mapping[str, Any],  # noqa: ARG001
) -> tuple[Any, Any]:
    """Give a metric answers and references as they are."""
    return list(answers), examples.references


def no_options(args: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Say that the arguments decide no option of the metric."""
    return {}


@dataclass(frozen=True)
class Evaluator:
    """A way to ask models and to read their answers. Any change of an answer is a new version.

    Attributes:
        name: Its name in claims and benchmarks.
        version: A whole number; claims pin it.
        summary: One line for lists.
        task: Kind of work that a claim states.
        metric: The usual metric.
        args: What may be said about it.
        read: Rows and arguments to examples.
        make: Folder of the model and arguments to a function from inputs to answers.
        score: Answers and examples to predictions and references of a metric.
        metric_args: Options of the metric that follow from the arguments.
        batch: Examples in one call.
        continuous: Whether answers are numbers, which noise always moves a little.
    """

    name: str
    version: int
    summary: str
    task: str
    metric: str
    args: tuple[Arg, ...]
    read: Callable[[Rows, Mapping[str, Any]], Examples]
    make: Callable[[Path, Mapping[str, Any]], Answers]
    score: Callable[[Sequence[Any], Examples, Mapping[str, Any]], tuple[Any, Any]] = as_they_are
    metric_args: Callable[[Mapping[str, Any]], dict[str, Any]] = no_options
    batch: int = 256
    continuous: bool = False

    @property
    def entry(self) -> str:
        """What a claim calls it: `tagging@1`."""
        return f"{self.name}@{self.version}"

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all arguments, those that nobody gave with their defaults.

        Raises:
            InvalidInput: One does not exist, or has a value that it may not have.
        """
        known = {arg.name: arg for arg in self.args}
        if strange := sorted(set(given) - set(known)):
            close = get_close_matches(strange[0], list(known), n=1)
            raise InvalidInput(
                f"{self.name} takes no {strange[0]!r}.",
                hint=f"Did you mean {close[0]}?" if close else f"It takes {', '.join(known)}.",
            )
        return {name: arg.check(given.get(name, arg.default)) for name, arg in known.items()}
