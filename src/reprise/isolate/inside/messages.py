"""Messages over a stream socket: a JSON header, raw bytes, and file descriptors.

A message is a prefix - magic, length of the header, length of the bytes, number of descriptors -
then the header, then the bytes. Sides take turns, so nothing ever follows a message. Nothing is
pickled, in either direction.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX = struct.Struct("!4sIQI")
_MAGIC = b"RPW1"
_FIRST_READ = 1 << 16
MAX_HEADER = 64 << 20
MAX_BYTES = 64 << 20
MAX_DESCRIPTORS = 64
SEND_SECONDS = 60  # for one write to the socket, which means: until the other side reads at all

_scan = json.JSONDecoder().raw_decode
_encoder = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def _make_to_json() -> Callable[[Any], str]:
    """Return what turns a value into JSON.

    The standard library sets up a new encoder for every value, which takes longer than a header;
    where its C encoder can be had, it is set up once.
    """
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _encoder.encode
    text = json.encoder.encode_basestring_ascii
    encode = make(None, _encoder.default, text, None, ":", ",", False, False, True)
    return lambda value: "".join(encode(value, 0))


def _from_json(text: str) -> Any:
    value, end = _scan(text)
    if end != len(text):
        raise ValueError("something follows it")
    return value


_to_json = _make_to_json()


class ProtocolError(Exception):
    """The other side sent something that is not a message."""


class Message(NamedTuple):
    """One message as received."""

    header: dict[str, Any]
    data: memoryview
    descriptors: list[int]


class Channel:
    """One end of the socket.

    Args:
        connection: A connected stream socket; the channel closes it.
        descriptors: Whether the other side may send file descriptors.
    """

    def __init__(self, connection: socket.socket, *, descriptors: bool) -> None:
        self._socket = connection
        self._room = socket.CMSG_SPACE(4 * MAX_DESCRIPTORS) if descriptors else 0
        self._patience: Any = None
        connection.setblocking(True)  # the kernel keeps the time: no extra calls per message
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(SEND_SECONDS))

    def send(
        self, header: dict[str, Any], data: bytes | bytearray = b"", descriptors: Any = ()
    ) -> None:
        """Send one message.

        Raises:
            OSError: The other side is gone.
            TimeoutError: The other side does not read.
            ValueError: Header or data are over the limits.
        """
        text = _to_json(header).encode()
        if len(text) > MAX_HEADER or len(data) > MAX_BYTES:
            raise ValueError("A message is too large.")
        prefix = _PREFIX.pack(_MAGIC, len(text), len(data), len(descriptors))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        whole = memoryview(prefix + text + bytes(data))
        try:
            sent = self._socket.sendmsg([whole], rights if descriptors else [])
            if sent < len(whole):
                self._socket.sendall(whole[sent:])
        except BlockingIOError:
            raise TimeoutError from None

    def receive(self, seconds: float | None = None) -> Message | None:
        """Wait for the next message; None when the other side closed the socket.

        Raises:
            TimeoutError: It did not arrive completely in time.
            ProtocolError: What arrived is not a message.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        if seconds != self._patience:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(seconds or 0))
            self._patience = seconds
        try:
            first, ancillary, _, _ = self._socket.recvmsg(_FIRST_READ, self._room)
        except ConnectionError:
            return None
        except BlockingIOError:
            raise TimeoutError from None
        if not first:
            return None
        descriptors = _descriptors(ancillary)
        try:
            return self._rest(bytearray(first), descriptors, deadline)
        except BaseException:
            for handle in descriptors:
                os.close(handle)
            raise

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _rest(self, data: bytearray, descriptors: list[int], deadline: float | None) -> Message:
        self._fill(data, _PREFIX.size, deadline)
        magic, header_size, data_size, count = _PREFIX.unpack_from(data)
        if magic != _MAGIC or header_size > MAX_HEADER or data_size > MAX_BYTES:
            raise ProtocolError("The other side does not speak this protocol.")
        total = _PREFIX.size + header_size + data_size
        self._fill(data, total, deadline)
        if len(data) != total or count != len(descriptors):
            raise ProtocolError("A message has another size than it announced.")
        end = _PREFIX.size + header_size
        view = memoryview(data)
        return Message(_parse(view[_PREFIX.size : end]), view[end:], descriptors)

    def _fill(self, data: bytearray, size: int, deadline: float | None) -> None:
        """Read until there are at least `size` bytes."""
        while len(data) < size:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError
            try:
                chunk = self._socket.recv(min(size - len(data), 1 << 20))
            except BlockingIOError:
                raise TimeoutError from None
            if not chunk:
                raise ProtocolError("The other side stopped in the middle of a message.")
            data += chunk


def _parse(text: memoryview) -> dict[str, Any]:
    try:
        header = _from_json(str(text, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A header is not JSON: {}".format(error)) from None  # noqa: UP032
    if not isinstance(header, dict):
        raise ProtocolError("A header is not an object.")
    return header


def _timeval(seconds: float) -> bytes:
    """Pack seconds as `struct timeval`; 0 waits for ever."""
    whole = int(seconds)
    return struct.pack(
        "@ll", whole, max(int((seconds - whole) * 1e6), 0 if whole else 1) if seconds else 0
    )


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return list(found)
