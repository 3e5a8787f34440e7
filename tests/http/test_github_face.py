"""What torch.hub asks of GitHub, asked by hand: probe, archives, branches, tags, mirror."""

import hashlib
import io
import os
import stat
import subprocess
import zipfile
from pathlib import Path

import httpx2
import pytest

from reprise.base.ids import RepoId, RepoType
from reprise.registry import mirror, repos
from reprise.registry.git import refs, trees
from reprise.registry.git.objects import (
    EXECUTABLE,
    FILE,
    SUBMODULE,
    SYMLINK,
    Commit,
    Kind,
    Signature,
    encode_commit,
)
from reprise.registry.git.store import GitStore
from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user

WEIGHTS = os.urandom(700_000)
FILES = {
    "hubconf.py": b"def net():\n    'A net.'\n",
    "b/deep/x.txt": b"x",
    "b-a.txt": b"",
    "é": b"e",
}


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Anybody, and a public repo of ada's."""
    make_repo(hub.registry, "ada/net")
    commit(hub.registry, "ada/net", FILES)
    return hub.client()


def tip(hub: Hub, revision: str = "main", repo: str = "ada/net") -> str:
    with hub.registry.db.read() as conn:
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse(repo))
        return refs.resolve(conn, found, revision).hex()


def unzipped(answer: httpx2.Response) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    return zipfile.ZipFile(io.BytesIO(answer.content))


def put_special_files(hub: Hub) -> str:
    """A commit with a program, a symlink, a submodule and a large file, through the registry."""
    commit(hub.registry, "ada/net", {}, {"weights.bin": WEIGHTS})
    old = bytes.fromhex(tip(hub))
    with hub.registry.db.write() as conn:
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/net"))
        store = GitStore(conn, found.id)
        program, link = (store.write(Kind.BLOB, body) for body in (b"#!/bin/sh\n", b"b-a.txt"))
        changes = {
            "run.sh": trees.Put(EXECUTABLE, program),
            "link": trees.Put(SYMLINK, link),
            "sub": trees.Put(SUBMODULE, old),
        }
        tree = trees.apply_changes(store, store.read_commit(old).tree, changes)
        who = Signature.at("Ada", "ada@example.org", 1_700_000_001_000_000)
        body = Commit(tree, (old,), who, who, "Special files")
        new = store.write(Kind.COMMIT, encode_commit(body))
        refs.move(conn, found.id, "refs/heads/special", old=None, new=new)
    return new.hex()


# -- probe ----------------------------------------------------------------------------------


def test_the_probe_tells_which_branches_exist(client: httpx2.Client) -> None:
    probes = [client.get(f"/github/ada/net/tree/{ref}/").status_code for ref in ("main", "master")]
    assert probes == [200, 404]


def test_errors_look_like_those_of_github(client: httpx2.Client) -> None:
    for path in ("ada/none/tree/main/", "ada/net/zipball/none", "api/repos/ada/none/tags"):
        answer = client.get(f"/github/{path}")
        assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")


def test_a_repo_of_another_type_is_not_found(hub: Hub) -> None:
    make_repo(hub.registry, "ada/rows", "dataset")
    assert hub.client().get("/github/ada/rows/zipball/main").status_code == 404


# -- archives -------------------------------------------------------------------------------


def test_an_archive_holds_the_files_in_one_folder(hub: Hub, client: httpx2.Client) -> None:
    answer = client.get("/github/ada/net/zipball/main")
    root = f"ada-net-{tip(hub)}/"
    archive = unzipped(answer)
    assert archive.namelist()[0] == root
    found = {it.filename.removeprefix(root): archive.read(it) for it in archive.infolist()
             if not it.is_dir()}  # fmt: skip
    assert {path: found[path] for path in FILES} == FILES
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert archive.comment.decode() == tip(hub)


