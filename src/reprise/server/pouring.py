"""Request bodies that go somewhere while they arrive, never whole into memory."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

# A thread hop costs about 50 microseconds; hashing a block of this size takes 4 milliseconds.
BLOCK = 4 << 20


async def pour(request: Request, sink: Callable[[bytes], object]) -> None:
    """Hand a body to `sink` block by block, in a worker thread, while the next block arrives.

    `sink` is never called twice at the same time. Its errors stop the transfer.
    """
    parts: list[bytes] = []
    size = 0
    working: asyncio.Task[object] | None = None
    try:
        async for chunk in request.stream():
            parts.append(chunk)
            size += len(chunk)
            if size >= BLOCK:
                if working is not None:
                    await working
                working = asyncio.create_task(run_in_threadpool(sink, b"".join(parts)))
                parts, size = [], 0
    finally:
        # Also on errors: the sink must be at rest before its owner closes it.
        if working is not None:
            await asyncio.wait([working])
    if working is not None:
        working.result()
    if size:
        await run_in_threadpool(sink, b"".join(parts))
