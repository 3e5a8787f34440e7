"""How much memory the packed parts of an Arrow file say they need, before anything is unpacked.

Each packed buffer begins with its length when unpacked. Where buffers lie is said by messages in
FlatBuffers' layout: "Serialization and Interprocess Communication" of Arrow's columnar format, with
its Message.fbs and File.fbs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC = b"ARROW1"
_OLD = b"ARROW:experimental_compression"  # how a message said it before version 1.0
_CONTINUED = 0xFFFFFFFF
_DICTIONARY, _ROWS = 2, 3  # kinds of message that have buffers
_MOST_MESSAGES = 1 << 22
_BLOCK, _BUFFER = 24, 16  # bytes of each in a vector


def unpacked_size(data: memoryview) -> int:
    """Return the bytes that all packed buffers of a file or stream say they hold.

    Raises:
        ValueError: The file is not laid out as Arrow's.
    """
    try:
        return sum(_unpacked(data, start) for start in _messages(data))
    except (struct.error, IndexError) as error:
        raise ValueError(f"its messages are not where it says: {error}") from None


@dataclass(frozen=True)
class _Table:
    """A table of FlatBuffers: fields by number, each at an offset or absent."""

    data: memoryview
    at: int

    def field(self, number: int) -> int:
        """Return where a field lies, 0 when it is absent."""
        fields = self.at - self._read("<i", self.at)
        size = self._read("<H", fields)
        slot = 4 + 2 * number
        offset = self._read("<H", fields + slot) if slot < size else 0
        return self.at + offset if offset else 0

    def number(self, number: int, form: str) -> int:
        """Return a number, 0 when it is absent."""
        at = self.field(number)
        return self._read(form, at) if at else 0

    def table(self, number: int) -> "_Table | None":
        """Return a table, None when it is absent."""
        at = self.field(number)
        return _Table(self.data, at + self._read("<I", at)) if at else None

    def items(self, number: int, width: int) -> Iterator[int]:
        """Give the places of a vector's structs."""
        at = self.field(number)
        if not at:
            return
        start = at + self._read("<I", at)
        count = self._read("<I", start)
        if start + 4 + count * width > len(self.data):
            raise ValueError("a list goes beyond the end of the file")
        yield from range(start + 4, start + 4 + count * width, width)

    def _read(self, form: str, at: int) -> int:
        return _number(self.data, form, at)


def _messages(data: memoryview) -> Iterator[int]:
    """Give the place of each message with rows or dictionaries."""
    if data[: len(_MAGIC)] == _MAGIC and data[-len(_MAGIC) :] == _MAGIC:
        end = len(data) - len(_MAGIC) - 4
        start = end - _number(data, "<i", end)
        footer = _Table(data, start + _number(data, "<I", start))
        for kind in (2, 3):
            for block in footer.items(kind, _BLOCK):
                yield _number(data, "<q", block)
        return
    at = 8 if data[: len(_MAGIC)] == _MAGIC else 0
    for _ in range(_MOST_MESSAGES):
        if at + 4 > len(data) or not (length := _lengths(data, at)[0]):
            return
        yield at
        at = _body(data, at) + _message(data, at).number(3, "<q")
        if length < 0 or at < 0:
            raise ValueError("a message has a negative length")


def _unpacked(data: memoryview, start: int) -> int:
    message = _message(data, start)
    kind, header = message.number(1, "<B"), message.table(2)
    if kind == _DICTIONARY and header is not None:
        header = header.table(1)
    if kind not in {_DICTIONARY, _ROWS} or header is None:
        return 0
    body, total = _body(data, start), 0
    if not header.field(3) and _OLD not in bytes(data[start:body]):
        return 0
    for buffer in header.items(2, _BUFFER):
        if _number(data, "<q", buffer + 8) >= 8:  # noqa: PLR2004 - the length in front
            total += max(0, _number(data, "<q", body + _number(data, "<q", buffer)))
    return total


def _message(data: memoryview, start: int) -> _Table:
    at = start + _lengths(data, start)[1]
    return _Table(data, at + _number(data, "<I", at))


def _body(data: memoryview, start: int) -> int:
    length, head = _lengths(data, start)
    return start + head + length


def _lengths(data: memoryview, start: int) -> tuple[int, int]:
    """Return the bytes of a message's metadata, and of what stands before them."""
    first = _number(data, "<I", start)
    return (_number(data, "<i", start + 4), 8) if first == _CONTINUED else (first, 4)


def _number(data: memoryview, form: str, at: int) -> int:
    if at < 0:
        raise ValueError("an offset is negative")
    found: int = struct.unpack_from(form, data, at)[0]
    return found
