"""Workers on this machine: fresh interpreters, never forks of a process with threads.

Each worker is `python -m reprise.data.worker`. It gets its work through a pipe, writes Arrow files
itself and reports how many rows are done; no row travels through a pipe, and the caller's script
is not imported a second time.
"""

import json
import queue
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput, RemoteFailure, WorkerCrashed
from reprise.data.executor import Executor, Here, Piece
from reprise.data.progress import Advance
from reprise.data.shipping import pack

_MOST = 1024


def executor_for(workers: int | None) -> Executor:
    """Return where to run for `num_proc=`: here for None and 1.

    Raises:
        InvalidInput: It is no number of processes.
    """
    if workers is None or workers == 1:
        return Here()
    if not isinstance(workers, int) or not 1 <= workers <= _MOST:
        raise InvalidInput(f"num_proc is a number from 1 to {_MOST}, not {workers!r}.")
    return Local(workers)


@dataclass(frozen=True)
class Local:
    """Runs pieces of work in as many processes."""

    workers: int
    is_here = False

    def run(self, pieces: Sequence[Piece], advance: Advance) -> None:
        """Run all pieces; the first failure ends the others."""
        packed = [pack(piece) for piece in pieces]
        events: queue.Queue[tuple[int, dict[str, Any]]] = queue.Queue()
        processes = [_start() for _ in packed]
        try:
            for number, (process, data) in enumerate(zip(processes, packed, strict=True)):
                for work in ((_feed, (process, data)), (_listen, (process, number, events))):
                    threading.Thread(target=work[0], args=work[1], daemon=True).start()
            _wait(len(processes), events, advance)
        finally:
            for process in processes:
                _end(process)


def _start() -> "subprocess.Popen[bytes]":
    path = [entry for entry in sys.path if isinstance(entry, str)]
    return subprocess.Popen(  # noqa: S603 - this interpreter and this package
        [sys.executable, "-m", "reprise.data.worker", json.dumps(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def _feed(process: "subprocess.Popen[bytes]", data: bytes) -> None:
    assert process.stdin is not None
    with suppress(OSError):  # it ended; the other thread says so
        process.stdin.write(struct.pack("<Q", len(data)) + data)
        process.stdin.flush()


def _listen(process: "subprocess.Popen[bytes]", number: int, events: Any) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        with suppress(ValueError):
            events.put((number, json.loads(line)))
    events.put((number, {"ended": process.wait()}))


def _wait(count: int, events: Any, advance: Advance) -> None:
    done: set[int] = set()
    while len(done) < count:
        number, event = events.get()
        if "rows" in event:
            advance(event["rows"])
        elif "done" in event:
            done.add(number)
        elif "error" in event:
            raise RemoteFailure(event["error"], kind=event["kind"], trace=event["trace"])
        elif number not in done:
            raise WorkerCrashed(
                f"A worker ended with code {event['ended']} before its rows were done.",
                hint="It may have run out of memory: use fewer processes or smaller batches.",
            )


def _end(process: "subprocess.Popen[bytes]") -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is process.stdin and pipe is not None:
            with suppress(OSError):
                pipe.close()
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
