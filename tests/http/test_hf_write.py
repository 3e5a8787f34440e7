"""Writing files over the Hub API: the unmodified client, and requests by hand."""

import io
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    hf_hub_download,
)
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RemoteEntryNotFoundError

from reprise.registry.git import refs, trees
from reprise.registry.git.objects import EXECUTABLE, FILE, Kind, encode_commit
from reprise.registry.git.store import GitStore
from tests.committing import body, commit, line, put, put_large, store_large
from tests.factories import Hub, make_org, make_repo, make_token, make_user

# The client uploads file objects in a way that its HTTP library wants spelt otherwise.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
COMMIT = "/api/models/ada/bert/commit/main"


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Ada, with a repo of hers."""
    make_repo(hub.registry, "ada/bert")
    return hub.client(hub.token)


def read(client: httpx2.Client, path: str, revision: str = "main") -> bytes:
    answer = client.get(f"/ada/bert/resolve/{revision}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.content


def files(hub: Hub, revision: str = "main") -> set[str]:
    return set(hub.api().list_repo_files("ada/bert", revision=revision)) - {".gitattributes"}


# -- commits, by the client -----------------------------------------------------------------


def test_one_commit_adds_copies_and_deletes(hub: Hub, client: httpx2.Client) -> None:
    weights = io.BytesIO(b"w" * 5000)
    hub.api().create_commit(
        "ada/bert",
        [CommitOperationAdd("old.txt", b"old"), CommitOperationAdd("dir/x.bin", weights)],
        commit_message="First",
    )
    info = hub.api().create_commit(
        "ada/bert",
        [
            CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n# Hi\n"),
            CommitOperationCopy("dir/x.bin", "copy.bin"),
            CommitOperationCopy("old.txt", "copy.txt"),
            CommitOperationDelete("old.txt"),
            CommitOperationDelete("dir/"),
        ],
        commit_message="Second",
        commit_description="All at once.",
    )
    assert files(hub) == {"README.md", "copy.bin", "copy.txt"}
    assert (read(client, "copy.bin"), read(client, "copy.txt")) == (b"w" * 5000, b"old")
    tip, *_ = hub.api().list_repo_commits("ada/bert")
    assert (tip.commit_id, tip.title, tip.message, tip.authors) == (
        info.oid,
        "Second",
        "All at once.",
        ["ada"],
    )
    assert info.commit_url == f"{hub.url}/ada/bert/commit/{info.oid}"
    assert hub.api().model_info("ada/bert").card_data.license == "mit"


def test_unchanged_files_make_no_commit(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {"a.txt": b"a"}, {"b.bin": b"b" * 3000})
    before = hub.api().list_repo_commits("ada/bert")[0].commit_id
    info = hub.api().create_commit(
        "ada/bert",
        [CommitOperationAdd("a.txt", b"a"), CommitOperationAdd("b.bin", io.BytesIO(b"b" * 3000))],
        commit_message="Nothing new",
    )
    assert info.oid == before
    again = client.post(COMMIT, content=body(put("a.txt", b"a")))
    assert again.json()["commitOid"] == before


@pytest.mark.usefixtures("client")
def test_a_folder_uploads_with_ignore_rules(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "logs").mkdir(parents=True)
    for name in (".gitignore", "keep.txt", "drop.tmp", "logs/x.txt"):
        (folder / name).write_text("*.tmp\nlogs/\n")
    hub.api().upload_folder(repo_id="ada/bert", folder_path=folder)
    assert files(hub) == {".gitignore", "keep.txt"}
    hub.api().upload_file(path_or_fileobj=b"x", path_in_repo="later.tmp", repo_id="ada/bert")
    assert files(hub) == {".gitignore", "keep.txt"}


@pytest.mark.usefixtures("client")
def test_deleting_what_is_not_there_says_so(hub: Hub) -> None:
    commit(hub.registry, "ada/bert", {"dir/x.txt": b"x"})
    with pytest.raises(RemoteEntryNotFoundError, match="differentiate file and folder paths"):
        hub.api().delete_file("dir", "ada/bert")
    with pytest.raises(RemoteEntryNotFoundError, match="A file with this name doesn't exist"):
        hub.api().delete_folder("nope", "ada/bert")
    hub.api().delete_folder("dir", "ada/bert")
    assert files(hub) == set()


@pytest.mark.usefixtures("client")
def test_a_stale_parent_is_refused(hub: Hub) -> None:
    old = hub.api().list_repo_commits("ada/bert")[0].commit_id
    fresh = [CommitOperationAdd("a.txt", b"a")]
    hub.api().create_commit("ada/bert", fresh, commit_message="x", parent_commit=old)
    late = [CommitOperationAdd("b.txt", b"b")]
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as error:
        hub.api().create_commit("ada/bert", late, commit_message="x", parent_commit=old)
    assert error.value.response.status_code == 412
    assert files(hub) == {"a.txt"}


def test_commits_go_to_the_branch_that_is_named(hub: Hub, client: httpx2.Client) -> None:
    hub.api().create_branch("ada/bert", branch="dev/x")
    hub.api().upload_file(
        path_or_fileobj=b"d", path_in_repo="d.txt", repo_id="ada/bert", revision="dev/x"
    )
    assert (files(hub), files(hub, "dev/x")) == (set(), {"d.txt"})
    answer = client.post("/api/models/ada/bert/commit/nope", content=body(put("a", b"")))
    assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RevisionNotFound")


def test_writers_at_the_same_time_all_succeed(hub: Hub, client: httpx2.Client) -> None:
    def write(number: int) -> int:
        with httpx2.Client(base_url=hub.url, headers=client.headers, timeout=60) as own:
            return own.post(COMMIT, content=body(put(f"{number}.txt", b"x"))).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {200}
    assert len(files(hub)) == 40
    assert len(hub.api().list_repo_commits("ada/bert")) == 41


@pytest.mark.usefixtures("hub")
def test_a_body_over_a_hundred_megabytes_passes(client: httpx2.Client) -> None:
    content = random.Random(7).randbytes(9 << 20)
    lines = [put(f"{number}.dat", content[number:]) for number in range(12)]
    answer = client.post(COMMIT, content=body(*lines))
    assert answer.status_code == 200, answer.text
    assert read(client, "11.dat") == content[11:]


# -- commits, by hand -----------------------------------------------------------------------


@pytest.mark.usefixtures("hub")
def test_files_may_be_plain_text(client: httpx2.Client) -> None:
    answer = client.post(COMMIT, content=body(line("file", path="a.txt", content="ü\n")))
    assert answer.json()["success"] is True
    assert read(client, "a.txt") == "ü\n".encode()


def test_files_move_with_their_content(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {"a.txt": b"a"}, {"b.bin": b"b" * 2000})
    moves = (
        line("file", path="x/a.txt", oldPath="a.txt"),
        line("lfsFile", path="x/b.bin", oldPath="b.bin"),
    )
    assert client.post(COMMIT, content=body(*moves)).status_code == 200
    assert files(hub) == {"x/a.txt", "x/b.bin"}
    assert read(client, "x/b.bin") == b"b" * 2000


def test_a_folder_gives_way_to_a_file_and_back(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {"x/a": b"1", "x/b": b"2"})
    gone = line("deletedFolder", path="x/")
    assert client.post(COMMIT, content=body(gone, put("x", b"file"))).status_code == 200
    assert files(hub) == {"x"}
    back = client.post(COMMIT, content=body(put("x/c", b"3"), line("deletedFile", path="x")))
    assert back.status_code == 200
    assert files(hub) == {"x/c"}
    clash = client.post(COMMIT, content=body(put("x/c/d", b"4")))
    assert (clash.status_code, files(hub)) == (400, {"x/c"})


def test_everything_can_be_deleted(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {"a": b"1", "b/c": b"2"})
    answer = client.post(COMMIT, content=body(line("deletedFolder", path="/"), put("new", b"n")))
    assert answer.status_code == 200
    assert hub.api().list_repo_files("ada/bert") == ["new"]


def test_large_files_are_tracked_for_clones(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {}, {"odd.xyz": b"x" * 3000, "w.safetensors": b"w" * 3000})
    lines = read(client, ".gitattributes").decode().splitlines()
    assert lines[-1] == "/odd.xyz filter=lfs diff=lfs merge=lfs -text"
    assert sum("safetensors" in it for it in lines) == 1
    many = {f"shard-{number}.zzz": b"%d" % number * 500 for number in range(25)}
    commit(hub.registry, "ada/bert", {}, many)
    assert read(client, ".gitattributes").decode().splitlines()[-1].startswith("*.zzz filter=lfs")


@pytest.mark.usefixtures("client")
def test_executable_files_stay_executable(hub: Hub) -> None:
    commit(hub.registry, "ada/bert", {"run.sh": b"#!/bin/sh\n"})
    with hub.registry.db.write() as conn:
        store, main = GitStore(conn, 1), "refs/heads/main"
        tip = refs.read(conn, 1, main)
        found = store.read_commit(tip)
        entry = trees.find(store, found.tree, "run.sh")
        changed = trees.apply_changes(
            store, found.tree, {"run.sh": trees.Put(EXECUTABLE, entry.oid)}
        )
        new = store.write(Kind.COMMIT, encode_commit(replace(found, tree=changed, parents=(tip,))))
        refs.move(conn, 1, main, old=tip, new=new)
    commit(hub.registry, "ada/bert", {"run.sh": b"#!/bin/bash\n", "data": b"x"})
    with hub.registry.db.read() as conn:
        store = GitStore(conn, 1)
        tree = store.read_commit(refs.read(conn, 1, "refs/heads/main")).tree
        modes = {entry.name: entry.mode for entry in store.read_tree(tree)}
    assert modes == {".gitattributes": FILE, "run.sh": EXECUTABLE, "data": FILE}


def test_what_a_repo_says_follows_its_files(hub: Hub, client: httpx2.Client) -> None:
    def tags() -> set[str]:
        answer = client.get("/api/models/ada/bert").json()
        return set(answer["tags"]) & {"safetensors", "license:mit", "bert"}

    commit(hub.registry, "ada/bert", {"notes.txt": b"1"}, {"sub/m.safetensors": b"w" * 3000})
    assert tags() == {"safetensors"}
    commit(hub.registry, "ada/bert", {"README.md": b"---\nlicense: mit\n---\n"})
    commit(hub.registry, "ada/bert", {"config.json": b'{"model_type": "bert"}', "notes.txt": b"2"})
    assert tags() == {"safetensors", "license:mit", "bert"}
    commit(hub.registry, "ada/bert", {"config.json": b"{}"}, {}, line("deletedFolder", path="sub/"))
    assert tags() == {"license:mit"}
    assert client.get("/api/models/ada/bert").json()["usedStorage"] == sum(
        it.size
        for it in hub.api().list_repo_tree("ada/bert", recursive=True)
        if hasattr(it, "size")
    )


def test_broken_cards_are_refused(hub: Hub, client: httpx2.Client) -> None:
    for bad in (b"---\nlicense: [\n---\n", b"---\n- a list\n---\n", b"\xff\xfe"):
        answer = client.post(COMMIT, content=body(put("README.md", bad)))
        assert answer.status_code == 400, bad
        assert "README.md" in answer.json()["error"]
    assert files(hub) == set()


def test_files_over_the_limit_must_go_as_large_files(hub: Hub, client: httpx2.Client) -> None:
    over = b"x" * (hub.registry.limits.regular_file + 1)
    answer = client.post(COMMIT, content=body(put("big.txt", over)))
    assert (answer.status_code, "Xet or LFS" in answer.json()["error"]) == (413, True)
    at_limit = client.post(COMMIT, content=body(put("big.txt", over[:-1])))
    assert at_limit.status_code == 200


@pytest.mark.usefixtures("client")
def test_who_may_commit(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    make_org(hub.registry, "lab", ada="write", bob="read")
    make_repo(hub.registry, "ada/secret", private=True)
    bob, reader = make_token(hub.registry, "bob"), make_token(hub.registry, "ada", "read")
    scoped = make_token(
        hub.registry, "ada", "fine-grained", scopes={"model/ada/bert": "write"}, name="bert only"
    )
    expected = {
        (hub.token, "ada/bert"): 200,
        (scoped, "ada/bert"): 200,
        (scoped, "ada/secret"): 404,
        (reader, "ada/bert"): 403,
        (bob, "ada/bert"): 403,
        (bob, "ada/secret"): 404,
        (None, "ada/bert"): 401,
        (None, "ada/secret"): 404,
    }
    found = {}
    for token, repo in expected:
        url = f"/api/models/{repo}/commit/main"
        found[token, repo] = hub.client(token).post(url, content=body(put("a", b"a"))).status_code
    assert found == expected


# -- preupload ------------------------------------------------------------------------------


def preupload(client: httpx2.Client, *planned: dict, **rules: str) -> dict[str, dict]:
    request = {"files": [{"sample": "", "size": 10, **it} for it in planned], **rules}
    answer = client.post("/api/models/ada/bert/preupload/main", json=request)
    assert answer.status_code == 200, answer.text
    return {it.pop("path"): it for it in answer.json()["files"]}


def test_attributes_size_and_bytes_choose_how_files_travel(client: httpx2.Client) -> None:
    binary = "AAECAwQ="  # starts with a NUL
    advice = preupload(
        client,
        {"path": "a.txt"},
        {"path": "a.safetensors"},
        {"path": "empty.bin", "size": 0},
        {"path": "big.txt", "size": 11 << 20},
        {"path": "small.dat", "sample": binary, "size": 1000},
        {"path": "large.dat", "sample": binary, "size": 2 << 20},
        {"path": "sub/saved_model/x", "sample": ""},
    )
    modes = {path: it["uploadMode"] for path, it in advice.items()}
    assert modes == {
        "a.txt": "regular",
        "a.safetensors": "lfs",
        "empty.bin": "regular",
        "big.txt": "lfs",
        "small.dat": "regular",
        "large.dat": "lfs",
        "sub/saved_model/x": "regular",
    }
    assert all(it["shouldIgnore"] is False for it in advice.values())


def test_the_repos_own_rules_count(hub: Hub, client: httpx2.Client) -> None:
    rules = {".gitattributes": b"*.txt filter=lfs\n", ".gitignore": b"*.log\n"}
    commit(hub.registry, "ada/bert", rules)
    advice = preupload(client, {"path": "a.txt"}, {"path": "a.bin"}, {"path": "x/a.log"})
    assert [it["uploadMode"] for it in advice.values()] == ["lfs", "regular", "regular"]
    assert [it["shouldIgnore"] for it in advice.values()] == [False, False, True]


def test_rules_that_come_along_count_instead(client: httpx2.Client) -> None:
    advice = preupload(
        client,
        {"path": "a.bin"},
        {"path": "b.txt"},
        gitAttributes="*.txt filter=lfs\n",
        gitIgnore="*.bin\n",
    )
    assert advice["a.bin"] == {"uploadMode": "regular", "shouldIgnore": True}
    assert advice["b.txt"] == {"uploadMode": "lfs", "shouldIgnore": False}


def test_preupload_names_what_is_there(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {"a.txt": b"a"}, {"b.bin": b"b" * 2000})
    advice = preupload(client, {"path": "a.txt"}, {"path": "b.bin"}, {"path": "c.txt"})
    listed = {it.path: it for it in hub.api().list_repo_tree("ada/bert")}
    assert advice["a.txt"]["oid"] == listed["a.txt"].blob_id
    assert advice["b.bin"]["oid"] == listed["b.bin"].lfs.sha256
    assert "oid" not in advice["c.txt"]


# -- large files without LFS ----------------------------------------------------------------


def test_large_files_must_have_been_uploaded_to_this_repo(hub: Hub, client: httpx2.Client) -> None:
    secret = b"secret weights" * 300
    store_large(hub.registry, make_repo(hub.registry, "ada/secret", private=True), secret)
    answer = client.post(COMMIT, content=body(put_large("x.bin", secret)))
    assert (answer.status_code, "not uploaded to this repo" in answer.json()["error"]) == (
        400,
        True,
    )
    assert files(hub) == set()


def test_a_wrong_size_is_refused(hub: Hub, client: httpx2.Client) -> None:
    commit(hub.registry, "ada/bert", {}, {"a.bin": b"a" * 2000})
    wrong = json.loads(put_large("b.bin", b"a" * 2000))
    wrong["value"]["size"] = 1999
    answer = client.post(COMMIT, content=body(json.dumps(wrong).encode()))
    assert answer.status_code == 400
    assert files(hub) == {"a.bin"}


@pytest.mark.usefixtures("client")
def test_the_client_sees_the_servers_reason(hub: Hub) -> None:
    commit(hub.registry, "ada/bert", {"x": b"1"})
    with pytest.raises(BadRequestError, match="is a file, not a folder"):
        hub.api().upload_file(path_or_fileobj=b"2", path_in_repo="x/y", repo_id="ada/bert")


@pytest.mark.usefixtures("client")
def test_uploads_of_every_kind_read_back(hub: Hub, tmp_path: Path) -> None:
    chance = random.Random(3)
    contents = {
        "text.txt": b"plain\r\n",
        "zeros.bin": bytes(3 << 20),
        "noise.safetensors": chance.randbytes(3 << 20),
        "tiny.bin": b"\x00",
    }
    operations = [CommitOperationAdd(name, content) for name, content in contents.items()]
    hub.api().create_commit("ada/bert", operations, commit_message="All kinds")
    for name, content in contents.items():
        path = hf_hub_download("ada/bert", name, endpoint=hub.url, cache_dir=tmp_path)
        assert Path(path).read_bytes() == content, name
