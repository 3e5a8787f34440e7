"""The line in which jobs wait: first come, first served within a caller, callers in turn."""

from collections import deque
from collections.abc import Callable, Iterator

from reprise.server.inference.jobs import Job

# A job may be overtaken so often by others whose model is loaded already.
_PATIENCE = 8

Judge = Callable[[Job], bool]


class Line:
    """Waiting jobs. Used from the event loop alone."""

    def __init__(self) -> None:
        self._of: dict[str, deque[Job]] = {}  # callers in the order of their turns
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Job]:
        return (job for jobs in self._of.values() for job in jobs)

    def of(self, caller: str) -> int:
        """Count a caller's jobs."""
        return len(self._of.get(caller, ()))

    def add(self, job: Job) -> None:
        """Put a job behind its caller's others."""
        self._of.setdefault(job.asked.caller, deque()).append(job)
        self._count += 1

    def add_first(self, job: Job) -> None:
        """Put a job that was taken before to the very front."""
        caller = job.asked.caller
        jobs = self._of.pop(caller, deque[Job]())
        jobs.appendleft(job)
        self._of = {caller: jobs, **self._of}
        self._count += 1

    def remove(self, job: Job) -> bool:
        """Take a job out, wherever it stands; tell whether it was there."""
        jobs = self._of.get(job.asked.caller)
        if jobs is None or job not in jobs:
            return False
        jobs.remove(job)
        self._count -= 1
        if not jobs:
            del self._of[job.asked.caller]
        return True

    def take(self, accepts: Judge, prefers: Judge) -> Job | None:
        """Take the job whose turn it is, or None when none is acceptable.

        Args:
            accepts: Whether a job may be taken at all.
            prefers: Whether a job may overtake others, a limited number of times.
        """
        first = [job for jobs in self._of.values() if (job := _first(jobs, accepts)) is not None]
        if not first:
            return None
        chosen = next((job for job in first if prefers(job)), first[0])
        if first[0].passed >= _PATIENCE:
            chosen = first[0]
        if chosen is not first[0]:
            first[0].passed += 1
        self.remove(chosen)
        self._send_to_the_end(chosen.asked.caller)
        return chosen

    def _send_to_the_end(self, caller: str) -> None:
        if (jobs := self._of.pop(caller, None)) is not None:
            self._of[caller] = jobs


def _first(jobs: deque[Job], accepts: Judge) -> Job | None:
    return next((job for job in jobs if accepts(job)), None)
