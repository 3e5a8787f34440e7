"""Models under a budget of memory: who goes, who stays, who waits, and what callers are told."""

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from reprise.base.errors import NotAnswered
from reprise.worker import pool as pools
from reprise.worker.jobs import Job
from reprise.worker.pool import Pool, Unloadable
from reprise.worker.settings import Settings

MB = 10**6
FAR, PAST = 60.0, -1.0


class ScriptedChild:
    """A process that has found its files, and takes as much memory as its name says."""

    made: ClassVar[list[str]] = []
    failing: ClassVar[tuple[int, str] | None] = None

    def __init__(self, job: Job, _settings: Settings) -> None:
        self.place, self.weight = job.place, int(job.repo.rpartition("-")[2]) * MB
        self.found, self.admitted, self.ready = self.failing is None, False, False
        self.failure, self.lost, self.busy, self.used = self.failing, "", 0, 0.0
        self.started = time.monotonic()
        self.made.append(job.repo)
        self.changed, self.why = threading.Event(), ""

    def resident(self) -> int:
        return self.weight if self.ready else 0

    def admit(self) -> None:
        self.admitted = self.ready = True

    def kill(self, why: str) -> None:
        self.lost = self.why = why

    def close(self) -> None:
        self.kill("closed")


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    monkeypatch.setattr(pools, "Child", ScriptedChild)
    monkeypatch.setattr(pools, "_LOOK", 0.01)
    monkeypatch.setattr(pools, "_PLAIN", 0)
    ScriptedChild.made, ScriptedChild.failing = [], None
    made = Pool(Settings(hub="", token="", memory=100 * MB))
    yield made
    made.close()


def job(repo: str) -> Job:
    return Job("1", "task", "fill-mask", f"ada/{repo}", "c" * 40)


def borrow(pool: Pool, repo: str, seconds: float = FAR) -> Any:
    return pool.model(job(repo), time.monotonic() + seconds)


def names(pool: Pool) -> list[str]:
    return [place.partition("@")[0] for place in pool.loaded()]


def test_what_was_used_longest_ago_goes_first(pool: Pool) -> None:
    for repo in ("a-40", "b-40", "a-40", "c-40"):
        with borrow(pool, repo):
            pass
    assert names(pool) == ["ada/a-40", "ada/c-40"]
    assert ScriptedChild.made == ["ada/a-40", "ada/b-40", "ada/c-40"]


def test_nobody_at_work_is_put_away(pool: Pool) -> None:
    with borrow(pool, "a-60"):
        with (
            pytest.raises(NotAnswered, match="taken by models that are at work"),
            borrow(pool, "b-60", 0.05),
        ):
            pass
        assert names(pool) == ["ada/a-60"]
    with borrow(pool, "b-60"):
        assert names(pool) == ["ada/b-60"]


def test_who_waits_comes_when_there_is_room(pool: Pool) -> None:
    done = []

    def other() -> None:
        with borrow(pool, "b-60"):
            done.append(names(pool))

    with borrow(pool, "a-60"):
        waiting = threading.Thread(target=other)
        waiting.start()
    waiting.join(30)
    assert done == [["ada/b-60"]]


def test_what_never_fits_is_said_at_once(pool: Pool) -> None:
    told = r"needs 0\.12 GB; this worker may take 0\.10 GB"
    with pytest.raises(NotAnswered, match=told), borrow(pool, "a-120"):
        pass


def test_work_that_takes_too_much_is_ended(pool: Pool) -> None:
    with borrow(pool, "a-30"), borrow(pool, "b-40") as large:
        large.weight = 90 * MB
        while not large.lost:
            time.sleep(0.01)
        assert large.why == "The request took more memory than this worker may use."
        assert names(pool) == ["ada/a-30"]
    with borrow(pool, "b-40") as again:
        assert again is not large


def test_what_cannot_be_had_is_not_tried_again_at_once(pool: Pool) -> None:
    ScriptedChild.failing = (404, "There is no such repo.")
    for _ in range(2):
        with pytest.raises(Unloadable, match="no such repo") as error, borrow(pool, "a-1"):
            pass
        assert error.value.answer == 404
    assert ScriptedChild.made == ["ada/a-1"]


def test_a_model_that_takes_long_to_find_is_still_looked_for(pool: Pool) -> None:
    ScriptedChild.failing = None
    with borrow(pool, "a-1") as child:
        child.found = False
        with pytest.raises(NotAnswered, match="is still being fetched"), borrow(pool, "a-1", PAST):
            pass
        assert not child.lost
