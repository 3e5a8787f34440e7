"""Large request bodies, read into buffers that are used again and again.

A fresh buffer costs more than receiving the bytes that go into it: the kernel has to find and
clear every page.
"""

import mmap
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import cast

from starlette.requests import Request

from reprise.server.receiving import RECEIVE_INTO, ReceiveInto


class Buffers:
    """Buffers of one size, page-aligned; a few are kept for the next user.

    Used from the event loop alone, hence without a lock.
    """

    def __init__(self, size: int, *, keep: int) -> None:
        self.size = size
        self._keep = keep
        self._free: list[mmap.mmap] = []

    @contextmanager
    def lend(self) -> Iterator[memoryview]:
        """Lend a buffer for the length of a block."""
        memory = self._free.pop() if self._free else mmap.mmap(-1, self.size)
        with memoryview(memory) as view:
            yield view
        if len(self._free) < self._keep:
            self._free.append(memory)


class Body:
    """A request's body, to be read once, from the start to the end."""

    def __init__(self, request: Request) -> None:
        extension = request.scope.get("extensions", {}).get(RECEIVE_INTO)
        known = "content-length" in request.headers
        self._direct = cast("ReceiveInto | None", extension if known else None)
        self._stream: AsyncIterator[bytes] = request.stream()
        self._left = memoryview(b"")

    async def fill(self, view: memoryview) -> int:
        """Fill a buffer; only the end of the body leaves a part of it empty.

        Raises:
            ClientDisconnect: The client left before the end.
        """
        filled = 0
        while filled < len(view):
            count = await self._next(view[filled:])
            if not count:
                break
            filled += count
        return filled

    async def _next(self, view: memoryview) -> int:
        if self._direct is not None:
            return await self._direct(view)
        while not self._left:
            try:
                self._left = memoryview(await anext(self._stream))
            except StopAsyncIteration:
                return 0
        count = min(len(view), len(self._left))
        view[:count], self._left = self._left[:count], self._left[count:]
        return count
