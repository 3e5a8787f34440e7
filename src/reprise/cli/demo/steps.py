"""What a step of the demo is, and how steps are run one after the other."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reprise.base.errors import RepriseError

_Context = TypeVar("_Context")
_SHOWN = 200  # characters of a value in a message


@dataclass(frozen=True)
class Check:
    """Something that must be so."""

    what: str
    expected: Any
    found: Any

    @property
    def holds(self) -> bool:
        """Tell whether it is so."""
        return bool(self.expected == self.found)

    @property
    def difference(self) -> str:
        """Say what was expected and what was found; of two mappings only what differs."""
        expected, found = self.expected, self.found
        if isinstance(expected, dict) and isinstance(found, dict):
            keys = [k for k in expected | found if expected.get(k) != found.get(k)]
            expected = {key: expected.get(key) for key in keys}
            found = {key: found.get(key) for key in keys}
        return f"expected {_short(expected)}, found {_short(found)}"


@dataclass(frozen=True)
class Outcome:
    """How a step went: what was checked, or why it was skipped."""

    checks: tuple[Check, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Step(Generic[_Context]):
    """One named step; `run` gets what the steps share."""

    title: str
    run: Callable[[_Context], Outcome]


@dataclass(frozen=True)
class Result:
    """A step that was run."""

    title: str
    outcome: Outcome
    seconds: float
    error: str = ""

    @property
    def is_right(self) -> bool:
        """Tell whether everything was as expected; a skipped step is."""
        return not self.error and all(check.holds for check in self.outcome.checks)


def run_steps(
    steps: Sequence[Step[_Context]], context: _Context, *, announce: Callable[[int, str], None]
) -> Iterator[Result]:
    """Run steps in order and yield each result; end after the first that is not right.

    Args:
        steps: What to do.
        context: Given to every step.
        announce: Called with number and title before a step runs.
    """
    for number, step in enumerate(steps, start=1):
        announce(number, step.title)
        start = time.perf_counter()
        try:
            outcome, error = step.run(context), ""
        except Exception as failure:  # noqa: BLE001 - a step runs other people's code
            outcome, error = Outcome(), _say(failure)
        result = Result(step.title, outcome, time.perf_counter() - start, error)
        yield result
        if not result.is_right:
            return


def _say(failure: Exception) -> str:
    """Our own errors speak for themselves; of others the name helps too."""
    known = isinstance(failure, RepriseError)
    return str(failure) if known else f"{type(failure).__name__}: {failure}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} and more"
