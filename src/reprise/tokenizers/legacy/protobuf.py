"""The wire format of protocol buffers, as much as it takes to read a SentencePiece model."""

import struct
from collections.abc import Iterator

from reprise.base.errors import InvalidFormat

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT = 10  # bytes
_MAX_NUMBER = (1 << 29) - 1  # of a field

Value = int | memoryview


def fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield the number and the value of each field of a message.

    Numbers come as ints, texts and messages as views of `data`; floats as their four bytes.

    Raises:
        InvalidFormat: The bytes are no message, or end too early.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at, end)
        number, kind = key >> 3, key & 7
        if not 0 < number <= _MAX_NUMBER:
            raise InvalidFormat(f"a field has number {number}")
        if kind == _VARINT:
            value, at = _varint(data, at, end)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at, end)
        elif kind in {_FIXED32, _FIXED64}:
            size = 4 if kind == _FIXED32 else 8
        else:
            raise InvalidFormat(f"field {number} has the unknown wire type {kind}")
        if size > end - at:
            raise InvalidFormat(f"field {number} claims {size} bytes, {end - at} are left")
        yield number, data[at : at + size]
        at += size


def text_of(value: Value) -> str:
    """Read a field as text."""
    try:
        return str(bytes_of(value), "utf-8")
    except UnicodeDecodeError:
        raise InvalidFormat("a text is not UTF-8") from None


def bytes_of(value: Value) -> memoryview:
    """Read a field as bytes, or as a message to read on."""
    if isinstance(value, int):
        raise InvalidFormat("a number stands where bytes should be")
    return value


def float_of(value: Value) -> float:
    """Read a field as a float."""
    found = bytes_of(value)
    if len(found) != 4:  # noqa: PLR2004 - bytes of a float
        raise InvalidFormat(f"a float has {len(found)} bytes")
    number: float = struct.unpack("<f", found)[0]
    return number


def int_of(value: Value) -> int:
    """Read a field as a signed number."""
    if not isinstance(value, int):
        raise InvalidFormat("bytes stand where a number should be")
    return value - (1 << 64) if value >> 63 else value


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    for place in range(at, min(end, at + _MAX_VARINT)):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the last byte
            return value & ((1 << 64) - 1), place + 1
        shift += 7
    raise InvalidFormat("a number does not end")
