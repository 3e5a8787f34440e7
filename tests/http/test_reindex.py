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

from reprise.registry import manifest_backlog, manifests
from reprise.registry.db.schema import entry_point, manifest, manifest_due
from reprise.registry.registry import Registry
from reprise.server.indexing import Indexer
from tests.committing import commit
from tests.factories import make_repo, make_user

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
    with registry.db.write() as conn:
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
    indexer = Indexer(old)
    indexer.wake()
    assert (indexer.wait(60), searchable(old)) == (True, [])
    indexer.start()
    assert (indexer.wait(60), searchable(old)) == (True, ["net", "net"])


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "reprise", *args]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as an older hub left it."""
    registry = Registry.open(tmp_path / "data")
    make_user(registry, "ada")
    make_repo(registry, "ada/net")
    commit(registry, "ada/net", {"hubconf.py": NET})
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
    assert [json.loads(text) for text in told] == [{"repos": 1}, {"repos": 0}, {"repos": 1}]


def test_a_hub_that_starts_makes_them_searchable(data: Path) -> None:
    serving = subprocess.Popen(
        command("serve", "--data", str(data), "--port", "0"), text=True, env=os.environ,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().strip()
        deadline, found = time.monotonic() + 60, []
        while not found and time.monotonic() < deadline:
            found = httpx2.get(f"{url}/api/entry-points", params={"search": "net"}).json()
        serving.send_signal(signal.SIGTERM)
    assert [it["id"] for it in found] == ["ada/net"]
