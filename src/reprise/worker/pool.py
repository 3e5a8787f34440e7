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
        self._changed = threading.Condition()
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def loaded(self) -> list[str]:
        """Name the models that are there, `owner/name@commit`."""
        with self._changed:
            return [place for place, child in self._children.items() if child.ready]

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
        child = self._child(job)
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

    def _child(self, job: Job) -> Child:
        with self._changed:
            child = self._children.get(job.place)
            if child is None or child.lost:
                log.info("Starting %s.", job.place)
                child = self._children[job.place] = Child(job, self._settings)
            child.busy += 1
            child.used = time.monotonic()
            return child

    def _wait_found(self, child: Child, until: float) -> None:
        while not child.found:
            if child.failure is not None:
                raise Unloadable(child.failure[1], child.failure[0])
            if child.lost:
                raise NotAnswered(child.lost, hint="Try again.", retry_after=1)
            left = until - time.monotonic()
            if left <= 0:
                raise NotAnswered(f"{child.place} is still being fetched.",
                                  hint="Try again in a moment.", retry_after=_AGAIN)  # fmt: skip
            child.changed.wait(min(left, _LOOK))
            child.changed.clear()

    def _admit(self, child: Child, until: float) -> None:
        """Make room for a model and let it load, once."""
        with self._changed:
            while not child.admitted and not child.lost:
                if self._make_room(child):
                    child.admit()
                    return
                left = until - time.monotonic()
                if left <= 0:
                    raise NotAnswered(
                        "The worker's memory is taken by models that are at work.",
                        hint="Try again in a moment, or start another worker.", retry_after=_AGAIN,
                    )  # fmt: skip
                self._changed.wait(min(left, _LOOK))

    def _make_room(self, child: Child) -> bool:
        """Put models away until a new one fits; False while those in the way are at work."""
        need, budget = _need(child), self._settings.memory
        others = [other for other in self._alive() if other is not child]
        while sum(map(_taken, others)) + need > budget:
            idle = [other for other in others if not other.busy]
            if not idle:
                if others:
                    return False
                raise NotAnswered(
                    f"{child.place} needs {need / GB:.2f} GB; this worker may take "
                    f"{budget / GB:.2f} GB.", hint="Start a worker with a larger --memory.",
                )  # fmt: skip
            self._put_away(min(idle, key=lambda other: other.used))
            others = [other for other in self._alive() if other is not child]
        return True

    def _alive(self) -> list[Child]:
        return [child for child in self._children.values() if not child.lost]

    def _put_away(self, child: Child) -> None:
        log.info("Putting %s away: it was used longest ago.", child.place)
        del self._children[child.place]
        child.close()

    def _watch(self) -> None:
        """Look at what processes really take: it grows with their work."""
        while not self._closed.wait(_LOOK):
            with self._changed:
                for place in [p for p, child in self._children.items() if child.lost]:
                    del self._children[place]
                self._keep_within(self._settings.memory)

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
    return child.resident() if child.ready else max(child.resident(), _need(child))
