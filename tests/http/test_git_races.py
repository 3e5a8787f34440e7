"""Pushes at the same time, and pushes that die halfway."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reprise.base.ids import RepoId, RepoType
from reprise.registry import repos
from reprise.registry.git import refs
from reprise.registry.git.check import check_repo
from reprise.registry.git.history import count
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from tests.factories import Hub, make_repo, make_token, make_user
from tests.git_client import Git, GitFailed, remote
from tests.processes import HubProcess

WRITERS, EACH = 4, 5


def push_until_it_works(git: Git) -> None:
    for _ in range(100):
        try:
            git("push", "-q", "origin", "main")
        except GitFailed:
            git("pull", "-q", "--rebase", "origin", "main")
        else:
            return
    raise AssertionError("never got through")


def write(folder: Path, url: str, name: str) -> None:
    git = Git(folder).clone(url, name)
    for number in range(EACH):
        git.commit(f"{name} {number}", **{f"{name}-{number}": "x"})
        push_until_it_works(git)


def test_pushes_to_one_branch_lose_nothing(hub: Hub, tmp_path: Path) -> None:
    repo = make_repo(hub.registry, "ada/model")
    url = remote(hub, "ada/model")
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write, tmp_path, url, f"w{n}") for n in range(WRITERS)]:
            done.result()
    clone = Git(tmp_path).clone(url, "clone")
    assert clone("rev-list", "--count", "HEAD") == str(WRITERS * EACH + 1)
    assert len(list(clone.folder.glob("w*"))) == WRITERS * EACH
    with hub.registry.db.read() as conn:
        assert check_repo(conn, repo.id) == []


def test_one_of_two_pushes_of_the_same_ref_wins(hub: Hub, tmp_path: Path) -> None:
    make_repo(hub.registry, "ada/model")
    url = remote(hub, "ada/model")
    clones = [Git(tmp_path).clone(url, name) for name in ("one", "two")]
    for clone in clones:
        clone.commit(clone.folder.name, **{clone.folder.name: "x"})
    start = threading.Barrier(2)

    def push(clone: Git) -> bool:
        start.wait()
        try:
            clone("push", "-q", "origin", "main")
        except GitFailed:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(push, clones)) == [False, True]


@pytest.mark.timeout(200)
def test_a_push_that_dies_with_the_hub_leaves_nothing_half(tmp_path: Path) -> None:
    data, rng = tmp_path / "hub", random.Random(3)
    registry = Registry.open(data)
    make_user(registry, "ada")
    token = make_token(registry, "ada")
    repo = make_repo(registry, "ada/model")
    registry.close()
    git = Git(tmp_path).init("source")
    commits = [
        git.commit(f"{number}", **{f"d{number % 20}__{number}": rng.randbytes(2000)})
        for number in range(150)
    ]
    acknowledged = set()
    for attempt in range(6):
        branch = f"try-{attempt}"
        with HubProcess(data) as hub, ThreadPoolExecutor(1) as pool:
            url = f"{hub.url.replace('http://', f'http://ada:{token}@')}/ada/model"
            pushing = pool.submit(git, "push", "-q", url, f"main:{branch}", check=True)
            time.sleep(rng.uniform(0.05, 0.6))
            hub.kill()
            if pushing.exception() is None:
                acknowledged.add(branch)
    registry = Registry.open(data)
    with registry.db.read() as conn:
        assert check_repo(conn, repo.id) == []
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/model"))
        assert found is not None
        there = {ref.short: ref.oid for ref in refs.list_refs(conn, repo.id)}
        assert acknowledged <= there.keys()
        for branch in there.keys() - {"main"}:
            assert count(GitStore(conn, repo.id), there[branch]) == len(commits)
    registry.close()
