"""Pass what a worker prints on to the log, and remember the end of it."""

import logging
import threading
from collections import deque
from typing import IO

log = logging.getLogger("reprise.isolate")

_LINES = 40
_LONGEST = 2000  # bytes of one line


class LogLines:
    """Reads a pipe in a thread of its own, line by line."""

    def __init__(self, pipe: IO[bytes], name: str) -> None:
        self._pipe = pipe
        self._name = name
        self._last: deque[str] = deque(maxlen=_LINES)
        self._thread = threading.Thread(target=self._drain, daemon=True, name=f"log of {name}")
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end of the pipe."""
        self._thread.join()

    def tail(self) -> str:
        """Return the last lines."""
        return "\n".join(self._last)

    def _drain(self) -> None:
        while line := self._pipe.readline(_LONGEST):
            text = line.decode(errors="replace").rstrip()
            if text:
                self._last.append(text)
                log.info("%s: %s", self._name, text)
