"""Routes that are processes of their own and take turns: one asks, the others wait.

Such a process answers lines of JSON on stdin with lines on stdout, beginning with one that says it
is ready.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

Process = subprocess.Popen[str]
Route = Callable[[dict[str, Any]], Any]  # a question; its answer


@contextmanager
def started(name: str, command: list[str], environment: dict[str, str]) -> Iterator[Process]:
    """Start a route and wait until it is ready; BENCH_TALKS lets it write to stderr."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        stderr=None if "BENCH_TALKS" in os.environ else subprocess.DEVNULL,
    )  # fmt: skip
    try:
        begun = time.perf_counter()
        _line(process)
        print(f"{name}: ready after {time.perf_counter() - begun:.1f} s", flush=True)
        yield process
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(30)


def asked(process: Process, what: dict[str, Any]) -> dict[str, Any]:
    """Ask a route, and wait for its answer."""
    process.stdin.write(json.dumps(what) + "\n")  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]
    return _line(process)


def _line(process: Process) -> dict[str, Any]:
    line = process.stdout.readline()  # type: ignore[union-attr]
    if not line:
        sys.exit(f"{process.args} ended without an answer.")
    found: dict[str, Any] = json.loads(line)
    return found


def answer(routes: Mapping[str, Callable[[Path, str], Route]]) -> None:
    """Be the route that the command line names, `program:type folder`, until stdin ends.

    Args:
        routes: Program to what gets a route ready; a route takes a question and answers it, and
            that is timed.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes elsewhere
    name, dtype = sys.argv[1].split(":")
    route = routes[name](Path(sys.argv[2]), dtype)
    _tell(out, {"ready": sys.argv[1]})
    for line in sys.stdin:
        question = json.loads(line)
        begun, used = time.perf_counter(), time.process_time()
        found = route(question)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        _tell(out, {"seconds": seconds, "cpu": cpu, "found": found, **_memory()})


def _tell(out: TextIO, what: dict[str, Any]) -> None:
    out.write(json.dumps(what) + "\n")
    out.flush()


def _memory() -> dict[str, int]:
    """Most memory so far, and what of today's is not a page of a file; MB."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"peak": "VmHWM", "own": "RssAnon"}
    return {name: int(told[word].split()[0]) // 1000 for name, word in names.items()}
