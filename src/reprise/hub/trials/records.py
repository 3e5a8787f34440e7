"""What trials find: plain values that travel to the hub."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "not-run"]
_SHOWN = 5  # findings in one reason

# Every trial, in the order people read them, and what it looks at.
NAMES = {
    "links-alive": "the addresses in the card answer",
    "weight-urls-alive": "the addresses of weights answer, with the hash they name",
    "installs": "the packages of the lock can be installed",
    "loads": "every entry point makes something",
    "calls": "what entry points make can be called as the card says",
    "weights-load": "weights load without running code",
    "example-runs": "the example of the card runs",
    "fingerprint": "seeded outputs are those of the first time",
}


@dataclass(frozen=True)
class Trial:
    """One check that ran code or asked other sites.

    Attributes:
        name: One of `NAMES`.
        outcome: How it went.
        reason: In words for the author.
        details: JSON values to compare later runs with.
    """

    name: str
    outcome: Outcome
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All trials of one repo at one commit, and what they ran in."""

    repo: str
    commit: str | None
    environment: Mapping[str, Any]
    trials: tuple[Trial, ...]

    @property
    def failed(self) -> list[str]:
        """The names of what failed."""
        return [trial.name for trial in self.trials if trial.outcome == "failed"]


def judged(name: str, problems: list[str], passed: str, **details: Any) -> Trial:
    """Return a trial that failed when there are problems."""
    if not problems:
        return Trial(name, "passed", passed, details)
    return Trial(name, "failed", listed(problems), details)


def not_run(name: str, reason: str) -> Trial:
    """Return a trial that could not tell, and why."""
    return Trial(name, "not-run", reason)


def listed(items: list[str]) -> str:
    """Put findings into one text."""
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
