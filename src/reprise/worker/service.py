"""A worker at work: ask for jobs, run as many at once as there are slots, end in good order."""

import logging
import threading
import time
import traceback
from collections.abc import Sequence
from functools import partial

from reprise.base.errors import Forbidden, NotFound, RepriseError, Unauthenticated
from reprise.worker.jobs import Job
from reprise.worker.pool import Pool
from reprise.worker.relay import Relay
from reprise.worker.settings import Settings
from reprise.worker.wire import Wire

log = logging.getLogger("reprise.worker")
_ASKING = 3  # polls at once: each brings one job, and takes the hub a moment
_BREATH = 0.1  # seconds before asking again at once
_LAST_WORDS = 3.0  # seconds for answers to go out when the models are gone
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries to reach the hub


class Service:
    """A worker at work.

    Args:
        settings: What it was told.
        tasks: What it can do.
    """

    def __init__(self, settings: Settings, tasks: Sequence[str]) -> None:
        self._settings, self._tasks = settings, tasks
        self._wire = Wire(settings.hub, settings.token)
        self._pool = Pool(settings)
        self._running: dict[str, Relay] = {}
        self._changed = threading.Condition()
        self._ending, self._done = threading.Event(), threading.Event()
        self._worker = ""
        self._registering = threading.Lock()
        self._refused: RepriseError | None = None

    def register(self) -> None:
        """Make the worker known to the hub; waits for a hub that does not answer yet.

        Raises:
            Unauthenticated, Forbidden: The token does not do.
        """
        pause = _FIRST_PAUSE
        while not self._ending.is_set():
            try:
                self._worker = self._wire.register(
                    self._settings.name, self._tasks, self._settings.slots)  # fmt: skip
            except (Unauthenticated, Forbidden):
                raise
            except RepriseError as error:
                log.warning("%s Trying again in %.1f seconds.", error.message, pause)
                self._ending.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                log.info("Registered with %s as %s.", self._wire.url, self._worker)
                return

    def run(self) -> None:
        """Work until `stop`; afterwards running jobs have their time of grace.

        Raises:
            Unauthenticated, Forbidden: The hub takes this worker no longer.
        """
        askers = [threading.Thread(target=self._ask, daemon=True) for _ in range(_ASKING)]
        for asker in askers:
            asker.start()
        self._ending.wait()
        log.info("Ending. Jobs that run have %.0f seconds.", self._settings.grace)
        self._wire.interrupt()
        self._wait_idle(self._settings.grace)
        self._pool.close()  # jobs that still run are told so, and tell their clients
        self._wait_idle(_LAST_WORDS)
        self._done.set()
        self._wire.interrupt()
        if self._refused is not None:
            raise self._refused
        try:
            self._wire.leave(self._worker)
        except RepriseError as error:
            log.debug("%s", error.message)

    def stop(self) -> None:
        """Take no more jobs, finish those that run, and return from `run`."""
        self._ending.set()

    def _wait_idle(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._changed:
            while self._running and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)

    def _ask(self) -> None:
        """Take jobs, one after the other. While the worker ends, only listen who has left."""
        pause = _FIRST_PAUSE
        while not self._done.is_set():
            worker, began = self._worker, time.monotonic()
            try:
                found = self._wire.next(worker, self._pool.loaded(), self._free)
            except NotFound:
                self._again(worker)
                self._done.wait(_BREATH)
            except (Unauthenticated, Forbidden) as error:
                self._refuse(error)
                return
            except RepriseError as error:
                if not self._ending.is_set():
                    log.warning("%s Trying again in %.1f seconds.", error.message, pause)
                    self._ending.wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                else:
                    self._done.wait(_BREATH)
            except Exception:  # noqa: BLE001 - one odd answer must not end all asking
                log.error("Asking for a job went wrong: %s", traceback.format_exc())  # noqa: TRY400
                self._ending.wait(pause)
            else:
                pause = _FIRST_PAUSE
                self._hear(found)
                if not found and time.monotonic() < began + 1:  # a hub that stops does not wait
                    self._done.wait(_BREATH)

    def _hear(self, found: Job | list[str]) -> None:
        with self._changed:
            if isinstance(found, Job):
                answer = partial(self._wire.answer, self._worker, found)
                relay = self._running[found.id] = Relay(found, answer)
                threading.Thread(target=self._do, args=(found, relay), daemon=True).start()
                return
            for job in found:
                if job in self._running:
                    self._running[job].cancel()

    @property
    def _free(self) -> int:
        """Say how many jobs may come while a poll waits.

        The hub knows how many are in our hands and subtracts them itself: a number of now would
        be stale for as long as the poll lasts.
        """
        return 0 if self._ending.is_set() else self._settings.slots

    def _refuse(self, error: RepriseError) -> None:
        self._refused = self._refused or error  # later ones come of ending
        self.stop()

    def _again(self, worker: str) -> None:
        """Register anew: the hub was started again and knows nobody."""
        with self._registering:
            if self._worker != worker or self._ending.is_set():
                return  # another thread has done it
            try:
                self.register()
            except RepriseError as error:
                self._refuse(error)

    def _do(self, job: Job, relay: Relay) -> None:
        began = time.monotonic()
        try:
            relay.run(self._pool)
        except Exception:  # noqa: BLE001 - a job may not take its slot along
            log.error("Job %s went wrong: %s", job.id, traceback.format_exc())  # noqa: TRY400
        finally:
            with self._changed:
                del self._running[job.id]
                self._changed.notify_all()
        log.debug("%s %s on %s: %.2f s", job.kind, job.task, job.place, time.monotonic() - began)
