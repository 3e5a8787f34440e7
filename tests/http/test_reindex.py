"""Repos that are older than manifests become searchable, without a push."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import delete, select, update

from reprise.base.lru import Lru
from reprise.registry import card_backlog, cards, manifest_backlog, manifests
from reprise.registry.db.schema import entry_point, manifest, manifest_due, repo, repo_tag
from reprise.registry.registry import Registry
from reprise.server.indexing import Indexer
from tests.committing import commit
from tests.factories import make_repo, make_user

CARD = b"---\nlicense: mit\n---\n# Net\n\nAs in https://arxiv.org/abs/1512.03385v1.\n"
NET = b"def net():\n    'A net.'\n"


@pytest.fixture
def old(registry: Registry) -> Registry:
    """A hub as it was before manifests: three model repos, two of them with entry points."""
    make_user(registry, "ada")
    for name, files in (("net", {"hubconf.py": NET}), ("zoo", {"hubconf.py": NET}),
                        ("bare", {"lib/hubconf.py": NET})):  # fmt: skip
        make_repo(registry, f"ada/{name}")
        commit(registry, f"ada/{name}", files)
    make_repo(registry, "ada/rows", "dataset")
    commit(registry, "ada/rows", {"hubconf.py": NET}, repo_type="dataset")
    forget(registry)
    return registry


def forget(registry: Registry) -> None:
    """Take back what an older version did not know: manifests, and the papers of cards."""
    with registry.db.write() as conn:
        conn.execute(delete(repo_tag))
        conn.execute(update(repo).values(described_by=0))
        for table in (manifest_due, manifest, entry_point):
            conn.execute(delete(table))


def note(registry: Registry, *, everything: bool = False) -> int:
    with registry.db.write() as conn:
        return manifest_backlog.note(conn, now=registry.clock(), everything=everything)


def searchable(registry: Registry) -> list[str]:
    with registry.db.read() as conn:
        return [*conn.execute(select(entry_point.c.name)).scalars()]


def test_repos_that_nobody_read_are_noted_once(old: Registry) -> None:
    assert (note(old), note(old)) == (2, 0)
    assert manifests.catch_up(old) == 2
    assert (note(old), searchable(old)) == (0, ["net", "net"])


def test_manifests_of_an_older_form_are_read_again(old: Registry) -> None:
    note(old)
    manifests.catch_up(old)
    with old.db.write() as conn:
        conn.execute(update(manifest).values(body='{"version":0}'))
    assert (note(old), manifests.catch_up(old), note(old)) == (2, 2, 0)
    with old.db.read() as conn:
        bodies = [json.loads(body) for body in conn.execute(select(manifest.c.body)).scalars()]
    assert [body["entry_points"][0]["name"] for body in bodies] == ["net", "net"]


def test_everything_is_read_again_when_asked_for(old: Registry) -> None:
    note(old)
    manifests.catch_up(old)
    with old.db.write() as conn:
        conn.execute(delete(entry_point))
    assert (note(old), searchable(old)) == (0, [])
    assert (note(old, everything=True), manifests.catch_up(old)) == (2, 2)
    assert searchable(old) == ["net", "net"]


def test_an_indexer_that_is_started_finds_them_and_one_that_is_woken_does_not(old) -> None:
    indexer = Indexer(old, Lru(1000, lambda _: 1))
    indexer.wake()
    assert (indexer.wait(60), searchable(old)) == (True, [])
    indexer.start()
    assert (indexer.wait(60), searchable(old)) == (True, ["net", "net"])


def tags(registry: Registry) -> set[str]:
    with registry.db.read() as conn:
        return {*conn.execute(select(repo_tag.c.tag)).scalars()}


def test_cards_that_an_older_version_read_are_read_once_more(registry: Registry) -> None:
    make_user(registry, "ada")
    make_repo(registry, "ada/net")
    commit(registry, "ada/net", {"README.md": CARD})
    make_repo(registry, "ada/empty")
    assert card_backlog.catch_up(registry) == 0
    before = tags(registry)
    assert {"arxiv:1512.03385", "license:mit"} <= before
    forget(registry)
    assert (card_backlog.catch_up(registry), tags(registry)) == (2, before)
    assert (card_backlog.catch_up(registry), card_backlog.catch_up(registry, everything=True)) == (
        0, 2)  # fmt: skip


def test_a_repo_that_cannot_be_described_does_not_stop_the_others(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user(registry, "ada")
    for name in ("broken", "net"):
        make_repo(registry, f"ada/{name}")
        commit(registry, f"ada/{name}", {"README.md": CARD})
    forget(registry)
    refresh = cards.refresh

    def fail_for_one(conn, of, tip, **options):
        if of.repo_id.name == "broken":
            raise KeyError("an object is gone")
        return refresh(conn, of, tip, **options)

    monkeypatch.setattr(cards, "refresh", fail_for_one)
    assert (card_backlog.catch_up(registry), card_backlog.catch_up(registry)) == (2, 0)
    assert "license:mit" in tags(registry)


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "reprise", *args]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as an older hub left it."""
    registry = Registry.open(tmp_path / "data")
    make_user(registry, "ada")
    make_repo(registry, "ada/net")
    commit(registry, "ada/net", {"hubconf.py": NET, "README.md": CARD})
    forget(registry)
    registry.close()
    return tmp_path / "data"


def test_reindex_reads_what_is_due_and_all_on_request(data: Path) -> None:
    told = [
        subprocess.run(
            command("reindex", "--data", str(data), "--json", *more),
            capture_output=True, check=True, text=True,
        ).stdout
        for more in ([], [], ["--all"])
    ]  # fmt: skip
    assert [json.loads(text) for text in told] == [
        {"repos": 1, "cards": 1, "claims": 1}, {"repos": 0, "cards": 0, "claims": 0},
        {"repos": 1, "cards": 1, "claims": 1},
    ]  # fmt: skip


def test_a_hub_that_starts_makes_them_searchable(data: Path) -> None:
    serving = subprocess.Popen(
        command("serve", "--data", str(data), "--port", "0"), text=True, env=os.environ,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        deadline, found = time.monotonic() + 60, []
        papers: list[dict[str, str]] = []
        while not (found and papers) and time.monotonic() < deadline:
            found = httpx2.get(f"{url}/api/entry-points", params={"search": "net"}).json()
            papers = httpx2.get(f"{url}/api/papers").json()
        serving.send_signal(signal.SIGTERM)
    assert [it["id"] for it in found] == ["ada/net"]
    assert [it["id"] for it in papers] == ["1512.03385"]
