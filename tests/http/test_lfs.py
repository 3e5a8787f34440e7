"""git-lfs: the batch API, transfers whole and in parts, by hand and by the unmodified clients."""

import hashlib
import io
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import uvicorn

from reprise.registry import lfs
from reprise.server.app import create_app
from tests.committing import batch, body, commit, put_large, upload
from tests.factories import Hub, make_repo, make_token, make_user

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
DATA = os.urandom(70_000)
OID = hashlib.sha256(DATA).hexdigest()
PART = 20_000


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Ada, with a repo of hers."""
    make_repo(hub.registry, "ada/bert")
    return hub.client(hub.token)


def href(found: dict, action: str) -> str:
    return found["actions"][action]["href"]


# -- whole files ----------------------------------------------------------------------------


def test_upload_verify_download(hub: Hub, client: httpx2.Client) -> None:
    (offer,) = batch(client, "ada/bert", DATA)
    assert (offer["oid"], offer["size"], offer["authenticated"]) == (OID, len(DATA), True)
    anonymous = hub.client()
    body = {"oid": OID, "size": len(DATA)}
    assert anonymous.post(href(offer, "verify"), json=body).status_code == 404
    assert anonymous.put(href(offer, "upload"), content=DATA).status_code == 200
    assert anonymous.post(href(offer, "verify"), json=body).status_code == 200
    assert batch(client, "ada/bert", DATA) == [{"oid": OID, "size": len(DATA)}]
    (found,) = batch(client, "ada/bert", DATA, operation="download")
    answer = anonymous.get(href(found, "download"))
    assert (answer.content, answer.headers["etag"]) == (DATA, f'"{OID}"')
    part = anonymous.get(href(found, "download"), headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, DATA[10:20])


def test_uploading_again_is_no_error(hub: Hub, client: httpx2.Client) -> None:
    (offer,) = batch(client, "ada/bert", DATA)
    codes = [hub.client().put(href(offer, "upload"), content=DATA).status_code for _ in range(2)]
    assert codes == [200, 200]


def test_an_empty_object_uploads(client: httpx2.Client) -> None:
    upload(client, "ada/bert", b"")
    (found,) = batch(client, "ada/bert", b"", operation="download")
    assert client.get(href(found, "download")).content == b""


def test_unknown_objects_are_errors_of_their_own(client: httpx2.Client) -> None:
    upload(client, "ada/bert", DATA)
    found, missing = batch(client, "ada/bert", DATA, b"never", operation="download")
    assert "actions" in found
    assert (missing["error"]["code"], "actions" in missing) == (404, False)


def test_datasets_and_spellings_without_git_suffix(hub: Hub, client: httpx2.Client) -> None:
    make_repo(hub.registry, "ada/data", "dataset")
    upload(client, "datasets/ada/data", DATA)
    assert "actions" in batch(client, "ada/bert", DATA)[0], "a repo for itself"


def test_a_moved_repo_is_found_under_its_old_name(hub: Hub, client: httpx2.Client) -> None:
    (offer,) = batch(client, "ada/bert", DATA)
    hub.api().move_repo("ada/bert", "ada/moved")
    assert client.put(href(offer, "upload"), content=DATA).status_code == 200
    client.follow_redirects = True
    assert batch(client, "ada/bert", DATA) == [{"oid": OID, "size": len(DATA)}]
    answer = client.post("/api/models/ada/bert/commit/main", content=body(put_large("a.bin", DATA)))
    assert answer.status_code == 200
    assert client.get("/ada/bert/resolve/main/a.bin").content == DATA


def test_locks_are_politely_absent(client: httpx2.Client) -> None:
    answer = client.post("/ada/bert.git/info/lfs/locks/verify", json={})
    assert (answer.status_code, "message" in answer.json()) == (404, True)


@pytest.mark.parametrize(
    ("request_body", "status"),
    [
        ({"operation": "dance", "objects": []}, 400),
        ({"operation": "upload"}, 400),
        ({"operation": "upload", "objects": [{"oid": "x", "size": 1}]}, 400),
        ({"operation": "upload", "objects": [{"oid": OID.upper(), "size": 1}]}, 400),
        ({"operation": "upload", "objects": [{"oid": OID, "size": -1}]}, 400),
        ({"operation": "upload", "objects": [{"oid": OID, "size": 1 << 70}]}, 400),
        ({"operation": "upload", "objects": [{"oid": OID, "size": 1}] * 1001}, 413),
        ({"operation": "upload", "objects": [], "hash_algo": "sha512"}, 409),
        ([], 400),
    ],
)
def test_malformed_batches_are_refused(
    client: httpx2.Client, request_body: object, status: int
) -> None:
    answer = client.post("/ada/bert.git/info/lfs/objects/batch", json=request_body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/vnd.git-lfs+json"
    assert answer.json()["message"]


def test_files_over_the_limit_are_refused_before_they_come(client: httpx2.Client) -> None:
    body = {"operation": "upload", "objects": [{"oid": OID, "size": (5 << 40) + 1}]}
    (found,) = client.post("/ada/bert.git/info/lfs/objects/batch", json=body).json()["objects"]
    assert found["error"]["code"] == 422


@pytest.mark.usefixtures("client")
def test_who_may_use_lfs(hub: Hub) -> None:
    make_user(hub.registry, "bob")
    make_repo(hub.registry, "ada/secret", private=True)
    bob, reader = make_token(hub.registry, "bob"), make_token(hub.registry, "ada", "read")
    expected = {
        ("ada/bert", "download", None): 200,
        ("ada/bert", "upload", None): 401,
        ("ada/bert", "upload", reader): 403,
        ("ada/bert", "upload", bob): 200,  # for a pull request
        ("ada/secret", "download", None): 401,
        ("ada/secret", "download", bob): 404,
        ("ada/secret", "upload", bob): 404,
        ("ada/secret", "download", hub.token): 200,
    }
    found = {}
    for repo, operation, token in expected:
        answer = hub.client(token).post(
            f"/{repo}.git/info/lfs/objects/batch", json={"operation": operation, "objects": []}
        )
        found[repo, operation, token] = answer.status_code
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
    assert found == expected


@pytest.mark.usefixtures("client")
def test_git_credentials_are_accepted(hub: Hub) -> None:
    body = {"operation": "upload", "objects": []}
    answer = hub.client().post(
        "/ada/bert.git/info/lfs/objects/batch", json=body, auth=("anyone", hub.token)
    )
    assert answer.status_code == 200


# -- files in parts -------------------------------------------------------------------------


@pytest.fixture
def parted(hub: Hub) -> Iterator[Hub]:
    """The hub again, in another server that takes large files in small parts."""
    registry = replace(hub.registry, limits=replace(hub.registry.limits, lfs_part=PART))
    config = uvicorn.Config(
        create_app(registry), port=0, log_config=None, lifespan="off", ws="none"
    )
    server, listener = uvicorn.Server(config), config.bind_socket()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Hub(f"http://127.0.0.1:{listener.getsockname()[1]}", registry, hub.token)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


def start(hub: Hub) -> dict:
    make_repo(hub.registry, "ada/bert")
    request = {
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": [{"oid": OID, "size": len(DATA)}],
    }
    answer = httpx2.post(
        f"{hub.url}/ada/bert.git/info/lfs/objects/batch",
        json=request,
        headers={"Authorization": f"Bearer {hub.token}"},
    ).json()
    assert answer["transfer"] == "multipart"
    return answer["objects"][0]["actions"]["upload"]


def send_parts(action: dict, data: bytes = DATA) -> list[dict]:
    parts = []
    for number in range(1, 5):
        piece = data[(number - 1) * PART : number * PART]
        answer = httpx2.put(action["header"][str(number)], content=piece)
        assert answer.status_code == 200, answer.text
        parts.append({"partNumber": number, "etag": answer.headers["etag"]})
    return parts


def test_the_client_uploads_in_parts(parted: Hub) -> None:
    make_repo(parted.registry, "ada/bert")
    content = os.urandom(7 * PART + 123)
    parted.api().upload_file(
        path_or_fileobj=io.BytesIO(content), path_in_repo="x.bin", repo_id="ada/bert"
    )
    assert httpx2.get(f"{parted.url}/ada/bert/resolve/main/x.bin").content == content
    assert list(parted.registry.store.keys("part")) == []


def test_parts_are_joined_in_order(parted: Hub) -> None:
    action = start(parted)
    assert sorted(action["header"]) == ["1", "2", "3", "4", "chunk_size"]
    parts = send_parts(action)
    for _ in range(2):  # the second time as if the first answer had been lost
        answer = httpx2.post(action["href"], json={"oid": OID, "parts": parts[::-1]})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert list(parted.registry.store.keys("part")) == []
    assert parted.registry.store.size(f"sha256/{OID[:2]}/{OID[2:4]}/{OID}") == len(DATA)


def test_a_missing_or_wrong_part_keeps_nothing(parted: Hub) -> None:
    action = start(parted)
    parts = send_parts(action, DATA[:-1] + b"?")
    for sent, status in ((parts[:3], 400), (parts[:3] * 2, 400), (parts, 422), ([], 400)):
        answer = httpx2.post(action["href"], json={"oid": OID, "parts": sent})
        assert answer.status_code == status, sent
    wrong = [{"partNumber": n, "etag": '"../../../etc/passwd"'} for n in range(1, 5)]
    assert httpx2.post(action["href"], json={"oid": OID, "parts": wrong}).status_code == 400
    assert parted.registry.store.size(f"sha256/{OID[:2]}/{OID[2:4]}/{OID}") is None


def test_parts_of_the_wrong_size_or_number_are_refused(parted: Hub) -> None:
    action = start(parted)
    first = action["header"]["1"]
    assert httpx2.put(first, content=DATA[: PART - 1]).status_code == 422
    assert httpx2.put(first, content=DATA[: PART + 1]).status_code == 422
    for number in ("0", "5", "x", "99999999"):
        url = first.replace("/1?", f"/{number}?")
        assert httpx2.put(url, content=b"x").status_code == 400, number


def test_unfinished_uploads_are_dropped_after_a_week(parted: Hub) -> None:
    action = start(parted)
    send_parts(action)
    assert lfs.drop_stale_parts(parted.registry) == 0
    later = replace(parted.registry, clock=lambda: parted.registry.clock() + 2 * lfs.STALE)
    assert lfs.drop_stale_parts(later) == 1
    assert list(parted.registry.store.keys("part")) == []
    assert httpx2.post(action["href"], json={"oid": OID, "parts": []}).status_code == 404


# -- the program ----------------------------------------------------------------------------


def test_git_lfs_fetches_and_pushes(hub: Hub, client: httpx2.Client, tmp_path: Path) -> None:
    commit(hub.registry, "ada/bert", {}, {"a.bin": DATA})
    clone = tmp_path / "clone"
    auth = hub.url.replace("http://", f"http://ada:{hub.token}@")

    def git(*args: str) -> str:
        run = subprocess.run(
            ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *args],
            cwd=clone if clone.exists() else tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    git("clone", "-q", f"{auth}/ada/bert", "clone")
    git("lfs", "install", "--local")
    git("lfs", "pull")
    assert (clone / "a.bin").read_bytes() == DATA
    (clone / "b.bin").write_bytes(DATA[::-1])
    git("add", "b.bin")
    git("commit", "-q", "-m", "Add b")
    git("push", "-q")
    assert client.get("/ada/bert/resolve/main/b.bin").content == DATA[::-1]
