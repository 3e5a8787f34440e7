"""A call of something outside the repo, as its handlers see it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.values import MAYBE, FilePath, Frame, Value


@dataclass(frozen=True)
class Call:
    """One call with its arguments."""

    engine: Engine
    args: Sequence[Value]
    keywords: dict[str, Value]
    frame: Frame

    def arg(self, place: int, name: str = "", default: Value = MAYBE) -> Value:
        """Return an argument given by place or by name."""
        if place < len(self.args):
            return self.args[place]
        return self.keywords.get(name, default)


# Returns what the call gives, and applies its effects to known values.
Handler = Callable[[Call], Value]


def path_text(value: Value) -> str | None:
    """Return the path that a text or path value names, None when it is not known."""
    if isinstance(value, FilePath):
        return value.text
    return value if isinstance(value, str) else None
