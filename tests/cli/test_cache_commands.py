import json

import pytest

import reprise
from tests.scripted_hub import ScriptedHub

CODE = b"def net():\n    'A net.'\n    return 1\n"


@pytest.fixture
def cached(scripted: ScriptedHub) -> dict[str, str]:
    scripted.large.add("w.bin")
    commits = {}
    for repo in ("ada/net", "bob/net"):
        commits[repo] = scripted.commit(repo, {"hubconf.py": CODE, "w.bin": b"w" * 1000})
        reprise.load(repo, "net", trust_repo=True)
    return commits


def listed(cli) -> list[tuple[str, str]]:
    rows = json.loads(cli("cache", "list", "--json").out)
    return [(row["repo"].partition("/")[2], row["commit"]) for row in rows]


def test_list_shows_commits_and_what_they_take(cli, cached) -> None:
    rows = json.loads(cli("cache", "list", "--json").out)
    assert [(row["commit"], row["own_bytes"], row["shared_bytes"]) for row in rows] == [
        (commit, len(CODE), 1000) for commit in cached.values()
    ]
    assert {tuple(row["revisions"]) for row in rows} == {("HEAD",)}


@pytest.mark.usefixtures("cached")
def test_du_counts_shared_weights_apart(cli, client_home) -> None:
    value = json.loads(cli("cache", "du", "--json").out)
    assert value == {
        "folder": str(client_home / "snapshots"),
        "commits": 2,
        "own_bytes": 2 * len(CODE),
        "shared_bytes": 2000,
        "shared_with": str(client_home / "shared"),
    }


def test_clean_removes_one_repo_and_asks_first(cli, cached) -> None:
    assert cli("cache", "clean", "ada/net").code == 2  # nobody can be asked
    assert listed(cli) == list(cached.items())
    assert cli("cache", "clean", "ada/net", "--dry-run").code == 0
    assert listed(cli) == list(cached.items())
    done = cli("cache", "clean", "ada/net", "--yes")
    assert done.err.endswith(f"Freed {len(CODE)} B.\n")
    assert listed(cli) == [("bob/net", cached["bob/net"])]


@pytest.mark.usefixtures("cached")
def test_clean_removes_all_and_leaves_no_empty_folders(cli, client_home) -> None:
    assert cli("cache", "clean", "-y").code == 0
    left = {path.name for path in (client_home / "snapshots").iterdir()}
    assert left == {".locks", "namespaces"}
    assert reprise.load("ada/net", "net") == 1


def test_clean_spares_what_was_used_lately(cli, cached) -> None:
    assert cli("cache", "clean", "--unused", "1", "-y").err == ("Nothing to remove.\nFreed 0 B.\n")
    assert listed(cli) == list(cached.items())


def test_an_empty_cache_is_no_error(cli, client_home) -> None:
    done = cli("cache", "list")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"Nothing is cached in {client_home / 'snapshots'}.\n"
    assert cli("cache", "list", "--json").out == "[]\n"
