"""HTTP/1.1 over uvicorn, plus files sent without a copy, bodies joined once, bounded headers."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# ASGI's name for "send these bytes of this open file", part of the specification's extensions.
EXTENSION = "http.response.zerocopysend"
MAX_HEADER_BYTES = 64 * 1024  # URL and all header lines of one request
# Bytes of a body that wait for the application before reading pauses. uvicorn's own 64 KiB makes a
# large upload stop and start for every block that the socket delivers.
_BODY_WAITING = 1 << 20
_SLICE = 8 << 20  # bytes handed to the kernel at a time, so that other requests get their turn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class HubProtocol(HttpToolsProtocol):
    """One connection."""

    _header_bytes = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Pieces of bodies as the socket gave them: joined once, where uvicorn would copy twice.
        self._bodies: dict[RequestResponseCycle, list[bytes]] = {}

    def on_message_begin(self) -> None:
        """Offer the extension; start counting header bytes."""
        super().on_message_begin()
        self._header_bytes = 0
        if self.scheme == "http":  # TLS needs the bytes in user space
            self.scope["extensions"] = {EXTENSION: {}}

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
            return
        waiting = self._bodies.setdefault(self.cycle, [])
        waiting.append(body)
        if sum(map(len, waiting)) > _BODY_WAITING:
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
                if message["type"] == "http.request":
                    message["body"] = b"".join(self._bodies.pop(cycle, ()))
                return message

            async def send_or_copy(message: Message) -> None:
                if message["type"] == EXTENSION:
                    await _send_file(cycle, self.loop, message)
                    message = {"type": "http.response.body", "more_body": message["more_body"]}
                await send(message)

            try:
                await app(scope, receive_joined, send_or_copy)
            finally:
                self._bodies.pop(cycle, None)

        super()._start_asgi_task(cycle, with_fewer_copies)  # type: ignore[arg-type]


async def _send_file(
    cycle: RequestResponseCycle, loop: asyncio.AbstractEventLoop, message: Message
) -> None:
    """Copy `count` bytes at `offset` of an open file from the page cache to the socket."""
    transport = cycle.transport
    transport.set_write_buffer_limits(high=0)
    transport.write(b"")  # makes the new limit count for bytes still waiting, the headers
    await cycle.flow.drain()
    out = _duplicate(transport)
    try:
        await _copy(out, loop, message)
        cycle.expected_content_length -= message["count"]
    except (ConnectionError, EOFError):
        transport.abort()
    finally:
        os.close(out)
        transport.set_write_buffer_limits()


def _duplicate(transport: asyncio.Transport) -> int:
    """Duplicate the socket's descriptor: the event loop forbids waiting on its own."""
    connection = transport.get_extra_info("socket")
    assert isinstance(connection, socket.socket) or hasattr(connection, "fileno")
    return os.dup(connection.fileno())


async def _copy(out: int, loop: asyncio.AbstractEventLoop, message: Message) -> None:
    offset, left = message["offset"], message["count"]
    while left:
        try:
            sent = os.sendfile(out, message["file"], offset, min(left, _SLICE))
        except BlockingIOError:
            await _writable(out, loop)
            continue
        if sent == 0:
            raise EOFError("the file is shorter than announced")
        offset, left = offset + sent, left - sent
        await asyncio.sleep(0)


async def _writable(fd: int, loop: asyncio.AbstractEventLoop) -> None:
    ready = loop.create_future()
    loop.add_writer(fd, ready.set_result, None)
    try:
        await ready
    finally:
        loop.remove_writer(fd)