def test_an_archive_is_the_same_every_time(hub: Hub, client: httpx2.Client) -> None:
    whole = [client.get(f"/github/ada/net/zipball/{ref}") for ref in ("main", tip(hub), "")]
    assert len({answer.content for answer in whole}) == 1
    assert len({answer.headers["ETag"] for answer in whole}) == 1


def test_an_archive_that_is_known_is_not_sent_again(client: httpx2.Client) -> None:
    head = client.head("/github/ada/net/zipball/main")
    known = {"If-None-Match": head.headers["ETag"]}
    again = client.get("/github/ada/net/zipball/main", headers=known)
    assert (head.content, again.status_code, again.content) == (b"", 304, b"")


def test_modes_links_and_large_files_are_in_the_archive(hub: Hub, client: httpx2.Client) -> None:
    new = put_special_files(hub)
    answer = client.get(f"/github/ada/net/zipball/{new[:10]}")
    archive, root = unzipped(answer), f"ada-net-{new}/"
    modes = {it.filename.removeprefix(root): it.external_attr >> 16 for it in archive.infolist()}
    assert archive.testzip() is None
    assert archive.read(f"{root}weights.bin") == WEIGHTS
    assert archive.read(f"{root}link") == b"b-a.txt"
    assert (stat.S_ISLNK(modes["link"]), modes["run.sh"], modes["é"]) == (True, 0o100755, 0o100644)
    assert modes["sub/"] == 0o040755
    assert {it.date_time for it in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_file_uploaded_by_chunks_is_in_the_archive(hub: Hub, client: httpx2.Client) -> None:
    hub.api().upload_file(path_or_fileobj=WEIGHTS, path_in_repo="w.bin", repo_id="ada/net")
    archive = unzipped(client.get("/github/ada/net/zipball/main"))
    assert archive.read(f"ada-net-{tip(hub)}/w.bin") == WEIGHTS


def test_the_unpacked_archive_is_the_commits_tree(
    hub: Hub, client: httpx2.Client, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(client.get("/github/ada/net/zipball/main").content)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / f"ada-net-{tip(hub)}"
    git(folder, "init", "-q")
    git(folder, "add", "-A", "-f")
    with hub.registry.db.read() as conn:
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/net"))
        tree = GitStore(conn, found.id).read_commit(bytes.fromhex(tip(hub))).tree.hex()
    assert git(folder, "write-tree").strip() == tree


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_an_archive_without_a_large_files_content_is_refused(hub: Hub) -> None:
    make_repo(hub.registry, "ada/lost")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n"
    with hub.registry.db.write() as conn:
        found = repos.lookup(conn, RepoType.MODEL, RepoId.parse("ada/lost"))
        old = refs.read(conn, found.id, "refs/heads/main")
        store = GitStore(conn, found.id)
        put = trees.Put(FILE, store.write(Kind.BLOB, pointer.encode()))
        tree = trees.apply_changes(store, store.read_commit(old).tree, {"w.bin": put})
        who = Signature.at("Ada", "ada@example.org", 0)
        new = store.write(Kind.COMMIT, encode_commit(Commit(tree, (old,), who, who, "Lost")))
        refs.move(conn, found.id, "refs/heads/lost", old=None, new=new)
    answer = hub.client().get("/github/ada/lost/zipball/lost")
    assert answer.status_code == 404
    assert "was never uploaded" in answer.json()["detail"]


# -- branches and tags ----------------------------------------------------------------------


def names(client: httpx2.Client, what: str, **query: object) -> list[str]:
    answer = client.get(f"/github/api/repos/ada/net/{what}", params=query)
    assert answer.status_code == 200, answer.text
    return [it["name"] for it in answer.json()]


def test_branches_come_in_pages_until_an_empty_one(hub: Hub, client: httpx2.Client) -> None:
    for branch in ("dev", "feature/x"):
        hub.api().create_branch("ada/net", branch=branch)
    pages = [names(client, "branches", per_page=2, page=page) for page in (1, 2, 3)]
    assert pages == [["dev", "feature/x"], ["main"], []]
    assert client.get("/github/ada/net/zipball/feature/x").status_code == 200


def test_tags_are_followed_by_the_commits_of_the_default_branch(
    hub: Hub, client: httpx2.Client
) -> None:
    old = tip(hub)
    new = commit(hub.registry, "ada/net", {"more": b"more"})
    hub.api().create_tag("ada/net", tag="v1", revision=old)
    hub.api().create_tag("ada/net", tag="v2", tag_message="annotated")
    first = hub.api().list_repo_commits("ada/net")[-1].commit_id
    pages = [client.get("/github/api/repos/ada/net/tags", params={"per_page": 2, "page": page})
             for page in (1, 2, 3, 4)]  # fmt: skip
    found = [(it["name"], it["commit"]["sha"]) for page in pages for it in page.json()]
    assert found[:2] == [("v1", old), ("v2", new)]
    assert sorted(found[2:]) == sorted((oid, oid) for oid in (new, old, first))
    assert pages[3].json() == []


def test_commits_of_other_branches_are_not_listed(hub: Hub, client: httpx2.Client) -> None:
    new = put_special_files(hub)
    assert new not in names(client, "tags", per_page=100)


# -- private repos --------------------------------------------------------------------------


def test_a_private_repo_needs_an_access_token_in_githubs_spelling(hub: Hub) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    anybody, paths = hub.client(), ("ada/secret/zipball/main", "api/repos/ada/secret/branches")
    make_user(hub.registry, "eve")
    for path in paths:
        for scheme in ("token", "Bearer"):
            with_token = anybody.get(
                f"/github/{path}", headers={"Authorization": f"{scheme} {hub.token}"}
            )
            assert with_token.status_code == 200
        eve = {"Authorization": f"token {make_token(hub.registry, 'eve', name=path)}"}
        assert anybody.get(f"/github/{path}", headers=eve).status_code == 404
        assert anybody.get(f"/github/{path}").status_code == 404


def test_an_unknown_access_token_is_bad_credentials(client: httpx2.Client) -> None:
    headers = {"Authorization": "token ghp_123"}
    answer = client.get("/github/api/repos/ada/net/tags", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")


def test_a_gated_repo_keeps_its_archive_from_strangers(hub: Hub, client: httpx2.Client) -> None:
    hub.api().update_repo_settings("ada/net", gated="manual")
    assert client.get("/github/ada/net/tree/main/").status_code == 200
    assert client.get("/github/ada/net/zipball/main").status_code == 403
    assert hub.client(hub.token).get("/github/ada/net/zipball/main").status_code == 200


def test_a_moved_repo_is_found_under_its_new_name(hub: Hub, client: httpx2.Client) -> None:
    hub.api().move_repo("ada/net", "ada/web")
    answer = client.get("/github/ada/net/zipball/main")
    assert (answer.status_code, answer.headers["Location"]) == (307, "/github/ada/web/zipball/main")


# -- mirror ---------------------------------------------------------------------------------

URL = "https://weights.example/net-1.0.pth?download=1"


def test_a_mirrored_url_is_served_by_itself_and_by_its_digest(hub: Hub) -> None:
    kept = mirror.add(hub.registry, URL, [WEIGHTS[:1000], WEIGHTS[1000:]])
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert (kept.sha256, kept.size) == (digest, len(WEIGHTS))
    for key in (hashlib.sha256(URL.encode()).hexdigest(), httpx2.URL(URL)):
        quoted = str(key).replace("/", "%2F").replace("?", "%3F")
        answer = hub.client().get(f"/github/mirror/{quoted}")
        assert answer.content == WEIGHTS
        assert answer.headers["ETag"] == f'"{digest}"'


def test_a_part_of_a_mirrored_file_can_be_asked_for(hub: Hub) -> None:
    mirror.add(hub.registry, URL, [WEIGHTS])
    path = f"/github/mirror/{hashlib.sha256(URL.encode()).hexdigest()}"
    answer = hub.client().get(path, headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, WEIGHTS[10:20])
