"""MessagePack, as far as Flax uses it: maps, lists, texts, numbers, and arrays as extensions."""

import struct
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidFormat

_MAX_DEPTH = 64
_MAX_NODES = 1_000_000


@dataclass(frozen=True)
class Span:
    """Bytes that stay where they are. `kind` is the extension's number, or -1 for plain bytes."""

    offset: int
    length: int
    kind: int = -1


# By first byte: how to read a number behind it.
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
# By first byte: what comes, and how many bytes its size has.
_SIZED = {
    0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4),
    0xC7: ("extension", 1), 0xC8: ("extension", 2), 0xC9: ("extension", 4),
    0xD9: ("text", 1), 0xDA: ("text", 2), 0xDB: ("text", 4),
    0xDC: ("list", 2), 0xDD: ("list", 4), 0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


class Reader:
    """Read one value from a part of some bytes.

    Attributes:
        place: Where the next value begins.
    """

    def __init__(self, data: memoryview, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.place = start
        self.end = len(data) if end is None else end
        self.nodes = 0

    def value(self, depth: int = 0) -> Any:
        """Read a value: dictionaries, lists, texts, numbers, and `Span` for bytes.

        Raises:
            InvalidFormat: It is cut short, too deep, or no MessagePack.
        """
        self.nodes += 1
        if depth > _MAX_DEPTH or self.nodes > _MAX_NODES:
            raise InvalidFormat("The MessagePack file is nested too deeply, or has too many parts.")
        code = self._take(1)[0]
        if code < 0x80:  # noqa: PLR2004 - the format's own numbers, here and below
            return code
        if code >= 0xE0:  # noqa: PLR2004
            return code - 0x100
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            form = _NUMBERS[code]
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return self._sized(code, depth)

    def _sized(self, code: int, depth: int) -> Any:
        if code in _SIZED:
            kind, width = _SIZED[code]
            size = int.from_bytes(self._take(width), "big")
        elif code in _FIXED_EXTENSIONS:
            kind, size = "extension", _FIXED_EXTENSIONS[code]
        elif code < 0xC0:  # noqa: PLR2004
            kind, size = (
                ("text", code & 31) if code >= 0xA0 else ("list" if code & 16 else "map", code & 15)  # noqa: PLR2004
            )
        else:
            raise InvalidFormat("The file holds a byte that MessagePack never uses.")
        if kind == "text":
            return bytes(self._take(size)).decode("utf-8", "backslashreplace")
        if kind in {"bytes", "extension"}:
            number = self._take(1)[0] if kind == "extension" else -1
            self._take(size)
            return Span(self.place - size, size, number)
        return self._many(kind, size, depth)

    def _many(self, kind: str, size: int, depth: int) -> Any:
        if size > self.end - self.place:  # every item has at least a byte
            raise InvalidFormat("The MessagePack file is cut short.")
        if kind == "list":
            return [self.value(depth + 1) for _ in range(size)]
        found: dict[str, Any] = {}
        for _ in range(size):
            key = self.value(depth + 1)
            if not isinstance(key, str) or key in found:
                raise InvalidFormat("The MessagePack file has a key that is no text, or twice.")
            found[key] = self.value(depth + 1)
        return found

    def _take(self, size: int) -> memoryview:
        if size > self.end - self.place:
            raise InvalidFormat("The MessagePack file is cut short. Download it again.")
        self.place += size
        return self.data[self.place - size : self.place]


def put_map(size: int) -> bytes:
    """Open a map of that many keys."""
    return bytes([0x80 | size]) if size < 16 else b"\xdf" + size.to_bytes(4, "big")  # noqa: PLR2004


def put_text(text: str) -> bytes:
    """Write a text."""
    data = text.encode()
    if len(data) < 32:  # noqa: PLR2004
        return bytes([0xA0 | len(data)]) + data
    return b"\xdb" + len(data).to_bytes(4, "big") + data


def put_count(value: int) -> bytes:
    """Write a number, at least 0."""
    return bytes([value]) if value < 0x80 else b"\xcf" + value.to_bytes(8, "big")  # noqa: PLR2004


def put_bytes_head(size: int) -> bytes:
    """Announce plain bytes."""
    return b"\xc6" + size.to_bytes(4, "big")


def put_extension_head(kind: int, size: int) -> bytes:
    """Announce an extension."""
    return b"\xc9" + size.to_bytes(4, "big") + bytes([kind])


def put_list_head(size: int) -> bytes:
    """Open a list of fewer than 65,536 items."""
    return b"\xdc" + size.to_bytes(2, "big")
