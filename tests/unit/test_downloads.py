"""Downloads are counted in memory and written in batches."""

from pathlib import Path

import httpx2

from reprise.registry import repos
from reprise.registry.access import Repo
from reprise.registry.downloads import FLUSH_EVERY, WINDOW, Downloads
from reprise.registry.registry import Registry
from tests.factories import make_repo, make_user
from tests.processes import HubProcess


def counted(registry: Registry, repo: Repo) -> int:
    with registry.db.read() as conn:
        found = repos.by_number(conn, repo.id)
    assert found is not None
    return found.downloads


def test_one_caller_counts_once_within_the_window() -> None:
    counts = Downloads()
    assert counts.note(1, "ada", now=FLUSH_EVERY) is True
    for _ in range(5):
        counts.note(1, "ada", now=FLUSH_EVERY)
        counts.note(1, "bob", now=FLUSH_EVERY + WINDOW - 1)
    counts.note(2, "ada", now=FLUSH_EVERY)
    counts.note(1, "ada", now=FLUSH_EVERY + WINDOW)
    assert counts._counts == {1: 3, 2: 1}


def test_counts_are_added_to_what_is_there(registry: Registry) -> None:
    make_user(registry, "ada")
    repo, counts = make_repo(registry, "ada/bert"), Downloads()
    for who in ("ada", "bob"):
        counts.note(repo.id, who, now=registry.clock())
    counts.flush(registry)
    counts.note(repo.id, "eve", now=registry.clock())
    assert counts.note(repo.id, "eve", now=registry.clock()) is False, "written a moment ago"
    counts.flush(registry)
    counts.flush(registry)
    assert counted(registry, repo) == 3


def test_callers_of_the_past_are_forgotten() -> None:
    counts = Downloads()
    for number in range(1000):
        counts.note(1, f"caller {number}", now=number * WINDOW)
    assert len(counts._seen) <= 2


def test_a_hub_that_stops_writes_its_counts(tmp_path: Path) -> None:
    data = tmp_path / "hub"
    registry = Registry.open(data)
    make_user(registry, "ada")
    first, second = (make_repo(registry, f"ada/{name}") for name in ("one", "two"))
    registry.close()
    with HubProcess(data) as hub:
        for name in ("one", "two"):
            headers = {"X-HF-Download-Counter": "1"}
            answer = httpx2.get(
                f"{hub.url}/ada/{name}/resolve/main/.gitattributes", headers=headers
            )
            assert answer.status_code == 200
    registry = Registry.open(data)
    assert (counted(registry, first), counted(registry, second)) == (1, 1)
    registry.close()
