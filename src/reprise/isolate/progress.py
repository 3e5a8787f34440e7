"""What a long task is doing, told to whoever wants to show it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["resolve", "wait", "fetch", "unpack", "compile", "link", "done"]


@dataclass(frozen=True)
class Step:
    """One step of building an environment.

    Attributes:
        phase: What kind of work.
        item: On what: a package, or how many.
        done: Steps of this phase that are done.
        total: Steps of this phase; 0 when nobody knows.
    """

    phase: Phase
    item: str
    done: int = 0
    total: int = 0


Progress = Callable[[Step], None]


def silent(_step: Step) -> None:
    """Show nothing."""
