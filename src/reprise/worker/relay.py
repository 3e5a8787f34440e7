"""One job on its way: from the hub to the process of its model, and what that says back."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from reprise.base.errors import AnsweredTooLate, HubUnreachable, NotAnswered, RepriseError
from reprise.worker.child import Child, Event
from reprise.worker.errors import as_event, error_body, status_of
from reprise.worker.jobs import Job
from reprise.worker.pool import Pool, Unloadable
from reprise.worker.wire import Answer

log = logging.getLogger("reprise.worker")
_LOOK = 0.25  # seconds between two looks whether the client is still there
_TO_STOP = 10.0  # seconds a process has to leave a job; then it hangs, and is ended
_JSON = "application/json"
Begin = Callable[[int, str], Answer]


class Relay:
    """One job on its way.

    Args:
        job: What to do.
        begin: Begins its answer, with a status and a content type.
    """

    def __init__(self, job: Job, begin: Begin) -> None:
        self._job, self._begin = job, begin
        self._answer: Answer | None = None
        self._until = time.monotonic() + job.deadline
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stop: nobody waits for the answer any more."""
        self._cancelled.set()

    def run(self, pool: Pool) -> None:
        """Do the job and answer it, whatever happens; the hub's own failures are only logged."""
        try:
            with pool.model(self._job, self._until) as child:
                self._follow(child)
        except HubUnreachable as error:
            log.warning("Job %s could not be answered: %s", self._job.id, error.message)
        except Unloadable as error:
            self._refuse(error, error.answer)
        except RepriseError as error:
            self._refuse(error, status_of(error, self._job.kind))

    def _follow(self, child: Child) -> None:
        events = child.submit(self._job)
        try:
            while True:
                event = self._next(events)
                if self._is_over(child) and not (event is not None and event.ended):
                    self._leave(child, events)
                    self._hang_up()
                    return
                if event is not None and self._take(event):
                    return
        except HubUnreachable:
            self._leave(child, events)
            raise

    def _next(self, events: "queue.SimpleQueue[Event]") -> Event | None:
        try:
            return events.get(timeout=max(0.0, min(_LOOK, self._until - time.monotonic())))
        except queue.Empty:
            return None

    def _is_over(self, child: Child) -> bool:
        """Tell whether nobody waits any more; one whose time is over is told so."""
        if self._cancelled.is_set() or (self._answer is not None and self._answer.is_gone()):
            return True
        if time.monotonic() < self._until:
            return False
        if child.ready:
            late: NotAnswered = AnsweredTooLate(
                f"The model did not answer within {self._job.deadline:.0f} seconds.",
                hint="Ask for less, or give it longer.",
            )
        else:
            late = NotAnswered(f"{child.place} is still being loaded.",
                               hint="Try again in a moment.", retry_after=5)  # fmt: skip
        self._refuse(late, late.status)
        return True

    def _take(self, event: Event) -> bool:
        """Pass on what came; tells whether it was the last."""
        if event.lost:
            self._refuse(NotAnswered(event.lost, hint="Try again."), NotAnswered.status)
            return True
        if event.status:
            self._answer = self._begin(event.status, event.content_type)
        assert self._answer is not None
        self._answer.write(event.data)
        self._until = time.monotonic() + self._job.deadline  # for the next piece
        if event.ended:
            self._answer.end()
        return event.ended

    def _hang_up(self) -> None:
        """Let the hub know that we stopped, and are free for another job."""
        try:
            answer = self._answer or self._begin(NotAnswered.status, _JSON)
            answer.end()
        except RepriseError as error:
            log.debug("Job %s: %s", self._job.id, error.message)

    def _refuse(self, error: RepriseError, status: int) -> None:
        """Say that it went wrong: as the answer, or as the last event of a stream."""
        body = error_body(self._job.kind, error, status)
        try:
            if self._answer is None:
                self._answer = self._begin(status, _JSON)
                self._answer.write(body)
            else:
                self._answer.write(as_event(body))
            self._answer.end()
        except HubUnreachable as problem:
            log.warning("Job %s could not be answered: %s", self._job.id, problem.message)

    def _leave(self, child: Child, events: "queue.SimpleQueue[Event]") -> None:
        """Take the job back; a process that does not let go of it hangs, and is ended."""
        if not child.ready:  # it is loading, for others too
            child.cancel(self._job)
            return
        child.cancel(self._job)
        end = time.monotonic() + _TO_STOP
        while (left := end - time.monotonic()) > 0:
            try:
                if events.get(timeout=left).ended:
                    return
            except queue.Empty:
                break
        log.warning("%s does not let go of a job: ending it.", child.place)
        child.kill("A request took too long, and could only be stopped with its process.")
