"""Reading files over the Hub API: the unmodified client, and requests by hand."""

import hashlib
from pathlib import Path

import pytest
from huggingface_hub import HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from reprise.registry.db.schema import git_pointer
from reprise.registry.git.objects import Kind, object_id
from tests.committing import body, commit, put
from tests.factories import Hub, make_repo, make_token, make_user

WEIGHTS = bytes(range(256)) * 400
CONFIG = b'{"model_type": "bert"}'
FILES = {"config.json": CONFIG, "README.md": b"# Hi\n", "a/b/c.txt": b"deep", "empty.txt": b""}


@pytest.fixture
def tip(hub: Hub) -> str:
    """A model repo with a few files; the tip's commit."""
    make_repo(hub.registry, "ada/bert")
    commit(hub.registry, "ada/bert", FILES)
    return commit(hub.registry, "ada/bert", {}, {"model.safetensors": WEIGHTS})


def blob_id(content: bytes) -> str:
    return object_id(Kind.BLOB, content).hex()


# -- the client -----------------------------------------------------------------------------


def test_a_file_downloads_and_is_found_again(hub: Hub, tip: str, tmp_path: Path) -> None:
    options = {"endpoint": hub.url, "token": hub.token, "cache_dir": tmp_path}
    path = Path(hf_hub_download("ada/bert", "config.json", **options))
    assert path.read_bytes() == CONFIG
    assert path.resolve().name == blob_id(CONFIG)
    assert path.parent.name == tip
    assert hf_hub_download("ada/bert", "config.json", local_files_only=True, **options) == str(path)


@pytest.mark.usefixtures("tip")
def test_a_snapshot_holds_every_file(hub: Hub, tmp_path: Path) -> None:
    folder = Path(snapshot_download("ada/bert", endpoint=hub.url, cache_dir=tmp_path))
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    attributes = found.pop(".gitattributes")
    assert b"*.safetensors filter=lfs" in attributes
    assert found == {**FILES, "model.safetensors": WEIGHTS}


@pytest.mark.parametrize("revision", ["main", "v1", "refs/heads/main", "dev/x", "TIP", "SHORT"])
def test_every_spelling_of_a_revision_works(hub: Hub, tip: str, revision: str) -> None:
    hub.api().create_tag("ada/bert", tag="v1")
    hub.api().create_branch("ada/bert", branch="dev/x")
    revision = {"TIP": tip, "SHORT": tip[:8]}.get(revision, revision)
    path = hf_hub_download("ada/bert", "a/b/c.txt", revision=revision, endpoint=hub.url)
    assert Path(path).read_bytes() == b"deep"


def test_old_commits_stay_readable(hub: Hub, tip: str) -> None:
    commit(hub.registry, "ada/bert", {"config.json": b"{}"})
    old = hf_hub_download("ada/bert", "config.json", revision=tip, endpoint=hub.url)
    assert Path(old).read_bytes() == CONFIG


def test_missing_things_raise_the_clients_own_errors(hub: Hub, tip: str, tmp_path: Path) -> None:
    options = {"endpoint": hub.url, "token": hub.token, "cache_dir": tmp_path}
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download("ada/bert", "nope.json", **options)
    assert (tmp_path / f"models--ada--bert/.no_exist/{tip}/nope.json").is_file()
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download("ada/bert", "config.json", revision="nope", **options)
    with pytest.raises(RepositoryNotFoundError):
        hf_hub_download("ada/nope", "config.json", **options)


@pytest.mark.usefixtures("tip")
def test_the_file_system_lists_and_reads_ranges(hub: Hub) -> None:
    files = HfFileSystem(endpoint=hub.url, token=hub.token, skip_instance_cache=True)
    assert sorted(files.find("ada/bert")) == sorted(
        f"ada/bert/{path}" for path in [*FILES, ".gitattributes", "model.safetensors"]
    )
    assert files.ls("ada/bert/a", detail=False) == ["ada/bert/a/b"]
    assert files.info("ada/bert/config.json")["size"] == len(CONFIG)
    assert files.ls("ada/bert/config.json", detail=False) == ["ada/bert/config.json"]
    with files.open("ada/bert/model.safetensors", "rb") as file:
        file.seek(1000)
        assert file.read(100) == WEIGHTS[1000:1100]


