"""Request bodies that go somewhere while they arrive, never whole into memory."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

from starlette.requests import Request

from reprise.server.bodies import Body, Buffers

BLOCK = 4 << 20  # bytes handed on at a time: hashing them takes 40 times as long as a thread hop
_KEPT = 16  # idle buffers of a process
_THREADS = 8  # that take blocks; slow clients hold none while they send

Sink = Callable[[memoryview], object]


@dataclass(frozen=True)
class Pouring:
    """What `pour` finds in the application's state."""

    buffers: Buffers
    threads: ThreadPoolExecutor

    @classmethod
    def new(cls) -> "Pouring":
        """Make buffers and threads; both come into being when they are needed."""
        return cls(Buffers(BLOCK, keep=_KEPT), ThreadPoolExecutor(_THREADS, "pour"))


async def pour(request: Request, sink: Sink) -> None:
    """Hand a body to `sink` block by block, in a worker thread, while the next block arrives.

    `sink` is never called twice at the same time and must not keep what it is given. Its errors
    stop the transfer.
    """
    state: Pouring = request.app.state.pouring
    with state.buffers.lend() as one, state.buffers.lend() as other:
        await _relay(Body(request), cycle((one, other)), sink, state.threads)


async def _relay(
    body: Body, buffers: Iterator[memoryview], sink: Sink, threads: ThreadPoolExecutor
) -> None:
    loop = asyncio.get_running_loop()
    working: asyncio.Future[object] | None = None
    try:
        while count := await body.fill(view := next(buffers)):
            if working is not None:
                await working
            # Not by way of a task: that would start only after the next block has come.
            working = loop.run_in_executor(threads, sink, view[:count])
    finally:
        # Also on errors: the sink must be at rest before its owner closes it.
        if working is not None:
            await asyncio.wait([working])
    if working is not None:
        working.result()
