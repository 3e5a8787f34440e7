"""The protobuf wire format, as far as TensorFlow's checkpoints need it."""

from collections.abc import Iterator

from reprise.base.errors import InvalidFormat

_MORE = 0x80
_MAX_SHIFT = 63
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def varint(data: bytes | memoryview, start: int) -> tuple[int, int]:
    """Read a number at `start`; return it and where it ends.

    Raises:
        InvalidFormat: It runs past the end, or is longer than 64 bits.
    """
    value = shift = 0
    while True:
        if start >= len(data) or shift > _MAX_SHIFT:
            raise InvalidFormat("A number in the checkpoint's index is cut short or too long.")
        byte = data[start]
        value |= (byte & ~_MORE) << shift
        start, shift = start + 1, shift + 7
        if not byte & _MORE:
            return value, start


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Go through the fields of a message: number, and value or bytes.

    Raises:
        InvalidFormat: It is no message, or is cut short.
    """
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        kind = key & 7
        if kind == VARINT:
            value, place = varint(data, place)
            yield key >> 3, value
            continue
        sizes = {FIXED64: 8, FIXED32: 4}
        if kind == BYTES:
            size, place = varint(data, place)
        elif kind in sizes:
            size = sizes[kind]
        else:
            raise InvalidFormat("The checkpoint's index holds a message of an unknown kind.")
        if place + size > len(data):
            raise InvalidFormat("A message in the checkpoint's index is cut short.")
        part = data[place : place + size]
        place += size
        yield key >> 3, part if kind == BYTES else int.from_bytes(part, "little")


def put_varint(value: int) -> bytes:
    """Write a number, at least 0."""
    found = bytearray()
    while value >= _MORE:
        found.append(value & 0x7F | _MORE)
        value >>= 7
    return bytes([*found, value])


def put(number: int, value: int | bytes, *, fixed32: bool = False) -> bytes:
    """Write one field."""
    if isinstance(value, bytes):
        return put_varint(number << 3 | BYTES) + put_varint(len(value)) + value
    if fixed32:
        return put_varint(number << 3 | FIXED32) + value.to_bytes(4, "little")
    return put_varint(number << 3 | VARINT) + put_varint(value)
