"""Workers as the hub knows them: what they can do, what they hold, whether they are alive."""

import secrets
from asyncio import Future, TimerHandle
from collections.abc import Sequence
from dataclasses import dataclass, field

from reprise.server.inference.jobs import Job


@dataclass(eq=False)
class Worker:
    """One worker."""

    owner: str  # the token that registered it
    name: str
    tasks: frozenset[str]  # empty: any
    slots: int  # jobs that it takes at the same time
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    jobs: dict[str, Job] = field(default_factory=dict)  # in its hands
    told: set[str] = field(default_factory=set)  # of those, the ones it knows nobody waits for
    open: int = 0  # requests of it that are under way
    broken: bool = False  # one of them broke off since the last one began
    watch: TimerHandle | None = None  # runs while none is

    def can(self, task: str | None) -> bool:
        """Tell whether it does a kind of work."""
        return task is None or not self.tasks or task in self.tasks

    @property
    def untold(self) -> list[str]:
        """Jobs in its hands that nobody waits for any more, as far as it does not know."""
        jobs = self.jobs.items()
        return [id_ for id_, job in jobs if job.answer.unwanted and id_ not in self.told]

    @property
    def room(self) -> int:
        """How many more jobs it may be given."""
        return self.slots - len(self.jobs)


@dataclass(frozen=True)
class Offer:
    """What a worker says when it asks for a job."""

    loaded: frozenset[str] = frozenset()  # `owner/name@commit`
    free: int = 1
    cancels: bool = False  # it wants to hear of jobs whose clients left
    dropped: Sequence[str] = ()  # jobs that it stopped working on


@dataclass(frozen=True)
class Handed:
    """What it gets: a job, or the numbers of jobs to stop, or neither."""

    job: Job | None = None
    cancelled: tuple[str, ...] = ()


@dataclass(eq=False)
class Poll:
    """A worker that waits for a job."""

    worker: Worker
    offer: Offer
    handed: "Future[Handed]"

    def takes(self, job: Job) -> bool:
        """Tell whether a job could be handed out here, now."""
        room = min(self.offer.free, self.worker.room)
        return not self.handed.done() and room > 0 and self.worker.can(job.asked.task)
