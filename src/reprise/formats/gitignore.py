"""`.gitignore`: which paths an upload leaves out."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from reprise.base.errors import InvalidFormat
from reprise.formats.wildmatch import Pattern, PatternList

PATH = ".gitignore"
MAX_SIZE = 1 << 20  # bytes


@dataclass(frozen=True)
class Ignore:
    """The rules of one `.gitignore` file at the root of a repo."""

    _rules: PatternList[bool]  # False: a `!` line

    def ignores(self, path: str) -> bool:
        """Tell whether a file is left out; nothing inside an ignored folder can be taken back."""
        at = path.find("/")
        while at >= 0:
            if self._rules.last(path[:at], folder=True):
                return True
            at = path.find("/", at + 1)
        return bool(self._rules.last(path))

    def decides(self, path: str, *, folder: bool = False) -> bool | None:
        """Say what the rules want with this very path: leave it out, take it back, or nothing."""
        return self._rules.last(path, folder=folder)


@lru_cache(maxsize=256)
def parse(text: str) -> Ignore:
    """Parse a `.gitignore` file.

    Raises:
        InvalidFormat: Over `MAX_SIZE`, or too many patterns with wildcards.
    """
    if len(text) > MAX_SIZE:
        raise InvalidFormat(f"{PATH} is over {MAX_SIZE} bytes; use wildcards.")
    return Ignore(PatternList.build(_rules(text)))


def _rules(text: str) -> Iterator[tuple[Pattern, bool]]:
    for raw in text.split("\n"):
        line = _strip(raw.removesuffix("\r"))
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        pattern = line[1:] if negated else line
        if pattern.strip("/"):
            yield Pattern.parse(pattern), not negated


def _strip(line: str) -> str:
    """Drop trailing spaces, but not one that a backslash keeps."""
    stripped = line.rstrip(" ")
    escapes = len(stripped) - len(stripped.rstrip("\\"))
    return f"{stripped} " if escapes % 2 and stripped != line else stripped
