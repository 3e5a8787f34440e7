"""Branches, tags, history and squashing, by the unmodified client."""

import pytest
from huggingface_hub.errors import (
    BadRequestError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user


@pytest.fixture
def tip(hub: Hub) -> str:
    """A repo with two commits; the second one's id."""
    make_repo(hub.registry, "ada/bert")
    return commit(hub.registry, "ada/bert", {"a.txt": b"a"})


def test_branches_and_tags_are_listed(hub: Hub, tip: str) -> None:
    api = hub.api()
    first = api.list_repo_commits("ada/bert")[1].commit_id
    api.create_branch("ada/bert", branch="dev/x")
    api.create_branch("ada/bert", branch="old", revision=first)
    api.create_branch("ada/bert", branch="refs/convert/parquet")
    api.create_tag("ada/bert", tag="v1")
    api.create_tag("ada/bert", tag="v0", revision=first, tag_message="The beginning")
    refs = api.list_repo_refs("ada/bert", include_pull_requests=True)
    assert [(it.name, it.ref, it.target_commit) for it in refs.branches] == [
        ("dev/x", "refs/heads/dev/x", tip),
        ("main", "refs/heads/main", tip),
        ("old", "refs/heads/old", first),
    ]
    assert [(it.name, it.target_commit) for it in refs.tags] == [("v0", first), ("v1", tip)]
    assert [(it.name, it.ref) for it in refs.converts] == [("parquet", "refs/convert/parquet")]
    assert refs.pull_requests == []


@pytest.mark.usefixtures("tip")
def test_texts_that_clients_match(hub: Hub) -> None:
    api = hub.api()
    api.create_branch("ada/bert", branch="dev")
    api.create_tag("ada/bert", tag="v1")
    again, absent = {"branch": "dev"}, {"branch": "x", "revision": "nope"}
    cases = [
        (lambda: api.create_branch("ada/bert", **again), "Reference refs/heads/dev already exists"),
        (lambda: api.create_tag("ada/bert", tag="v1"), "Reference refs/tags/v1 already exists"),
        (lambda: api.create_branch("ada/bert", branch="refs/pr/5"), "Invalid reference for a bran"),
        (lambda: api.delete_branch("ada/bert", branch="main"), "Cannot delete refs/heads/main"),
        (lambda: api.create_branch("ada/bert", **absent), "Invalid rev id: nope"),
        (lambda: api.super_squash_history("ada/bert", branch="nope"), "Invalid rev id: nope"),
    ]  # fmt: skip
    statuses = []
    for act, text in cases:
        with pytest.raises(HfHubHTTPError, match=text) as error:
            act()
        statuses.append(error.value.response.status_code)
    assert statuses == [409, 409, 400, 403, 404, 404]


@pytest.mark.usefixtures("tip")
def test_exist_ok_and_absent_things(hub: Hub) -> None:
    api = hub.api()
    api.create_branch("ada/bert", branch="dev")
    api.create_branch("ada/bert", branch="dev", exist_ok=True)
    api.create_tag("ada/bert", tag="v1")
    api.create_tag("ada/bert", tag="v1", exist_ok=True)
    api.delete_tag("ada/bert", tag="v1")
    api.delete_branch("ada/bert", branch="dev")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag("ada/bert", tag="v1")
    with pytest.raises(HfHubHTTPError):
        api.delete_branch("ada/bert", branch="dev")
    with pytest.raises(BadRequestError):
        api.create_tag("ada/bert", tag="bad name")
    assert api.revision_exists("ada/bert", "main")
    assert not api.revision_exists("ada/bert", "dev")


def test_history_is_listed_newest_first(hub: Hub, tip: str) -> None:
    commits = hub.api().list_repo_commits("ada/bert", formatted=True)
    assert [(it.title, it.authors) for it in commits] == [
        ("Change files", ["ada"]),
        ("initial commit", ["ada"]),
    ]
    assert (commits[0].commit_id, commits[0].formatted_title) == (tip, "Change files")
    with pytest.raises(RevisionNotFoundError):
        hub.api().list_repo_commits("ada/bert", revision="nope")
    with pytest.raises(RepositoryNotFoundError):
        hub.api().list_repo_commits("ada/nope")


@pytest.mark.usefixtures("tip")
def test_long_histories_come_in_pages(hub: Hub) -> None:
    expected = [commit(hub.registry, "ada/bert", {"n": b"%d" % number}) for number in range(250)]
    found = [it.commit_id for it in hub.api().list_repo_commits("ada/bert")]
    assert found[:250] == expected[::-1]
    assert len(found) == 252


def test_squashing_keeps_the_files_and_drops_the_history(hub: Hub, tip: str) -> None:
    commit(hub.registry, "ada/bert", {"b.txt": b"b"})
    hub.api().super_squash_history("ada/bert", commit_message="All in one")
    commits = hub.api().list_repo_commits("ada/bert")
    assert [it.title for it in commits] == ["All in one"]
    assert set(hub.api().list_repo_files("ada/bert")) == {".gitattributes", "a.txt", "b.txt"}
    items = hub.api().list_repo_tree("ada/bert", expand=True)
    assert {it.last_commit.oid for it in items} == {commits[0].commit_id} != {tip}


def test_only_writers_change_refs(hub: Hub, tip: str) -> None:
    make_user(hub.registry, "bob")
    calls = [
        ("POST", "branch/x", {}),
        ("DELETE", "branch/x", None),
        ("POST", "tag/main", {"tag": "v1"}),
        ("DELETE", "tag/v1", None),
        ("POST", "super-squash/main", {}),
    ]
    for token, status in ((None, 401), (make_token(hub.registry, "bob"), 403)):
        client = hub.client(token)
        for method, path, json in calls:
            answer = client.request(method, f"/api/models/ada/bert/{path}", json=json)
            assert answer.status_code == status, path
    assert hub.api().list_repo_commits("ada/bert")[0].commit_id == tip


def test_large_files_are_listed_and_removed_for_good(hub: Hub, tip: str) -> None:
    api, weights = hub.api(), {"sub/w.bin": b"w" * 3000, "keep.bin": b"k" * 2000}
    commit(hub.registry, "ada/bert", {}, weights)
    api.create_tag("ada/bert", tag="v1", tag_message="Annotated")
    commit(hub.registry, "ada/bert", {"later.txt": b"x"})
    found = {it.filename: it for it in api.list_lfs_files("ada/bert")}
    assert {name: it.size for name, it in found.items()} == {"sub/w.bin": 3000, "keep.bin": 2000}
    api.permanently_delete_lfs_files("ada/bert", [found["sub/w.bin"]])
    for revision in ("main", "v1"):
        files = set(api.list_repo_files("ada/bert", revision=revision))
        assert files - {"later.txt"} == {".gitattributes", "a.txt", "keep.bin"}
    commits = api.list_repo_commits("ada/bert")
    assert [it.title for it in commits] == ["Change files"] * 3 + ["initial commit"]
    assert commits[2].commit_id == tip, "what never held the file keeps its id"
    assert [it.filename for it in api.list_lfs_files("ada/bert")] == ["keep.bin"]


@pytest.mark.usefixtures("tip")
def test_large_files_can_go_without_rewriting_history(hub: Hub) -> None:
    api, client = hub.api(), hub.client()
    at = commit(hub.registry, "ada/bert", {}, {"w.bin": b"w" * 3000})
    api.permanently_delete_lfs_files(
        "ada/bert", list(api.list_lfs_files("ada/bert")), rewrite_history=False
    )
    assert api.list_repo_commits("ada/bert")[0].commit_id == at
    answer = client.get("/ada/bert/resolve/main/w.bin")
    assert (answer.status_code, "never uploaded" in answer.text) == (404, True)


@pytest.mark.usefixtures("tip")
def test_malformed_removals_are_refused(hub: Hub) -> None:
    client, url = hub.client(hub.token), "/api/models/ada/bert/lfs-files/batch"
    for bad in ({}, {"deletions": {}}, {"deletions": {"sha": ["x"]}}, {"deletions": {"sha": 5}}):
        assert client.post(url, json=bad).status_code == 400, bad
    assert client.get("/api/models/ada/bert/lfs-files?cursor=x").status_code == 400
    assert hub.client().get("/api/models/ada/bert/lfs-files").status_code == 401
