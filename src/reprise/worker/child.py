"""The process of one model, from outside: started, asked, and ended when it has to be."""

import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import RepriseError
from reprise.worker.frames import read_frame, write_frame
from reprise.worker.jobs import Job
from reprise.worker.settings import Settings

log = logging.getLogger("reprise.worker")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LAST = 2.0  # seconds that a process has to end by itself
_RESIDENT = 1  # second number of /proc/PID/statm
# A model's process has no use for what opens other doors; what it may read it is told.
_SECRETS = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "CREDENTIAL")


@dataclass(frozen=True)
class Event:
    """Something that a process said of a job.

    Attributes:
        status: HTTP status of the answer, with the first piece; 0 afterwards.
        content_type: As the client shall see it, with the first piece.
        data: A piece of the answer.
        ended: Whether it was the last.
        lost: Why the process is gone; empty while it lives.
    """

    status: int = 0
    content_type: str = ""
    data: bytes = b""
    ended: bool = False
    lost: str = ""


class Child:
    """The process of one model.

    Attributes:
        place: Which model, `owner/name@commit`.
        weight: Bytes of its weights, once it has found them.
        found: Whether it has.
        admitted: Whether it was told to load them.
        ready: Whether it has answered something, so that what it takes can be measured.
        failure: Why it could not find or load the model.
        lost: Why it is gone; empty while it lives.
        changed: Set when it has found its files, or never will.
        busy: Jobs on it. Of the pool, under its lock.
        used: When it last had one. Of the pool, under its lock.
        started: When it was started, by the monotonic clock.
    """

    def __init__(self, job: Job, settings: Settings) -> None:
        self.place = job.place
        self.weight, self.found, self.admitted, self.ready = 0, False, False, False
        self.failure: tuple[int, str] | None = None
        self.lost = ""
        self.busy, self.used = 0, 0.0
        self.started = time.monotonic()
        self.changed = threading.Event()
        self._doom = ""  # why we ended it
        self._events: dict[str, queue.SimpleQueue[Event]] = {}
        self._lock = threading.Lock()
        self._process = _start()
        self._messages: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._write, daemon=True).start()
        self._tell({
            "do": "start", "repo": job.repo, "commit": job.commit, "endpoint": settings.hub,
            "token": job.read_token, "engine": settings.engine, "rows": settings.rows,
            "memory": settings.memory, "loading": {
                "threads": settings.threads, "device": settings.device, "dtype": settings.dtype,
            },
        })  # fmt: skip

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def resident(self) -> int:
        """Measure what it keeps in memory; bytes."""
        try:
            told = Path(f"/proc/{self.pid}/statm").read_text()
        except OSError:
            return 0
        return int(told.split()[_RESIDENT]) * _PAGE

    def admit(self) -> None:
        """Let it load its weights."""
        self.admitted = True
        self._tell({"do": "load"})

    def submit(self, job: Job) -> "queue.SimpleQueue[Event]":
        """Give it a job; what it says of it comes in the queue, last of all an event that ends."""
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self._lock:
            if self.lost:
                events.put(Event(ended=True, lost=self.lost))
                return events
            self._events[job.id] = events
        self._tell({
            "do": "job", "job": job.id, "kind": job.kind, "task": job.task, "stream": job.stream,
            "token": job.read_token, "client": job.client, "body": job.body,
        })  # fmt: skip
        return events

    def cancel(self, job: Job) -> None:
        """Ask it to stop working on a job; an event that ends still comes."""
        self._tell({"do": "cancel", "job": job.id})

    def kill(self, why: str) -> None:
        """End it now; its jobs learn why."""
        self._doom = self._doom or why
        self._process.kill()

    def close(self) -> None:
        """End it, and wait until its memory is free."""
        self.kill("The model was put away.")
        self._reader.join()

    def _tell(self, message: Mapping[str, Any]) -> None:
        """Send a message; never waits, not even for a process that reads no more."""
        self._messages.put(message)

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError), self._process.stdin as stream:
            while (message := self._messages.get()) is not None:
                write_frame(stream, message)

    def _read(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                frame = read_frame(self._process.stdout)
            except (OSError, ValueError):
                frame = None
            if frame is None:
                break
            self._hear(*frame)
        self._end()

    def _hear(self, head: dict[str, Any], body: bytes) -> None:
        match head.get("at"):
            case "found":
                self.weight, self.found = int(head["bytes"]), True
            case "ready":
                self.ready = True
                return
            case "failed":
                self.failure = int(head["status"]), str(head["message"])
            case _:
                ended = bool(head.get("end"))
                event = Event(int(head.get("status", 0)), str(head.get("type", "")), body, ended)
                events = self._events.pop(head["job"], None) if ended else (
                    self._events.get(head["job"]))  # fmt: skip
                if events is not None:
                    events.put(event)
                return
        self.changed.set()

    def _end(self) -> None:
        try:
            code = self._process.wait(_LAST)
        except subprocess.TimeoutExpired:  # it says nothing more, and does not end either
            self._process.kill()
            code = self._process.wait()
        why = self._doom or f"The process of the model ended unexpectedly ({_ending(code)})."
        if not self._doom and self.failure is None:
            log.warning("%s: %s", self.place, why)
        with self._lock:
            self.lost = why
            left, self._events = self._events, {}
        self._messages.put(None)
        assert self._process.stdout is not None
        self._process.stdout.close()
        for events in left.values():
            events.put(Event(ended=True, lost=why))
        self.changed.set()


def _start() -> "subprocess.Popen[bytes]":
    """Start the process in a session of its own: Ctrl-C in a terminal is for the worker alone."""
    kept = {name: value for name, value in os.environ.items()
            if not any(word in name.upper() for word in _SECRETS)
            or name == "TOKENIZERS_PARALLELISM"}  # fmt: skip
    kept["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "reprise.worker.inside"], cwd="/", env=kept,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise RepriseError(f"A process for the model cannot be started: {error}.") from None


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
