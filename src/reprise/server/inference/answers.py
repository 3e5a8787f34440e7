"""An answer on its way: a worker puts pieces in, a client takes them out, neither runs ahead.

Used from the event loop alone, hence without a lock.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from reprise.base.errors import AnsweredTooLate, RepriseError

_BUFFER = 1 << 20  # bytes that a worker may be ahead of the client


class ClientGone(Exception):
    """Nobody reads this answer any more."""


@dataclass(frozen=True)
class Head:
    """What comes before the first piece."""

    status: int
    content_type: str

    @property
    def streams(self) -> bool:
        """Events, sent one by one."""
        return self.content_type.startswith("text/event-stream")


class Answer:
    """One answer."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: RepriseError | None = None
        self._readable = asyncio.Event()
        self._writable = asyncio.Event()
        self.gone = asyncio.Event()

    @property
    def begun(self) -> bool:
        """A worker said how its answer begins."""
        return self._head is not None

    @property
    def unwanted(self) -> bool:
        """Whatever a worker still has to say would be of no use."""
        return self._error is not None or self.gone.is_set()

    @property
    def over(self) -> bool:
        """Nothing more will come, or nobody would read it."""
        return self._ended or self.unwanted

    def begin(self, head: Head) -> None:
        """Say how the answer begins."""
        self._head = head
        self._readable.set()

    async def put(self, piece: bytes) -> None:
        """Add a piece, and wait while the client is far behind.

        Raises:
            ClientGone: Nobody will read it.
        """
        if not self.unwanted:
            self._pieces.append(piece)
            self._size += len(piece)
            self._readable.set()
            if self._size > _BUFFER:
                self._writable.clear()
                await self._writable.wait()
        if self.unwanted:
            raise ClientGone

    def end(self) -> None:
        """Say that all pieces are in."""
        self._ended = True
        self._readable.set()

    def fail(self, error: RepriseError) -> None:
        """Say that no more will come, and why. Only the first word counts."""
        if not self.over:
            self._error = error
            self._readable.set()
            self._writable.set()

    def leave(self) -> None:
        """Say that nobody reads any more."""
        self.gone.set()
        self._pieces.clear()
        self._size = 0
        self._writable.set()
        self._readable.set()

    async def head(self) -> Head:
        """Wait for the beginning.

        Raises:
            RepriseError: There will be none; the error says why.
            ClientGone: The client left meanwhile.
        """
        while self._head is None:
            await self._change()
        return self._head

    async def pieces(self, patience: float, longest: float) -> AsyncIterator[bytes]:
        """Yield the pieces as they come, at most `patience` seconds apart, for `longest` seconds.

        Raises:
            RepriseError: The answer breaks off; the error says why.
            ClientGone: The client left meanwhile.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + longest
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._size -= len(piece)
                if self._size <= _BUFFER:
                    self._writable.set()
                yield piece
                if loop.time() > until:
                    raise AnsweredTooLate(f"The answer took over {longest:g} seconds.")
            if self._ended:
                return
            try:
                async with asyncio.timeout(patience):
                    await self._change()
            except TimeoutError:
                message = f"The model said nothing for {patience:g} seconds."
                raise AnsweredTooLate(message) from None

    async def _change(self) -> None:
        self._readable.clear()
        if not self.over:
            await self._readable.wait()
        if self.gone.is_set():
            raise ClientGone
        if self._error is not None and not self._pieces:
            raise self._error