@pytest.mark.usefixtures("tip")
def test_the_tree_carries_what_caches_need(hub: Hub) -> None:
    items = {it.path: it for it in hub.api().list_repo_tree("ada/bert", recursive=True)}
    assert set(items) == {*FILES, ".gitattributes", "model.safetensors", "a", "a/b"}
    large = items["model.safetensors"]
    assert (large.size, large.lfs.sha256) == (len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest())
    assert large.lfs.pointer_size == 131
    assert (items["config.json"].size, items["config.json"].blob_id) == (
        len(CONFIG),
        blob_id(CONFIG),
    )


def test_an_expanded_tree_names_the_last_commit(hub: Hub, tip: str) -> None:
    first = hub.api().list_repo_commits("ada/bert")[1].commit_id
    for revision in ("main", tip):
        items = hub.api().list_repo_tree("ada/bert", expand=True, revision=revision)
        touched = {it.path: it.last_commit.oid for it in items}
        assert (touched["a"], touched["model.safetensors"]) == (first, tip), revision


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.usefixtures("tip")
def test_long_folders_come_in_pages(hub: Hub, old: bool) -> None:
    names = [f"many/{number:04d}.txt" for number in range(2345)]
    at = commit(hub.registry, "ada/bert", dict.fromkeys(names, b"x"))
    if old:
        commit(hub.registry, "ada/bert", {"later.txt": b"x"})
    found = hub.api().list_repo_tree("ada/bert", "many", revision=at)
    assert [it.path for it in found] == names
    everything = hub.api().list_repo_tree("ada/bert", recursive=True, revision=at)
    assert len({it.path for it in everything}) == len(names) + 9


@pytest.mark.usefixtures("tip")
def test_paths_info_leaves_out_what_is_absent(hub: Hub) -> None:
    for revision in ("main", hub.api().list_repo_commits("ada/bert")[1].commit_id):
        found = hub.api().get_paths_info(
            "ada/bert", ["a", "config.json", "nope", "/README.md"], revision=revision, expand=True
        )
        assert sorted(it.path for it in found) == ["README.md", "a", "config.json"]
        assert all(it.last_commit is not None for it in found)


# -- resolve, by hand -----------------------------------------------------------------------


def test_a_small_file_has_every_header(hub: Hub, tip: str) -> None:
    for method in ("HEAD", "GET"):
        answer = hub.client().request(method, "/ada/bert/resolve/main/config.json")
        assert answer.status_code == 200
        assert answer.content == (CONFIG if method == "GET" else b"")
        expected = {
            "x-repo-commit": tip,
            "etag": f'"{blob_id(CONFIG)}"',
            "content-length": str(len(CONFIG)),
            "accept-ranges": "bytes",
            "content-type": "text/plain; charset=utf-8",
            "x-content-type-options": "nosniff",
            "cache-control": "public, no-cache",
            "content-disposition": (
                "attachment; filename*=UTF-8''config.json; filename=\"config.json\";"
            ),
        }
        assert {name: answer.headers.get(name) for name in expected} == expected
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "x-linked-etag" not in answer.headers


def test_a_large_file_has_linked_headers(hub: Hub, tip: str) -> None:
    digest = f'"{hashlib.sha256(WEIGHTS).hexdigest()}"'
    for method in ("HEAD", "GET"):
        answer = hub.client().request(method, "/ada/bert/resolve/main/model.safetensors")
        assert answer.content == (WEIGHTS if method == "GET" else b"")
        expected = {
            "x-repo-commit": tip,
            "etag": digest,
            "x-linked-etag": digest,
            "x-linked-size": str(len(WEIGHTS)),
            "content-length": str(len(WEIGHTS)),
            "content-type": "application/octet-stream",
        }
        assert {name: answer.headers.get(name) for name in expected} == expected
        assert "x-xet-hash" not in answer.headers


