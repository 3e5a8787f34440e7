"""Between callers and workers: takes jobs on, hands them out, notices who is gone.

Everything here runs in the event loop, so nothing is locked and no thread is held while a job
waits. What is in it is lost with the process: callers try again.
"""

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from reprise.base.errors import (
    AlreadyExists,
    AnsweredTooLate,
    NotAnswered,
    NotFound,
    NotSupported,
    RepriseError,
    TooManyRequests,
)
from reprise.server.inference.answers import ClientGone, Head
from reprise.server.inference.counters import Counters
from reprise.server.inference.jobs import Asked, Job
from reprise.server.inference.line import Line
from reprise.server.inference.settings import Settings
from reprise.server.inference.workers import Handed, Offer, Poll, Worker

START = "Start one: reprise worker --hub URL (see docs/guides/inference.md)."
_TRIES = 2  # workers that a job is given to, one after the other
_LONGEST_WAIT = 30  # seconds that a caller is told to wait at most
_FIRST_GUESS = 1.0  # seconds that a job takes, before any did

# Starts a worker when a job comes and there is none; tells whether one is coming.
OnDemand = Callable[[], bool]


class Dispatch:
    """The jobs and workers of one hub."""

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self.settings = settings
        self.on_demand: OnDemand = lambda: False
        self._line = Line()
        self._workers: dict[str, Worker] = {}
        self._polls: list[Poll] = []
        self._usual = _FIRST_GUESS  # seconds that a job takes, a moving average
        self._closed = False
        self._count = Counters(registry)
        self._count.gauge("waiting", "Jobs in line.", lambda: len(self._line))
        self._count.gauge("running", "Jobs in workers' hands.", self._running)
        self._count.gauge("workers", "Workers that are connected.", lambda: len(self._workers))

    # -- callers

    @property
    def workers(self) -> list[Worker]:
        """The workers that are alive."""
        return list(self._workers.values())

    @property
    def waiting(self) -> int:
        """How many jobs stand in line."""
        return len(self._line)

    @property
    def idle(self) -> int:
        """How many workers wait for a job."""
        return sum(poll.offer.free > 0 and poll.worker.room > 0 for poll in self._polls)

    def check_room(self, caller: str = "") -> None:
        """Refuse what could not wait here anyway.

        Raises:
            TooManyRequests: The line is full, or the caller's share of it.
        """
        if len(self._line) >= self.settings.queue:
            self._refuse(f"{len(self._line)} requests are waiting; the hub takes no more.")
        if caller and self._line.of(caller) >= self.settings.share:
            self._refuse(f"{self._line.of(caller)} of your requests are waiting already.")

    def submit(self, asked: Asked) -> Job:
        """Take a job on.

        Raises:
            TooManyRequests: There is no room.
            NotSupported: There are workers, but none for this task.
            NotAnswered: The hub is stopping.
        """
        self._check_task(asked.task)
        self.check_room(asked.caller)
        if self._closed:
            raise NotAnswered("The hub is stopping.", retry_after=5)
        now, loop = _now(), asyncio.get_running_loop()
        job = Job(asked, now, now + self.settings.deadline)
        self._line.add(job)
        job.timers.append(loop.call_at(job.deadline, self._expire, job))
        self._call_for_workers([job])
        self._hand_out(job)
        return job

    def leave(self, job: Job) -> None:
        """Say that a job's client has its answer, or went away."""
        job.stop_timers()
        self._line.remove(job)
        if not job.answer.over:
            job.answer.leave()
            self._tell(job.holder)

    def count(self, job: Job, outcome: str) -> None:
        """Count what became of a job."""
        self._count.jobs.labels(job.asked.kind.value, outcome).inc()
        self._count.took.observe(_now() - job.since)

    # -- workers

    def register(self, worker: Worker) -> None:
        """Welcome a worker.

        Raises:
            TooManyRequests: There are too many.
        """
        if len(self._workers) >= self.settings.workers:
            raise TooManyRequests(f"{len(self._workers)} workers are connected already.")
        self._workers[worker.id] = worker
        self._watch(worker, self.settings.silence)
        for job in list(self._line):
            if not any(it.can(job.asked.task) for it in self._workers.values()):
                self._fail(job, _unknown(job.asked.task))

    def find(self, worker_id: str, owner: str) -> Worker:
        """Find a worker by its id, for whoever registered it.

        Raises:
            NotFound: There is none, it was lost, or it is somebody else's.
        """
        worker = self._workers.get(worker_id)
        if worker is None or worker.owner != owner:
            raise NotFound("This hub does not know the worker (any more); register again.")
        return worker

    async def next(self, worker: Worker, offer: Offer) -> Handed:
        """Wait for something to do, for as long as a poll lasts."""
        for job_id in offer.dropped:
            self._drop(worker, job_id)
        poll = Poll(worker, offer, asyncio.get_running_loop().create_future())
        self._polls.append(poll)
        try:
            self._serve(poll)
            await asyncio.wait([poll.handed], timeout=0 if self._closed else self.settings.poll)
            return poll.handed.result() if poll.handed.done() else Handed()
        except asyncio.CancelledError:
            if poll.handed.done() and (job := poll.handed.result().job) is not None:
                self.put_back(worker, job)
            raise
        finally:
            self._polls.remove(poll)

    def put_back(self, worker: Worker, job: Job) -> None:
        """Take a job from a worker that never got it."""
        if worker.jobs.pop(job.id, None) is not None:
            job.tries -= 1
            self._again(job)

    def begin(self, worker: Worker, job_id: str, head: Head) -> Job:
        """Let a worker answer a job it has.

        Raises:
            NotFound: It has no such job.
            AlreadyExists: It is answering already.
            ClientGone: Nobody waits for the answer any more.
        """
        job = worker.jobs.get(job_id)
        if job is None:
            raise NotFound("This job is not yours to answer.")
        if job.answer.unwanted:
            self.finish(worker, job_id)
            raise ClientGone
        if job.answer.begun:
            raise AlreadyExists("This job is being answered already.")
        job.stop_timers()
        job.answer.begin(head)
        return job

    def finish(self, worker: Worker, job_id: str) -> None:
        """Take note that a worker is done with a job, in whatever way."""
        job = worker.jobs.pop(job_id, None)
        if job is None:
            return
        worker.told.discard(job_id)
        if job.answer.begun:
            self._usual += 0.1 * (_now() - job.given - self._usual)
        for poll in list(self._polls):
            if poll.worker is worker:
                self._serve(poll)

    def opened(self, worker: Worker) -> None:
        """Take note of a request of a worker."""
        worker.open, worker.broken = worker.open + 1, False
        if worker.watch is not None:
            worker.watch.cancel()
            worker.watch = None

    def closed(self, worker: Worker, *, broken: bool) -> None:
        """Take note of a request's end; after some silence the worker is lost."""
        worker.open, worker.broken = worker.open - 1, worker.broken or broken
        if not worker.open:
            settings = self.settings
            self._watch(worker, settings.broken if worker.broken else settings.silence)

    def lose(self, worker: Worker) -> None:
        """Forget a worker. What it had goes to another, as far as nobody saw an answer begin."""
        if self._workers.pop(worker.id, None) is None:
            return
        if worker.watch is not None:
            worker.watch.cancel()
        for poll in self._polls:
            if poll.worker is worker and not poll.handed.done():
                poll.handed.set_result(Handed())
        jobs = list(worker.jobs.values())
        worker.jobs.clear()
        for job in jobs:
            self._again(job)
        self._call_for_workers(list(self._line))

    def close(self) -> None:
        """Stop: answer whoever waits."""
        self._closed = True
        for job in list(self._line):
            self._fail(job, NotAnswered("The hub is stopping.", retry_after=5))
        for poll in self._polls:
            if not poll.handed.done():
                poll.handed.set_result(Handed())

    # -- inside

    def _running(self) -> int:
        return sum(len(worker.jobs) for worker in list(self._workers.values()))

    def _refuse(self, message: str) -> None:
        slots = sum(worker.slots for worker in self._workers.values()) or 1
        seconds = round(self._usual * len(self._line) / slots)
        raise TooManyRequests(
            f"{message} Try again in a moment.", retry_after=min(max(seconds, 1), _LONGEST_WAIT)
        )

    def _check_task(self, task: str | None) -> None:
        if self._workers and not any(worker.can(task) for worker in self._workers.values()):
            raise _unknown(task)

    def _hand_out(self, job: Job) -> None:
        """Give a job in line to a worker that waits, best to one that has the model."""
        polls = [poll for poll in self._polls if poll.takes(job)]
        if not polls:
            return
        best = max(polls, key=lambda it: (job.asked.model in it.offer.loaded, it.worker.room))
        if self._line.remove(job):
            best.handed.set_result(Handed(self._given(job, best.worker)))

    def _serve(self, poll: Poll) -> None:
        """Give a worker that asks what there is for it."""
        self._tell(poll.worker.id)
        if poll.handed.done() or self._closed:
            return
        job = self._line.take(poll.takes, lambda it: it.asked.model in poll.offer.loaded)
        if job is not None:
            poll.handed.set_result(Handed(self._given(job, poll.worker)))

    def _given(self, job: Job, worker: Worker) -> Job:
        job.holder, job.given, job.tries = worker.id, _now(), job.tries + 1
        worker.jobs[job.id] = job
        self._count.waited.observe(_now() - job.since)
        return job

    def _tell(self, worker_id: str) -> None:
        """Tell a worker that listens which of its jobs nobody waits for any more."""
        for poll in self._polls:
            listens = poll.worker.id == worker_id and poll.offer.cancels
            if listens and not poll.handed.done() and (untold := poll.worker.untold):
                poll.handed.set_result(Handed(cancelled=tuple(untold)))
                poll.worker.told.update(untold)

    def _drop(self, worker: Worker, job_id: str) -> None:
        job = worker.jobs.get(job_id)
        if job is not None and job.answer.unwanted:
            self.finish(worker, job_id)

    def _again(self, job: Job) -> None:
        """Find another worker for a job whose worker is gone, if its client saw nothing yet."""
        job.holder = ""
        if job.answer.over:
            return
        able = any(worker.can(job.asked.task) for worker in self._workers.values())
        over = job.answer.begun or job.tries >= _TRIES or self._closed
        if over or not (able or self.on_demand()):
            self._fail(job, NotAnswered("The worker was lost. Try again.", retry_after=2))
            return
        self._line.add_first(job)
        self._hand_out(job)

    def _expire(self, job: Job) -> None:
        seconds = f"{self.settings.deadline:g} seconds"
        if not self._line.remove(job):
            message = f"The model did not answer within {seconds}; it may still be loading."
            self._fail(job, AnsweredTooLate(message, retry_after=5))
        elif self._workers:
            message = f"No worker was free for {seconds}. Try again, or start another one."
            self._fail(job, NotAnswered(message, retry_after=10))
        else:
            self._fail(job, NotAnswered(f"No worker came. {START}", retry_after=10))

    def _call_for_workers(self, jobs: list[Job]) -> None:
        """Start a worker where there is none, and do not let jobs wait long for nobody."""
        if self._workers or not jobs or self._closed:
            return
        self.on_demand()
        grace = min(self.settings.grace, self.settings.deadline)
        loop = asyncio.get_running_loop()
        for job in jobs:
            job.timers.append(loop.call_later(grace, self._give_up, job))

    def _give_up(self, job: Job) -> None:
        if not self._workers and not self.on_demand() and self._line.remove(job):
            message = f"No worker is connected to this hub. {START}"
            self._fail(job, NotAnswered(message, retry_after=10))

    def _fail(self, job: Job, error: RepriseError) -> None:
        self._line.remove(job)
        job.answer.fail(error)
        self._tell(job.holder)

    def _watch(self, worker: Worker, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        worker.watch = loop.call_later(seconds, self.lose, worker)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _unknown(task: str | None) -> NotSupported:
    return NotSupported(f"No worker of this hub runs the task {task!r}.")
