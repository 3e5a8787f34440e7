"""Between callers and workers: who counts as lost, and what becomes of the jobs they had."""

import asyncio

from prometheus_client import CollectorRegistry

from reprise.base.errors import RepriseError
from reprise.server.inference.dispatch import Dispatch
from reprise.server.inference.jobs import Asked, Job, Kind
from reprise.server.inference.settings import Settings
from reprise.server.inference.workers import Offer, Worker

ASKED = Asked(Kind.TASK, "fill-mask", "ada/bert", "0" * 40, "ada", b"{}")


def dispatch() -> Dispatch:
    return Dispatch(Settings(broken=0.01, grace=0.01), CollectorRegistry())


def worker(name: str = "w") -> Worker:
    return Worker("token", name, frozenset(), slots=2)


async def failure(job: Job) -> int:
    """The status with which a job fails."""
    try:
        await job.answer.head()
    except RepriseError as error:
        return error.status
    return 200


def test_a_worker_is_lost_soon_after_one_of_its_connections_broke() -> None:
    async def play() -> list[Worker]:
        hub, lost = dispatch(), worker()
        hub.register(lost)
        hub.opened(lost)
        hub.opened(lost)
        hub.closed(lost, broken=True)
        hub.closed(lost, broken=False)  # the other one happened to end well
        await asyncio.sleep(0.1)
        return hub.workers

    assert asyncio.run(play()) == []


def test_a_worker_that_asks_again_is_not_lost() -> None:
    async def play() -> int:
        hub, found = dispatch(), worker()
        hub.register(found)
        hub.opened(found)
        hub.closed(found, broken=True)
        hub.opened(found)
        hub.closed(found, broken=False)
        await asyncio.sleep(0.1)
        return len(hub.workers)

    assert asyncio.run(play()) == 1


def test_a_lost_workers_job_waits_for_the_one_that_is_started_instead() -> None:
    async def play() -> tuple[list[str], int]:
        hub, first, second, started = dispatch(), worker("first"), worker("second"), []
        hub.on_demand = lambda: bool(started.append("again") or True)
        hub.register(first)
        job = hub.submit(ASKED)
        assert (await hub.next(first, Offer())).job is job
        hub.lose(first)
        hub.register(second)
        assert (await hub.next(second, Offer())).job is job
        hub.lose(second)  # nobody gets a job that two workers were lost with
        return started, await failure(job)

    started, status = asyncio.run(play())
    assert (set(started), status) == ({"again"}, 503)


def test_jobs_do_not_wait_where_nobody_is_coming() -> None:
    async def play() -> int:
        hub = dispatch()
        return await failure(hub.submit(ASKED))

    assert asyncio.run(play()) == 503
