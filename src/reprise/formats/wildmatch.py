"""Git's wildcard patterns, as `.gitattributes` and `.gitignore` use them.

Patterns come from strangers, so matching never takes more than (pattern length x path length)
steps: inside a path part the regular expression cannot backtrack over a `*` that has matched
(atomic groups), and `**` is resolved over whole parts by the greedy method for one-star globs.
Held to `git check-ignore` and `git check-attr` by tests.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Generic, TypeVar

from reprise.base.errors import InvalidFormat

MAX_WILDCARDS = 1000  # patterns with wildcards in one file; plain names are not limited
_MAX_PART = 4096  # characters; longer ones match nothing, as no path is that long
_SPECIAL = re.compile(r"[*?\[\\]")
_NAMED_CLASS = re.compile(r"\[:(\w+):\]")
_NOTHING = "(?!)"  # a regular expression that matches nothing
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}

Value = TypeVar("Value")


@dataclass(frozen=True)
class Pattern:
    """One pattern: which paths it means, and whether it means folders only."""

    text: str  # without the leading and the trailing slash
    anchored: bool  # compared with the whole path, else with its last part
    folders_only: bool

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern; a slash anywhere but at the end ties it to the root."""
        body = text.removesuffix("/")
        return cls(body.removeprefix("/"), "/" in body, text.endswith("/"))

    @property
    def plain(self) -> bool:
        """Whether the pattern is just a name or a path."""
        return _SPECIAL.search(self.text) is None

    def matches(self, path: str) -> bool:
        """Tell whether the pattern means this path (`a/b`, without slashes around)."""
        if not self.anchored:
            return _part(self.text).match(path.rpartition("/")[2]) is not None
        return _match_parts(_split(self.text), path.split("/"))


@dataclass
class PatternList(Generic[Value]):
    """Patterns with values, of which the last that matches counts."""

    _plain: dict[tuple[str, bool, bool], tuple[int, Value]] = field(default_factory=dict)
    _wild: list[tuple[int, Pattern, Value]] = field(default_factory=list)

    @classmethod
    def build(cls, rules: Iterable[tuple[Pattern, Value]]) -> "PatternList[Value]":
        """Index rules given in file order.

        Raises:
            InvalidFormat: More than `MAX_WILDCARDS` patterns hold wildcards.
        """
        made = cls()
        for position, (pattern, value) in enumerate(rules):
            if pattern.plain:
                key = (pattern.text, pattern.anchored, pattern.folders_only)
                made._plain[key] = (position, value)
            else:
                made._wild.append((position, pattern, value))
        if len(made._wild) > MAX_WILDCARDS:
            raise InvalidFormat(f"More than {MAX_WILDCARDS} patterns with wildcards in one file.")
        made._wild.reverse()
        return made

    def last(self, path: str, *, folder: bool = False) -> Value | None:
        """Return the value of the last pattern that means this path, or None."""
        position, value = self._last_plain(path, folder)
        for at, pattern, wild_value in self._wild:
            if at < position:
                break
            if (folder or not pattern.folders_only) and pattern.matches(path):
                return wild_value
        return value

    def _last_plain(self, path: str, folder: bool) -> tuple[int, Value | None]:
        name = path.rpartition("/")[2]
        best: tuple[int, Value | None] = (-1, None)
        for folders_only in (False, True) if folder else (False,):
            for text, anchored in ((name, False), (path, True)):
                found = self._plain.get((text, anchored, folders_only))
                if found is not None and found[0] > best[0]:
                    best = found
        return best


@lru_cache(maxsize=4096)
def _split(text: str) -> tuple[str, ...]:
    """Split a pattern at the slashes that are not inside a class."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "[" and (end := _class_end(text, at + 1)) > 0:
            at = end
        elif text[at] == "\\":
            at += 1
        elif text[at] == "/":
            parts.append(text[start:at])
            start = at + 1
        at += 1
    return (*parts, text[start:])


def _match_parts(pattern: tuple[str, ...], path: list[str]) -> bool:
    """Match part by part, `**` standing for any number of parts (at the end: at least one).

    As documented, and unlike git's code, two stars beside anything but slashes are one star.
    """
    p = at = 0
    star, resume = -1, 0  # the last `**`, and where the path went on after it
    while at < len(path):
        if p < len(pattern) and pattern[p] == "**":
            star, resume = p, at
            p += 1
            if p == len(pattern):
                return True
        elif p < len(pattern) and _part(pattern[p]).match(path[at]):
            p += 1
            at += 1
        elif star >= 0:
            resume += 1
            p, at = star + 1, resume
        else:
            return False
    return p == len(pattern)


@lru_cache(maxsize=4096)
def _part(glob: str) -> re.Pattern[str]:
    """Compile the pattern of one path part."""
    pieces = _pieces(glob) if len(glob) <= _MAX_PART else None
    if pieces is None:
        return re.compile(_NOTHING)
    first, *rest = pieces
    if not rest:
        return re.compile(rf"{first}\Z", re.DOTALL)
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    # Atomic: once the shortest match is found, trying longer ones cannot help.
    return re.compile(rf"{first}{middle}.*{rest[-1]}\Z", re.DOTALL)


def _pieces(glob: str) -> list[str] | None:
    """Split at stars; each piece is a regular expression of fixed length. None when broken."""
    pieces, at = [""], 0
    while at < len(glob):
        char = glob[at]
        at += 1
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
            continue
        if char == "?":
            pieces[-1] += "."
        elif char == "[":
            end = _class_end(glob, at)
            if end < 0:
                return None
            pieces[-1] += _class(glob[at:end])
            at = end + 1
        elif char == "\\":
            if at == len(glob):
                return None
            pieces[-1] += re.escape(glob[at])
            at += 1
        else:
            pieces[-1] += re.escape(char)
    return pieces


def _class_end(glob: str, at: int) -> int:
    """Find the bracket that closes a class whose inside starts at `at`, or -1."""
    if at < len(glob) and glob[at] in "!^":
        at += 1
    first = True
    while at < len(glob):
        if glob[at] == "]" and not first:
            return at
        if glob[at] == "\\":
            at += 1
        elif glob.startswith("[:", at) and (end := glob.find(":]", at + 2)) > 0:
            at = end + 1
        first = False
        at += 1
    return -1


def _class(inside: str) -> str:
    """Translate the inside of a class; one that cannot be read matches nothing."""
    negated = inside[0] in "!^"
    body = inside[1:] if negated else inside
    out, at = "", 0
    while at < len(body):
        if named := _NAMED_CLASS.match(body, at):
            if named[1] not in _CLASSES:
                return _NOTHING
            out += _CLASSES[named[1]]
            at = named.end()
            continue
        low, at = _class_char(body, at)
        if body.startswith("-", at) and at + 1 < len(body):
            high, at = _class_char(body, at + 1)
            out += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
        else:
            out += re.escape(low)
    if not out:
        return "." if negated else _NOTHING
    return f"[{'^' if negated else ''}{out}]"


def _class_char(body: str, at: int) -> tuple[str, int]:
    if body[at] == "\\" and at + 1 < len(body):
        return body[at + 1], at + 2
    return body[at], at + 1
