"""What a client asks for in a fetch, the same for every version of the protocol."""

import re
from dataclasses import dataclass, field

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.registry.git.filters import ALL, Filter, parse_filter

_OID = re.compile(r"[0-9a-f]{40}")
_NUMBER = re.compile(r"\d{1,15}")
_MAX_EXCLUDED = 100
# Words that ask for nothing this hub does differently.
_IGNORED = frozenset({"thin-pack", "ofs-delta"})


@dataclass
class FetchRequest:
    """A fetch as it is read line by line. Ids are raw bytes, times seconds since 1970."""

    wants: set[bytes] = field(default_factory=set)
    haves: list[bytes] = field(default_factory=list)
    shallow: set[bytes] = field(default_factory=set)
    depth: int | None = None
    since: int | None = None
    exclude: list[str] = field(default_factory=list)
    keep: Filter = ALL
    done: bool = False
    words: set[str] = field(default_factory=set)  # capabilities and arguments without a value

    def take(self, line: str) -> None:
        """Read one line.

        Raises:
            InvalidInput: A line that means nothing to this hub.
            InvalidFormat: A malformed value.
        """
        key, _, value = line.partition(" ")
        match key:
            case "want" | "have" | "shallow":
                self._take_oid(key, _oid(value))
            case "deepen":
                self.depth = _number(value) or None
            case "deepen-since":
                self.since = _number(value)
            case "deepen-not":
                self._exclude(value)
            case "filter":
                self.keep = parse_filter(value)
            case "done":
                self.done = True
            case "deepen-relative" | "no-progress" | "include-tag" | "wait-for-done":
                self.words.add(key)
            case _ if key not in _IGNORED:
                raise InvalidInput(f"Unexpected line in a fetch: {line[:100]!r}.")

    def _exclude(self, name: str) -> None:
        self.exclude.append(name)
        if len(self.exclude) > _MAX_EXCLUDED:
            raise InvalidInput(f"A fetch may name at most {_MAX_EXCLUDED} refs to leave out.")

    def _take_oid(self, key: str, oid: bytes) -> None:
        match key:
            case "want":
                self.wants.add(oid)
            case "have":
                self.haves.append(oid)
            case _:
                self.shallow.add(oid)


def _oid(text: str) -> bytes:
    if not _OID.fullmatch(text):
        raise InvalidFormat(f"{text[:80]!r} is not an object id of 40 hex digits.")
    return bytes.fromhex(text)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise InvalidFormat(f"{text[:80]!r} is not a number.")
    return int(text)
