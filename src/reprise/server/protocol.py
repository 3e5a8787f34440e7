"""HTTP/1.1 over uvicorn, plus bodies sent and received without copies, and bounded headers."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httptools
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from reprise.registry.xet.pieces import size_of
from reprise.server.receiving import RECEIVE_INTO, BodyReader
from reprise.server.sending import SEND_PIECES, Sending, State

MAX_HEADER_BYTES = 64 * 1024  # URL and all header lines of one request
# Bytes of a body that wait for the application before reading pauses. uvicorn's own 64 KiB makes a
# large upload stop and start for every block that the socket delivers.
_BODY_WAITING = 1 << 20
_LENGTH = b"content-length"
# Bytes of a refused request's body that are read and thrown away, so that its client, busy sending,
# gets to read the answer.
_THROWN_AWAY = 64 << 20
# ASGI extension of our own: `scope["extensions"][ABORT]()` breaks the connection off at once.
ABORT = "reprise.abort"
_AT_ONCE = 256 << 10  # bytes that are sent without a thread: less than a socket takes

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass
class _Arrived:
    """Pieces of a body as the socket gave them: joined once, where uvicorn would copy twice."""

    pieces: list[bytes] = field(default_factory=list)
    waiting: int = 0  # bytes in `pieces`
    total: int = 0  # bytes that came so far

    def add(self, piece: bytes) -> None:
        self.pieces.append(piece)
        self.waiting += len(piece)
        self.total += len(piece)

    def take(self) -> bytes:
        joined = b"".join(self.pieces)
        self.pieces, self.waiting = [], 0
        return joined


class HubProtocol(HttpToolsProtocol):
    """One connection."""

    _header_bytes = 0
    _thrown_away = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bodies: dict[RequestResponseCycle, _Arrived] = {}
        self._reader: BodyReader | None = None

    def on_message_begin(self) -> None:
        """Offer the extension; start counting header bytes."""
        super().on_message_begin()
        self._header_bytes = self._thrown_away = 0
        if self.scheme == "http":  # TLS needs the bytes in user space
            self.scope["extensions"] = {SEND_PIECES: {}}

    def on_url(self, url: bytes) -> None:
        """Count and keep a piece of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count and keep a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body until the application asks for it."""
        if self.cycle.response_complete:
            self._thrown_away += len(body)
            if self._thrown_away > _THROWN_AWAY:
                self.transport.abort()
            return
        arrived = self._bodies.setdefault(self.cycle, _Arrived())
        arrived.add(body)
        if arrived.waiting > _BODY_WAITING:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request, or one with oversized headers."""
        if self._header_bytes <= MAX_HEADER_BYTES:
            super().send_400_response(msg)
            return
        body = f"Request headers are over this hub's limit of {MAX_HEADER_BYTES} bytes.".encode()
        self.transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.transport.close()

    def _count(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("headers too large")  # the parser turns it into send_400_response

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        async def with_fewer_copies(scope: Any, receive: Receive, send: Send) -> None:
            async def receive_joined() -> Message:
                message = await receive()  # uvicorn's own buffer stays empty, see `on_body`
                if message["type"] == "http.request" and cycle in self._bodies:
                    message["body"] = self._bodies[cycle].take()
                return message

            async def send_or_copy(message: Message) -> None:
                if message["type"] == SEND_PIECES:
                    await _send_pieces(cycle, self.loop, message)
                    message = {"type": "http.response.body", "more_body": message["more_body"]}
                await send(message)

            scope.setdefault("extensions", {})[ABORT] = partial(_abort, cycle)
            if SEND_PIECES in scope["extensions"]:
                scope["extensions"][RECEIVE_INTO] = partial(self._receive_into, cycle)
            try:
                await app(scope, receive_joined, send_or_copy)
            finally:
                self._bodies.pop(cycle, None)

        super()._start_asgi_task(cycle, with_fewer_copies)  # type: ignore[arg-type]

    async def _receive_into(self, cycle: RequestResponseCycle, view: memoryview) -> int:
        """Put the next bytes of a body of known length into a buffer, see `RECEIVE_INTO`."""
        if cycle.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        arrived = self._bodies.setdefault(cycle, _Arrived())
        if arrived.waiting:
            return _move(arrived, view)
        if cycle.disconnected:
            raise ClientDisconnect
        if not cycle.more_body:
            return 0
        if self._reader is None:
            self._reader = self._take_over(cycle, arrived.total)
        return await self._reader.fill(view)

    def _take_over(self, cycle: RequestResponseCycle, received: int) -> BodyReader:
        """Let the rest of a body pass by the parser, which gets a successor for what follows."""
        self.flow.pause_reading()
        length = int(next(value for name, value in cycle.scope["headers"] if name == _LENGTH))

        def finished() -> None:
            self._reader, cycle.more_body = None, False
            self.transport.pause_reading()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.transport.set_protocol(self)
            if not self.flow.read_paused:  # the answer is out already
                self.transport.resume_reading()
            cycle.message_event.set()

        reader = BodyReader(self, self.transport, length - received, finished)
        self.transport.set_protocol(reader)
        return reader


def _move(arrived: _Arrived, view: memoryview) -> int:
    """Fill a buffer with what came together with the request's head; keep what does not fit."""
    data = arrived.take()
    count = min(len(view), len(data))
    view[:count] = data[:count]
    if count < len(data):
        arrived.pieces, arrived.waiting = [data[count:]], len(data) - count
    return count


async def _send_pieces(
    cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop, message: Message
) -> None:
    """Send parts of files past the transport."""
    transport, pieces = cycle.transport, message["pieces"]
    transport.set_write_buffer_limits(high=0)
    transport.write(b"")  # makes the new limit count for bytes still waiting, the headers
    await cycle.flow.drain()
    out, size = _duplicate(transport), sum(map(size_of, pieces))
    try:
        sending = Sending(out, pieces)
        state = sending.run(0) if size <= _AT_ONCE else State.PAUSED
        while state is not State.DONE:
            if state is State.FULL:
                await _writable(out.fileno(), loop)
            state = await loop.run_in_executor(message["threads"], sending.run)
        cycle.expected_content_length -= size
    except (OSError, EOFError):
        _abort(cycle)
    finally:
        out.close()
        transport.set_write_buffer_limits()


def _abort(cycle: RequestResponseCycle) -> None:
    cycle.transport.abort()
    cycle.disconnected = True  # nothing more can be said


def _duplicate(transport: asyncio.Transport) -> socket.socket:
    """Duplicate the socket: the event loop forbids waiting on its own."""
    connection = transport.get_extra_info("socket")
    assert isinstance(connection, socket.socket) or hasattr(connection, "fileno")
    return socket.socket(fileno=os.dup(connection.fileno()))


async def _writable(fd: int, loop: asyncio.AbstractEventLoop) -> None:
    ready = loop.create_future()
    loop.add_writer(fd, ready.set_result, None)
    try:
        await ready
    finally:
        loop.remove_writer(fd)