@pytest.mark.parametrize("path", ["config.json", "model.safetensors"])
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=3-9", slice(3, 10)),
    ],
)
def test_one_range_is_sent(hub: Hub, tip: str, path: str, header: str, expected: slice) -> None:
    content = CONFIG if path == "config.json" else WEIGHTS
    answer = hub.client().get(f"/ada/bert/resolve/main/{path}", headers={"Range": header})
    assert (answer.status_code, answer.content) == (206, content[expected])
    first = (expected.start or 0) % len(content)
    last = first + len(answer.content) - 1
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"
    assert answer.headers["x-repo-commit"] == tip


@pytest.mark.parametrize("path", ["config.json", "model.safetensors"])
@pytest.mark.usefixtures("tip")
def test_ranges_that_cannot_be_served(hub: Hub, path: str) -> None:
    client, url = hub.client(), f"/ada/bert/resolve/main/{path}"
    size = client.head(url).headers["content-length"]
    outside = client.get(url, headers={"Range": f"bytes={size}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{size}")
    for header in ("bytes=0-1,4-5", "lines=1-2", "bytes=x-y"):
        assert client.get(url, headers={"Range": header}).status_code == 200, header
    changed = client.get(url, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize("path", ["config.json", "model.safetensors"])
@pytest.mark.usefixtures("tip")
def test_what_a_client_has_is_not_sent_again(hub: Hub, path: str) -> None:
    client, url = hub.client(), f"/ada/bert/resolve/main/{path}"
    etag = client.head(url).headers["etag"]
    for sent in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = client.get(url, headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.usefixtures("tip")
def test_an_empty_file_is_a_file(hub: Hub) -> None:
    for headers in ({}, {"Range": "bytes=0-0"}, {"Range": "bytes=0-"}):
        answer = hub.client().get("/ada/bert/resolve/main/empty.txt", headers=headers)
        assert (answer.status_code, answer.content) == (200, b""), headers


def test_commits_are_cached_for_ever_and_branches_are_not(hub: Hub, tip: str) -> None:
    client = hub.client()
    fixed = client.head(f"/ada/bert/resolve/{tip}/config.json").headers["cache-control"]
    assert fixed == "public, max-age=31536000, immutable"
    make_repo(hub.registry, "ada/secret", private=True)
    path = "/ada/secret/resolve/main/.gitattributes"
    private = hub.client(hub.token).head(path).headers["cache-control"]
    assert private == "private, no-cache"


@pytest.mark.usefixtures("tip")
def test_files_are_never_compressed(hub: Hub) -> None:
    answer = hub.client().get(
        "/ada/bert/resolve/main/config.json", headers={"Accept-Encoding": "gzip, br"}
    )
    assert "content-encoding" not in answer.headers


def test_a_missing_file_tells_the_commit(hub: Hub, tip: str) -> None:
    for path in ("nope", "a", "a/b", "config.json/x", "a/b/c.txt/"):
        answer = hub.client().head(f"/ada/bert/resolve/main/{path}")
        assert (answer.status_code, answer.headers["x-error-code"]) == (404, "EntryNotFound"), path
        assert answer.headers["x-repo-commit"] == tip


@pytest.mark.usefixtures("tip")
def test_a_missing_revision_and_repo_have_codes(hub: Hub) -> None:
    client = hub.client()
    revision = client.head("/ada/bert/resolve/nope/config.json")
    assert (revision.status_code, revision.headers["x-error-code"]) == (404, "RevisionNotFound")
    repo = client.head("/ada/nope/resolve/main/config.json")
    assert (repo.status_code, repo.headers["x-error-code"]) == (404, "RepoNotFound")


@pytest.mark.usefixtures("tip")
def test_pull_request_refs_may_come_unencoded(hub: Hub) -> None:
    client = hub.client(hub.token)
    answer = client.post(
        "/api/models/ada/bert/commit/main?create_pr=1", content=body(put("x", b"pr"))
    )
    assert answer.status_code == 200
    for spelling in ("refs%2Fpr%2F1", "refs/pr/1"):
        assert client.get(f"/ada/bert/resolve/{spelling}/x").content == b"pr"


@pytest.mark.parametrize(
    "name", ["ünï cödé.txt", "a b.txt", "100%.txt", "q?a=b.txt", "x#y.txt", "+.txt", 'q"uo.txt']
)
@pytest.mark.usefixtures("tip")
def test_odd_names_survive_the_round_trip(hub: Hub, name: str) -> None:
    commit(hub.registry, "ada/bert", {f"odd/{name}": b"odd"})
    path = hf_hub_download("ada/bert", f"odd/{name}", endpoint=hub.url)
    assert Path(path).read_bytes() == b"odd"
    assert [it.path for it in hub.api().list_repo_tree("ada/bert", "odd")] == [f"odd/{name}"]


@pytest.mark.usefixtures("tip")
def test_images_show_inside_pages_and_html_never_does(hub: Hub) -> None:
    commit(hub.registry, "ada/bert", {"a.png": b"png", "x.html": b"<script>", "x.js": b"alert(1)"})
    client = hub.client()
    types = {
        name: client.head(f"/ada/bert/resolve/main/{name}").headers["content-type"]
        for name in ("a.png", "x.html", "x.js")
    }
    plain = "text/plain; charset=utf-8"
    assert types == {"a.png": "image/png", "x.html": plain, "x.js": plain}


@pytest.mark.usefixtures("tip")
def test_raw_shows_pointers_as_text(hub: Hub) -> None:
    answer = hub.client().get("/ada/bert/raw/main/model.safetensors")
    assert answer.text.startswith("version https://git-lfs.github.com/spec/v1\noid sha256:")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert hub.client().get("/ada/bert/raw/main/config.json").content == CONFIG


def test_private_repos_are_read_with_the_right_token_only(hub: Hub) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    make_user(hub.registry, "bob")
    bob = make_token(hub.registry, "bob")
    path = "/ada/secret/resolve/main/.gitattributes"
    codes = [hub.client(token).head(path).status_code for token in (hub.token, bob, None)]
    assert codes == [200, 404, 404]


def test_datasets_are_served_under_their_prefix(hub: Hub) -> None:
    make_repo(hub.registry, "ada/data", "dataset")
    answer = hub.client().head("/datasets/ada/data/resolve/main/.gitattributes")
    assert answer.status_code == 200
    assert hub.client().head("/ada/data/resolve/main/.gitattributes").status_code == 404


@pytest.mark.usefixtures("tip")
def test_a_pointer_without_its_file_is_not_remembered_as_absent(hub: Hub) -> None:
    with hub.registry.db.write() as conn:  # as a push without its large files would leave it
        conn.execute(git_pointer.insert().values(
            repo_id=1, oid=object_id(Kind.BLOB, CONFIG), sha256=b"\xaa" * 32, size=5
        ))  # fmt: skip
    answer = hub.client().head("/ada/bert/resolve/main/config.json")
    assert answer.status_code == 404
    assert "x-error-code" not in answer.headers


@pytest.mark.usefixtures("tip")
def test_downloads_are_counted_once_per_caller(hub: Hub, tmp_path: Path) -> None:
    for number in range(3):
        snapshot_download("ada/bert", endpoint=hub.url, cache_dir=tmp_path / str(number))
    assert hub.api().model_info("ada/bert").downloads == 1
