"""The models that are loaded, under a budget of memory: what was used longest ago goes first."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from reprise.base.errors import NotAnswered, RepriseError
from reprise.worker.child import Child
from reprise.worker.jobs import Job
from reprise.worker.settings import GB, Settings

log = logging.getLogger("reprise.worker")
_PLAIN = 120_000_000  # bytes of a process without a model: Python, NumPy, ONNX Runtime
_LOOK = 0.5  # seconds between two looks at the memory
_AGAIN = 5  # seconds after which a model that is being loaded may be asked again


class Unloadable(RepriseError):
    """A model could not be fetched or loaded; the process said why.

    Attributes:
        answer: The HTTP status that says it best.
    """

    def __init__(self, message: str, answer: int) -> None:
        super().__init__(message)
        self.answer = answer


class Pool:
    """The models that are loaded.

    Args:
        settings: How much memory there is, and what each process is told.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._children: dict[str, Child] = {}
        self._failures: dict[str, tuple[float, int, str]] = {}  # when, status, message
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def loaded(self) -> list[str]:
        """Name the models that are there, `owner/name@commit`."""
        with self._changed:
            return [child.place for child in self._alive() if child.ready]

    @contextmanager
    def model(self, job: Job, until: float) -> Iterator[Child]:
        """Lend the process of a job's model; it is started when there is none.

        Args:
            job: Whose model is wanted.
            until: When nobody waits any more, by the monotonic clock.

        Raises:
            NotAnswered: There was no room for it in time, or it is still being loaded.
            Unloadable: It cannot be fetched or loaded.
        """
        child = self._child(job, until)
        try:
            self._wait_found(child, until)
            self._admit(child, until)
            yield child
        finally:
            with self._changed:
                child.busy -= 1
                child.used = time.monotonic()
                self._changed.notify_all()

    def close(self) -> None:
        """End every process."""
        self._closed.set()
        with self._changed:
            gone, self._children = list(self._children.values()), {}
        for child in gone:
            child.close()
        self._watcher.join()

    def _child(self, job: Job, until: float) -> Child:
        with self._changed:
            while True:
                child = self._children.get(job.place)
                if child is None or child.lost:
                    self._check_failure(job.place)
                    if not self._make_room(job.place, _PLAIN):
                        self._wait(until)
                        continue  # meanwhile another thread may have started it
                    log.info("Starting %s.", job.place)
                    child = self._children[job.place] = Child(job, self._settings)
                child.busy += 1
                child.used = time.monotonic()
                return child

    def _check_failure(self, place: str) -> None:
        """Refuse a model at once that could not be had a moment ago."""
        when, status, message = self._failures.get(place, (0.0, 0, ""))
        if time.monotonic() < when + _AGAIN:
            raise Unloadable(message, status)
        self._failures.pop(place, None)

    def _wait_found(self, child: Child, until: float) -> None:
        while not child.found:
            if child.failure is not None:
                status, message = child.failure
                with self._changed:
                    self._failures[child.place] = time.monotonic(), status, message
                raise Unloadable(message, status)
            if child.lost:
                raise NotAnswered(child.lost, hint="Try again.", retry_after=1)
            left = until - time.monotonic()
            if left <= 0:
                raise NotAnswered(f"{child.place} is still being fetched.",
                                  hint="Try again in a moment.", retry_after=_AGAIN)  # fmt: skip
            child.changed.wait(min(left, _LOOK))

    def _admit(self, child: Child, until: float) -> None:
        """Make room for a model and let it load, once."""
        with self._changed:
            while not child.admitted and not child.lost:
                if self._make_room(child.place, _need(child)):
                    child.admit()
                    return
                self._wait(until)

    def _wait(self, until: float) -> None:
        """Wait until something may have changed."""
        left = until - time.monotonic()
        if left <= 0:
            raise NotAnswered(
                "The worker's memory is taken by models that are at work.",
                hint="Try again in a moment, or start another worker.", retry_after=_AGAIN,
            )  # fmt: skip
        self._changed.wait(min(left, _LOOK))

    def _make_room(self, place: str, need: int) -> bool:
        """Put models away until a new one fits; False while those in the way are at work."""
        budget = self._settings.memory
        if need > budget:
            raise NotAnswered(
                f"{place} needs {need / GB:.2f} GB; this worker may take {budget / GB:.2f} GB.",
                hint="Start a worker with a larger --memory.",
            )
        while True:
            others = [other for other in self._alive() if other.place != place]
            if sum(map(_taken, others)) + need <= budget:
                return True
            idle = [other for other in others if not other.busy]
            if not idle:
                return False
            self._put_away(min(idle, key=lambda other: other.used))

    def _alive(self) -> list[Child]:
        return [child for child in self._children.values() if not child.lost]

    def _put_away(self, child: Child) -> None:
        log.info("Putting %s away: it was used longest ago.", child.place)
        del self._children[child.place]
        child.close()

    def _watch(self) -> None:
        """Look at what processes really take: it grows with their work."""
        limit = self._settings.loading
        while not self._closed.wait(_LOOK):
            with self._changed:
                for place in [p for p, child in self._children.items() if child.lost]:
                    del self._children[place]
                for child in self._alive():
                    if not child.ready and time.monotonic() > child.started + limit:
                        child.kill("Fetching and loading the model took too long.")
                self._keep_within(self._settings.memory)
                old = time.monotonic() - _AGAIN
                self._failures = {p: f for p, f in self._failures.items() if f[0] > old}

    def _keep_within(self, budget: int) -> None:
        there = {child: child.resident() for child in self._alive()}
        while sum(there.values()) > budget:
            idle = [child for child in there if not child.busy]
            if idle:
                child = min(idle, key=lambda child: child.used)
                self._put_away(child)
            else:
                child = max(there, key=lambda child: there[child])
                log.warning("%s takes %.2f GB: ending it.", child.place, there[child] / GB)
                child.kill("The request took more memory than this worker may use.")
            del there[child]


def _need(child: Child) -> int:
    """Guess what a model will take: its weights, and the process around them."""
    return child.weight + _PLAIN


def _taken(child: Child) -> int:
    """Measure what a model takes; as long as it is being loaded, what it will."""
    if child.ready:
        return child.resident() or _need(child)
    return max(child.resident(), _need(child) if child.admitted else _PLAIN)
