"""A worker process: reads one piece of work from stdin, does it, reports on stdout."""

import json
import os
import struct
import sys
import traceback
from typing import Any


def main() -> None:
    """Do one piece of work."""
    reports = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the function prints goes to stderr, not among the reports
    sys.path[:] = json.loads(sys.argv[1])
    from reprise.data.executor import told
    from reprise.data.shipping import unpack

    def say(**event: Any) -> None:
        reports.write(json.dumps(event) + "\n")

    try:
        piece = unpack(_read())
        piece(lambda rows: say(rows=rows))
        say(done=True)
    except BaseException as error:  # noqa: BLE001 - whatever happens is for the parent to know
        say(error=told(error), kind=type(error).__name__, trace=traceback.format_exc())


def _read() -> bytes:
    (size,) = struct.unpack("<Q", _exactly(8))
    return _exactly(size)


def _exactly(size: int) -> bytes:
    data = sys.stdin.buffer.read(size)
    if len(data) != size:
        sys.exit(1)  # the parent is gone
    return data


if __name__ == "__main__":
    main()
