"""Worker threads for everything that may wait: databases, files, processors.

A plain executor: the framework's own way into a thread costs twice to three times as much.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from starlette.requests import Request

_THREADS = 40  # fewer than the database has connections
_SENDERS = 8

Args = TypeVarTuple("Args")
T = TypeVar("T")


def new_threads() -> ThreadPoolExecutor:
    """Make the threads that `in_thread` finds in the application's state."""
    return ThreadPoolExecutor(_THREADS, "face")


def new_senders() -> ThreadPoolExecutor:
    """Make the threads that send files; each serves the client that is ready for the moment."""
    return ThreadPoolExecutor(_SENDERS, "send")


async def in_thread(request: Request, function: Callable[[*Args], T], *args: *Args) -> T:
    """Run a synchronous function in a worker thread."""
    threads: ThreadPoolExecutor = request.app.state.threads
    return await asyncio.get_running_loop().run_in_executor(threads, function, *args)
