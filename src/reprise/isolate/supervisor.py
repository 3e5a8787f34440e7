"""The caller's side of one supervisor process (`guard`)."""

import json
import select
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from reprise.base.errors import IsolationFailed, NotSupported
from reprise.isolate.guard.spec import Spec

_PROGRAM = Path(__file__).parent / "guard" / "__main__.py"
_FAREWELL_SECONDS = 10
_NATURAL_END_SECONDS = 2

Stream = IO[bytes] | int | None


@dataclass(frozen=True)
class Ending:
    """What the supervisor reports about a command that is over."""

    code: int
    reason: str | None
    wall_seconds: float
    cpu_seconds: float
    peak_memory: int


class Supervisor:
    """A running sandbox. Leaving the `with` block ends all that runs in it."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._events = control.makefile("rb")

    @classmethod
    def start(
        cls,
        spec: Spec,
        *,
        stdin: Stream = None,
        stdout: Stream = None,
        stderr: Stream = None,
        pass_fds: Sequence[int] = (),
    ) -> "Supervisor":
        """Start a command; returns when it is confined and running.

        Raises:
            NotSupported: The kernel refused a limit or a rule, or the program.
        """
        ours, theirs = socket.socketpair()
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=stdout, stderr=stderr, env={}, cwd="/", start_new_session=True,
                pass_fds=(theirs.fileno(), *pass_fds),
            )  # fmt: skip
        finally:
            theirs.close()
        started = cls(process, ours)
        try:
            ours.sendall(spec.to_json())
            started._expect_start()
        except BaseException:
            started.close()
            raise
        return started

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe, when asked for."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stderr(self) -> IO[bytes]:
        """The pipe, when asked for."""
        assert self._process.stderr is not None
        return self._process.stderr

    def wait(self) -> Ending:
        """Wait for the end of the command and of all it started.

        Raises:
            IsolationFailed: The supervisor itself was killed.
        """
        event = self._next_event()
        return Ending(**{name: event[name] for name in Ending.__dataclass_fields__})

    def autopsy(self) -> Ending | None:
        """Say how a command ended that seems to be over; kill it if it is not.

        None when the supervisor is gone too.
        """
        ready, _, _ = select.select([self._control], [], [], _NATURAL_END_SECONDS)
        try:
            if not ready:
                self._control.sendall(b"end\n")
            return self.wait()
        except (OSError, IsolationFailed):
            return None

    def close(self) -> None:
        """Kill what still runs and release everything."""
        self._events.close()
        self._control.close()  # the supervisor takes this as the order to end
        try:
            self._process.wait(_FAREWELL_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None and not pipe.closed:
                pipe.close()

    def abandon(self) -> None:
        """Close our copies in a forked child, and leave the sandbox to the parent."""
        self._events.close()
        self._control.close()
        self._process.returncode = 0  # not ours to wait for

    def _expect_start(self) -> None:
        event = self._next_event()
        if event["event"] == "refused":
            raise NotSupported(f"The sandbox could not be set up: {event['error']}")

    def _next_event(self) -> dict[str, Any]:
        try:
            line = self._events.readline()
        except OSError:
            line = b""
        if not line:
            raise IsolationFailed(
                "The supervisor of a sandbox ended without a report.",
                hint="It may have been killed for lack of memory; look at the system's log.",
            )
        event: dict[str, Any] = json.loads(line)
        return event

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
