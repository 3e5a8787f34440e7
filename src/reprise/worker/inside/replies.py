"""What is said of jobs: pieces of an answer, the end of it, or why there is none."""

import json
import logging
from collections.abc import Callable
from typing import Any

from reprise.base.errors import RepriseError
from reprise.worker.errors import as_event, error_body, status_of

log = logging.getLogger("reprise.worker")
_OK = 200
_JSON, _EVENTS = "application/json", "text/event-stream"
Message = dict[str, Any]
Say = Callable[[Message, bytes], None]


class Replies:
    """What is said of jobs; each gets exactly one last word.

    Args:
        say: Sends a message with bytes to whoever gave the jobs.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._open: dict[str, Message] = {}
        self._begun: set[str] = set()

    def opened(self, job: Message) -> None:
        """Take note of a job."""
        self._open[job["job"]] = job

    def said(self, job: str, data: bytes, last: bool) -> None:
        """Say a piece of an answer; the first one says how it begins."""
        if job not in self._open or not (data or last):
            return
        head: Message = {"job": job, "end": last}
        if job not in self._begun:
            self._begun.add(job)
            head |= {"status": _OK, "type": _EVENTS if self._open[job]["stream"] else _JSON}
        if last:
            self._forget(job)
        self._say(head, data)

    def answered(self, job: str, answer: Any) -> None:
        """Say a whole answer.

        Raises:
            ValueError: It holds a number that is not finite.
        """
        data = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
        if job in self._open:
            self._forget(job)
            self._say({"job": job, "status": _OK, "type": _JSON, "end": True}, data)

    def failed(self, job: str, error: Exception) -> None:
        """Say why there is no answer: in its place, or as the last event of a stream."""
        if job not in self._open:
            return
        if not isinstance(error, RepriseError):
            log.error("A request failed.", exc_info=error)
            error = RepriseError(f"The model failed on this request: {type(error).__name__}.")
        kind = self._open[job]["kind"]
        status = status_of(error, kind)
        body = error_body(kind, error, status)
        head: Message = {"job": job, "end": True}
        if job in self._begun:
            body = as_event(body)
        else:
            head |= {"status": status, "type": _JSON}
        self._forget(job)
        self._say(head, body)

    def ended(self, job: str) -> None:
        """Say that a job is over without an answer: nobody waits for one."""
        if job in self._open:
            self._forget(job)
            self._say({"job": job, "end": True}, b"")

    def _forget(self, job: str) -> None:
        self._open.pop(job, None)
        self._begun.discard(job)
