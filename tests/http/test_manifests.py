"""Manifests and entry points over the API, read after commits and pushes."""

import time

import httpx2
import pytest
from sqlalchemy import select

from reprise.hub.manifest import from_json, names
from reprise.registry import manifests
from reprise.registry.db.schema import manifest_due
from tests.committing import body, commit, line, put
from tests.factories import Hub, make_repo, make_token, make_user

HUBCONF = b'''
dependencies = ["numpy"]


def greeter(greeting: str = "Hello"):
    """Make a greeter.

    More words.
    """
    return greeting


def _hidden():
    pass
'''
GREETER = {
    "id": "ada/net", "name": "greeter", "kind": "function",
    "signature": "(greeting: str = 'Hello')", "summary": "Make a greeter.",
}  # fmt: skip


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """ada, who has a model repo with nothing in it."""
    make_repo(hub.registry, "ada/net")
    return hub.client(hub.token)


def found(client: httpx2.Client, search: str = "") -> list[dict]:
    answer = client.get("/api/entry-points", params={"search": search})
    assert answer.status_code == 200, answer.text
    return answer.json()


def due(hub: Hub) -> list[int]:
    with hub.registry.db.read() as conn:
        return list(conn.execute(select(manifest_due.c.repo_id)).scalars())


def test_a_commit_over_the_api_makes_its_entry_points_searchable(hub: Hub, client) -> None:
    sent = client.post("/api/models/ada/net/commit/main", content=body(put("hubconf.py", HUBCONF)))
    assert sent.status_code == 200, sent.text
    deadline = time.monotonic() + 60
    while due(hub) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found(client, "GREET make") == [GREETER]


def test_a_manifest_is_served_for_a_branch_and_kept_for_its_commit(hub: Hub, client) -> None:
    sha = commit(hub.registry, "ada/net", {"hubconf.py": HUBCONF})
    assert manifests.catch_up(hub.registry) == 1
    answer = client.get("/api/models/ada/net/entry-points/main").json()
    assert (answer["id"], answer["sha"]) == ("ada/net", sha)
    manifest = from_json(answer)
    assert names(manifest) == ("greeter",)
    assert [item.distribution for item in manifest.dependencies] == ["numpy"]
    assert client.get(f"/api/models/ada/net/entry-points/{sha}").json() == answer


def test_an_old_commit_has_a_manifest_too(hub: Hub, client) -> None:
    old = commit(hub.registry, "ada/net", {"hubconf.py": HUBCONF})
    commit(hub.registry, "ada/net", {"hubconf.py": b"def other():\n    pass\n"})
    manifests.catch_up(hub.registry)
    answer = client.get(f"/api/models/ada/net/entry-points/{old}").json()
    assert names(from_json(answer)) == ("greeter",)
    assert [it["name"] for it in found(client)] == ["other"]


def test_entry_points_leave_the_search_with_their_file(hub: Hub, client) -> None:
    commit(hub.registry, "ada/net", {"hubconf.py": HUBCONF})
    manifests.catch_up(hub.registry)
    commit(hub.registry, "ada/net", {}, {}, line("deletedFile", path="hubconf.py"))
    assert (due(hub), found(client)) == ([], [])


def test_a_repo_without_hubconf_is_never_due(hub: Hub, client) -> None:
    commit(hub.registry, "ada/net", {"x.py": b"1"})
    assert due(hub) == []
    answer = client.get("/api/models/ada/net/entry-points/main").json()
    assert (answer["flags"], answer["entry_points"]) == (["no-hubconf"], [])


def test_other_branches_do_not_change_the_search(hub: Hub, client) -> None:
    client.post("/api/models/ada/net/branch/dev", json={})
    commit(hub.registry, "ada/net", {"hubconf.py": HUBCONF}, ref="refs/heads/dev")
    assert due(hub) == []
    answer = client.get("/api/models/ada/net/entry-points/dev").json()
    assert names(from_json(answer)) == ("greeter",)


def test_private_entry_points_are_found_by_their_owner_alone(hub: Hub, client) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    commit(hub.registry, "ada/secret", {"hubconf.py": HUBCONF})
    manifests.catch_up(hub.registry)
    make_user(hub.registry, "bob")
    others = hub.client(make_token(hub.registry, "bob"))
    assert [it["id"] for it in found(client)] == ["ada/secret"]
    assert (found(others), found(hub.client())) == ([], [])
    assert others.get("/api/models/ada/secret/entry-points/main").status_code == 404


def test_a_file_that_cannot_be_parsed_is_a_problem_not_an_error(hub: Hub, client) -> None:
    commit(hub.registry, "ada/net", {"hubconf.py": b"def (:\n"})
    assert manifests.catch_up(hub.registry) == 1
    answer = client.get("/api/models/ada/net/entry-points/main").json()
    assert [(it["file"], it["line"]) for it in answer["problems"]] == [("hubconf.py", 1)]


def test_half_characters_in_docstrings_are_served_and_indexed(hub: Hub, client) -> None:
    commit(hub.registry, "ada/net", {"hubconf.py": b'def f():\n    "A\\ud800B\\0C"\n'})
    manifests.catch_up(hub.registry)
    assert [it["summary"] for it in found(client)] == ["A?B\ufffdC"]
    answer = client.get("/api/models/ada/net/entry-points/main")
    assert answer.json()["entry_points"][0]["doc"] == "A\ud800B\0C"


@pytest.mark.parametrize("query", [
    "limit=x", "limit=-1", "limit=99999", "search=" + "a" * 201, "search=%00",
    "search=" + "a+" * 21,
])  # fmt: skip
def test_a_search_that_cannot_be_run_is_refused(client, query: str) -> None:
    answer = client.get(f"/api/entry-points?{query}")
    assert answer.status_code == 400, answer.text
