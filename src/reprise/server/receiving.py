"""A request's body straight from the socket into its reader's own buffer, without a copy between.

While a body is taken this way, the connection's protocol is a `BodyReader`. It asks the kernel for
no byte after the body, so whatever a client sends ahead waits in the socket for the next request.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect

# ASGI extension of our own: `await scope["extensions"][RECEIVE_INTO](view)` puts the next bytes of
# the body at the start of a writable memoryview and returns how many, 0 at the end of the body.
# For bodies of known length only.
RECEIVE_INTO = "reprise.receive_into"
ReceiveInto = Callable[[memoryview], Awaitable[int]]

_SCRATCH = 256 << 10  # bytes thrown away at a time


class BodyReader(asyncio.BufferedProtocol):
    """Takes `left` bytes from a transport that is paused; its reader says where to.

    What nobody asks for before `owner` resumes the transport is thrown away.
    """

    def __init__(
        self, owner: asyncio.Protocol, transport: asyncio.Transport, left: int,
        finished: Callable[[], None],
    ) -> None:  # fmt: skip
        self._owner = owner
        self._transport = transport
        self._left = left
        self._finished = finished
        self._view: memoryview | None = None
        self._filled = 0
        self._waiter: asyncio.Future[None] | None = None

    async def fill(self, view: memoryview) -> int:
        """Fill a buffer, or as much of it as there is body left.

        Raises:
            ClientDisconnect: The connection ended first.
        """
        if self._transport.is_closing():
            raise ClientDisconnect
        self._view, self._filled = view[: self._left], 0
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.resume_reading()
        try:
            await self._waiter
        finally:
            self._view = self._waiter = None
            if self._left and not self._transport.is_closing():
                self._transport.pause_reading()
        return self._filled

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes shall go."""
        del sizehint
        if self._view is None:
            return memoryview(bytearray(min(_SCRATCH, self._left)))
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Note how many came; stop reading when that is all for now."""
        self._left -= nbytes
        self._filled += nbytes
        if self._view is not None and self._filled == len(self._view):
            self._transport.pause_reading()
            self._wake(None)
        if not self._left:
            self._finished()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the reader, and the protocol this one stands in for."""
        self._wake(ClientDisconnect())
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._owner.resume_writing()

    def _wake(self, error: Exception | None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if error is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(error)
