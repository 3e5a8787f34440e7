"""The hub's own worker: a child process that starts with the first job and ends with the hub."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence

log = logging.getLogger("reprise.server")

TOKEN_VARIABLE = "REPRISE_WORKER_TOKEN"  # noqa: S105 - its name, not a token
_STOP_SECONDS = 5.0
_PAUSE_SECONDS = 5.0  # between two starts, so that a worker that fails at once is no busy loop


class Companion:
    """Starts the worker when it is needed. Used from the event loop's thread alone.

    That thread is the one whose end the kernel tells the child about.
    """

    def __init__(self, command: Sequence[str], secret: str) -> None:
        self._command = list(command)
        self._secret = secret
        self._process: subprocess.Popen[bytes] | None = None
        self._started = -_PAUSE_SECONDS

    def start(self) -> bool:
        """Start the worker unless it runs; tell whether it does."""
        if self._process is not None and self._process.poll() is None:
            return True
        if time.monotonic() - self._started < _PAUSE_SECONDS:
            return False
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command,
                env=os.environ | {TOKEN_VARIABLE: self._secret},
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                start_new_session=True,  # Ctrl-C is for the hub, which ends the worker in turn
            )
        except OSError:
            log.exception("the hub's worker did not start")
            return False
        log.info("started a worker, process %d", self._process.pid)
        return True

    def end(self) -> None:
        """Ask the worker to end."""
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """End the worker, and wait until it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
