"""Threads of this process: for functions that leave Python, such as Arrow's and numpy's kernels."""

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from reprise.data.executor import Piece
from reprise.data.progress import Advance


class _Ended(Exception):
    """Another piece failed."""


@dataclass(frozen=True)
class Threads:
    """Runs pieces of work in threads.

    Python code gets no faster by it; use it for functions over batches in the format "arrow" or
    "numpy", most of whose time is spent outside of Python.
    """

    workers: int
    is_here = True

    def run(self, pieces: Sequence[Piece], advance: Advance) -> None:
        """Run all pieces; the first failure ends the others at their next window of rows."""
        lock, ended = threading.Lock(), threading.Event()

        def note(rows: int) -> None:
            if ended.is_set():
                raise _Ended
            with lock:
                advance(rows)

        with ThreadPoolExecutor(self.workers, thread_name_prefix="reprise-data") as pool:
            futures = [pool.submit(piece, note) for piece in pieces]
            done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
            failed = [future for future in done if future.exception() is not None]
            if failed:
                ended.set()
            for future in waiting:
                future.cancel()
        for future in failed:
            future.result()
