"""Git's packet lines: four hex digits of length, then data; and side bands inside them."""

from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO, Protocol

from reprise.base.errors import InvalidFormat

MAX_DATA = 65_516  # bytes in one packet, by git's rules
_HEAD = 4
FLUSH = b"0000"
DELIM = b"0001"

DATA_BAND = 1
PROGRESS_BAND = 2
ERROR_BAND = 3


class Mark(Enum):
    """Packets without data."""

    FLUSH = 0
    DELIM = 1
    END = 2
    EOF = 3  # no packet at all: the stream is over


class Sink(Protocol):
    """Where a response goes."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""


def packet(data: bytes | str) -> bytes:
    """Frame one packet.

    Example:
        >>> packet("hello")
        b'0009hello'
    """
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > MAX_DATA:
        raise ValueError("a packet holds at most 65516 bytes")
    return b"%04x%s" % (len(raw) + _HEAD, raw)


def error_packet(message: str) -> bytes:
    """Frame a message that makes the client stop and show it."""
    return packet(f"ERR {' '.join(message.split())[:1000]}\n")


def read_packet(source: BinaryIO) -> bytes | Mark:
    """Read one packet, its data as sent.

    Raises:
        InvalidFormat: The stream ends inside a packet, or the length is no length.
    """
    head = source.read(_HEAD)
    if not head:
        return Mark.EOF
    try:
        length = int(head, 16) if head.isalnum() else -1
    except ValueError:
        length = -1
    if len(head) != _HEAD or length < 0 or length > MAX_DATA + _HEAD:
        raise InvalidFormat(f"Expected a packet's length, found {head!r}.")
    if length < _HEAD:
        if length > Mark.END.value:
            raise InvalidFormat(f"A packet cannot have the length {length}.")
        return Mark(length)
    data = source.read(length - _HEAD)
    if len(data) != length - _HEAD:
        raise InvalidFormat("The request ends inside a packet.")
    return data


def read_lines(source: BinaryIO) -> Iterator[bytes]:
    """Read packets up to the next one without data, dropping a line feed at their end."""
    while isinstance(data := read_packet(source), bytes):
        yield data.removesuffix(b"\n")


class Bands:
    """Multiplexes pack data, progress and errors into packets; or passes the data on bare.

    `limit` is the largest packet the client takes: 65520 (side-band-64k), 1000 (side-band), or 0
    for none, in which case progress and errors are dropped.
    """

    def __init__(self, sink: Sink, limit: int) -> None:
        self._sink = sink
        self._room = limit - _HEAD - 1

    def write(self, data: bytes) -> None:
        """Send pack data (or a report) on the first band."""
        self._send(DATA_BAND, data)

    def progress(self, text: str) -> None:
        """Send a line for the user."""
        if self._room > 0:
            self._send(PROGRESS_BAND, text.encode())

    def error(self, text: str) -> None:
        """Send a message after which the client gives up."""
        if self._room > 0:
            self._send(ERROR_BAND, text.encode())

    def finish(self) -> None:
        """End the multiplexed part."""
        if self._room > 0:
            self._sink.write(FLUSH)

    def _send(self, band: int, data: bytes) -> None:
        if self._room <= 0:
            self._sink.write(data)
            return
        for at in range(0, len(data), self._room):
            self._sink.write(packet(bytes([band]) + data[at : at + self._room]))
