import hashlib
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from reprise.formats.xet import hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import Term
from reprise.registry import files
from reprise.registry.access import Repo
from reprise.registry.registry import Limits, Registry
from reprise.registry.storage.store import file_key, xorb_key
from reprise.server.app import create_app
from tests.factories import Hub, make_repo, make_token, make_user
from tests.xet_uploads import Cas, Upload, make_file, make_upload

DATA = random.Random(5).randbytes(95_000)
MIB = 1 << 20


@pytest.fixture
def repo(hub: Hub) -> Repo:
    return make_repo(hub.registry, "ada/bert")


@pytest.fixture
def cas(hub: Hub, repo: Repo) -> Cas:
    return Cas(hub, str(repo.repo_id))


def get(hub: Hub, path: str, token: str | None = None) -> httpx2.Response:
    with hub.client(token) as client:
        return client.get(path)


def stored_file(registry: Registry, repo: Repo, data: bytes) -> files.StoredFile | None:
    with registry.db.read() as conn:
        return files.find(conn, repo.id, hashlib.sha256(data).digest())


def fetch(plan: dict, version: int) -> dict[tuple[str, int], bytes]:
    """Fetch every chunk that a reconstruction mentions, by xorb and number."""
    found = {}
    for xorb, links in plan["xorbs" if version == 2 else "fetch_info"].items():
        for link in links:
            pairs = [(link["range"], link["url_range"])] if version == 1 else [
                (part["chunks"], part["bytes"]) for part in link["ranges"]
            ]  # fmt: skip
            for numbers, span in pairs:
                asked = {"Range": f"bytes={span['start']}-{span['end']}"}
                answer = httpx2.get(link["url"], headers=asked)
                assert answer.status_code == 206
                for number, chunk in enumerate(xorbs.chunks(answer.content), numbers["start"]):
                    found[xorb, number] = bytes(chunk)
    return found


def rebuild(plan: dict, version: int) -> bytes:
    chunks = fetch(plan, version)
    data = b""
    for term in plan["terms"]:
        numbers = range(term["range"]["start"], term["range"]["end"])
        part = b"".join(chunks[term["hash"], number] for number in numbers)
        assert len(part) == term["unpacked_length"]
        data += part
    return data[plan["offset_into_first_range"] :]


# -- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["read", "write"])
def test_a_token_comes_in_the_body_and_in_headers(hub: Hub, repo: Repo, action: str) -> None:
    answer = get(hub, f"/api/models/{repo.repo_id}/xet-{action}-token/main", hub.token)
    body = answer.json()
    assert body["casUrl"] == f"{hub.url}/cas"
    assert answer.headers["X-Xet-Cas-Url"] == body["casUrl"]
    assert answer.headers["X-Xet-Access-Token"] == body["accessToken"]
    assert answer.headers["X-Xet-Token-Expiration"] == str(body["exp"])
    assert 0 < body["exp"] - hub.registry.clock() / 1e6 <= 3600


def test_anybody_may_read_a_public_repo_and_only_writers_write(hub: Hub, repo: Repo) -> None:
    make_user(hub.registry, "eve")
    eve = make_token(hub.registry, "eve")
    path = f"/api/models/{repo.repo_id}/xet-{{}}-token/main"
    assert get(hub, path.format("read")).status_code == 200
    assert get(hub, path.format("write")).status_code == 401
    assert get(hub, path.format("write"), eve).status_code == 403


def test_a_private_repo_has_no_token_for_others(hub: Hub) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    answer = get(hub, "/api/models/ada/secret/xet-read-token/main")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "RepoNotFound")


# -- upload and download ------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("scheme", list(Scheme))
def test_an_uploaded_file_is_rebuilt_from_its_reconstruction(
    cas: Cas, version: int, scheme: Scheme
) -> None:
    upload = make_upload(DATA, scheme, runs=3)
    cas.send(upload)
    plan = cas.reconstruct(upload.file.hash, version).json()
    assert rebuild(plan, version) == DATA


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("start", "last"),
    [(0, 0), (9_999, 10_000), (25_000, 61_234), (94_999, 94_999), (50_000, 10**9)],
)
def test_a_range_is_rebuilt_from_the_chunks_it_touches(
    cas: Cas, version: int, start: int, last: int
) -> None:
    upload = make_upload(DATA, runs=3)
    cas.send(upload)
    answer = cas.reconstruct(upload.file.hash, version, Range=f"bytes={start}-{last}")
    wanted = DATA[start : last + 1]
    assert rebuild(answer.json(), version)[: len(wanted)] == wanted
    assert sum(term["unpacked_length"] for term in answer.json()["terms"]) < len(wanted) + 20_000


def test_a_range_after_the_end_is_refused(cas: Cas) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    answer = cas.reconstruct(upload.file.hash, Range=f"bytes={len(DATA)}-")
    assert answer.status_code == 416


def test_many_ranges_come_in_one_answer(cas: Cas) -> None:
    upload = make_upload(DATA)
    assert cas.send_xorb(upload).json() == {"was_inserted": True}
    terms = [Term(upload.name, 0, 2, 20_000), Term(upload.name, 5, 7, 20_000)]
    file = make_file(terms, {upload.name: upload.table})
    assert cas.post_shard(shards.build([file], [])).status_code == 200
    [[link]] = cas.reconstruct(file.hash).json()["xorbs"].values()
    spans = [(part["bytes"]["start"], part["bytes"]["end"]) for part in link["ranges"]]
    asked = "bytes=" + ",".join(f"{first}-{last}" for first, last in spans)
    answer = httpx2.get(link["url"], headers={"Range": asked})
    boundary = re.fullmatch("multipart/byteranges; boundary=(.+)", answer.headers["Content-Type"])[
        1
    ]
    parts = answer.content.split(b"\r\n--" + boundary.encode())
    assert (answer.status_code, parts[0], parts[-1]) == (206, b"", b"--\r\n")
    for (first, last), part in zip(spans, parts[1:-1], strict=True):
        head, _, body = part.partition(b"\r\n\r\n")
        assert f"Content-Range: bytes {first}-{last}/{len(upload.xorb)}".encode() in head
        assert body == upload.xorb[first : last + 1]


def test_a_shard_may_be_answered_line_by_line(cas: Cas, hub: Hub, repo: Repo) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    lines = cas.post_shard(upload.shard(), version=2).text.splitlines()
    assert json.loads(lines[-1]) == {"type": "result", "result": 1}
    assert stored_file(hub.registry, repo, DATA) is not None


@pytest.mark.parametrize(
    ("chunks", "xorbs", "shards", "files"),
    [
        ("/chunk/default", "/xorb/default", "/shard/default/", "/reconstruction"),  # hf-xet 1.1.2
        ("/chunks/default", "/xorbs/default", "/shards", "/reconstructions"),  # 1.1.9
        ("/v1/chunks/default", "/v1/xorbs/default", "/shards", "/v1/reconstructions"),  # 1.3
    ],
)
def test_older_clients_spell_the_routes_differently(
    cas: Cas, chunks: str, xorbs: str, shards: str, files: str
) -> None:
    upload = make_upload(DATA)
    xorb, file = hashes.to_text(upload.name), hashes.to_text(upload.file.hash)
    shards += "0" * 64 if shards.endswith("/") else ""
    sent = cas.request("POST", f"{xorbs}/{xorb}", content=upload.xorb)
    registered = cas.request("POST", shards, content=upload.shard())
    assert (sent.json(), registered.json()) == ({"was_inserted": True}, {"result": 1})
    assert rebuild(cas.request("GET", f"{files}/{file}").json(), 1) == DATA
    chunk = hashes.to_text(upload.first_chunk)
    assert cas.request("GET", f"{chunks}/{chunk}").status_code == 200


def test_uploading_again_changes_nothing(cas: Cas) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    assert cas.send_xorb(upload).json() == {"was_inserted": False}
    cas.send(upload)
    assert rebuild(cas.reconstruct(upload.file.hash).json(), 2) == DATA


def test_direct_uploads_are_not_granted(cas: Cas) -> None:
    path = f"/v1/xorb-grants/default/{'0' * 64}"
    assert cas.request("POST", path, json={"length": 1}).status_code == 404


def test_an_empty_file_is_registered(cas: Cas, hub: Hub, repo: Repo) -> None:
    empty = make_file([], {})
    assert cas.post_shard(shards.build([empty], [])).status_code == 200
    stored = stored_file(hub.registry, repo, b"")
    assert b"".join(files.open_range(hub.registry, stored, 0, 0)) == b""
    assert cas.reconstruct(empty.hash).json()["terms"] == []


def test_uploads_wait_when_too_many_bytes_are_under_way(hub: Hub, cas: Cas) -> None:
    shard = make_upload(DATA).shard()
    small = replace(hub.registry, limits=Limits(uploads_in_memory=len(shard) - 1))
    with TestClient(create_app(small)) as client:
        client.headers["Authorization"] = f"Bearer {cas.token}"
        assert client.post("/cas/v1/shards", content=shard).status_code == 429
        # What was taken is given back.
        assert client.post("/cas/v1/shards", content=shard[:-1]).status_code == 400


# -- the same bytes by other ways ----------------------------------------------------------------


def test_a_xet_file_is_read_like_any_other(cas: Cas, hub: Hub, repo: Repo) -> None:
    upload = make_upload(DATA, Scheme.GROUPED_LZ4, runs=4)
    cas.send(upload)
    stored = stored_file(hub.registry, repo, DATA)
    digest = hashlib.sha256(DATA).digest()
    assert stored == files.StoredFile(digest, len(DATA), False, upload.file.hash)
    assert files.local_path(hub.registry, stored) is None
    for start, length in [(0, len(DATA)), (1, 10), (9_999, 2), (20_000, 75_000), (94_999, 1)]:
        got = b"".join(files.open_range(hub.registry, stored, start, length))
        assert got == DATA[start : start + length]


def test_a_file_may_come_whole_and_by_xet(cas: Cas, hub: Hub, repo: Repo) -> None:
    digest, registry = hashlib.sha256(DATA).digest(), hub.registry
    registry.store.put(file_key(digest.hex()), DATA)
    with registry.db.write() as conn:
        files.record(conn, repo_id=repo.id, sha256=digest, size=len(DATA), whole=True, now=1)
    assert stored_file(registry, repo, DATA).xet_hash is None
    upload = make_upload(DATA)
    cas.send(upload)
    stored = stored_file(registry, repo, DATA)
    assert stored == files.StoredFile(digest, len(DATA), True, upload.file.hash)
    assert files.local_path(registry, stored).read_bytes() == DATA


def test_the_layout_of_a_xorb_is_that_of_the_stored_bytes(cas: Cas, hub: Hub) -> None:
    text = b"the same words again and again " * 3000
    plain, packed = make_upload(text, Scheme.NONE), make_upload(text, Scheme.LZ4)
    assert plain.name == packed.name
    assert len(plain.xorb) != len(packed.xorb)
    # An upload that died after the bytes were stored and before the rows were written.
    hub.registry.store.put(xorb_key(hashes.to_text(plain.name)), plain.xorb)
    cas.send(packed)
    assert rebuild(cas.reconstruct(packed.file.hash).json(), 2) == text


def test_another_repo_may_compress_the_same_chunks_differently(cas: Cas, hub: Hub) -> None:
    text = b"the same words again and again " * 3000
    cas.send(make_upload(text, Scheme.NONE))
    make_user(hub.registry, "bob")
    other = make_repo(hub.registry, "bob/bert")
    theirs = Cas(hub, "bob/bert", token=make_token(hub.registry, "bob"))
    upload = make_upload(text, Scheme.GROUPED_LZ4)
    theirs.send(upload)
    assert rebuild(theirs.reconstruct(upload.file.hash).json(), 2) == text
    stored = stored_file(hub.registry, other, text)
    assert b"".join(files.open_range(hub.registry, stored, 0, len(text))) == text


# -- deduplication ------------------------------------------------------------------------------


def two_xorbs(cas: Cas) -> tuple[Upload, Upload]:
    """Register one file that needs two xorbs."""
    first, second = make_upload(DATA), make_upload(DATA[::-1])
    tables = {first.name: first.table, second.name: second.table}
    terms = [Term(u.name, 0, u.table.count, u.table.length) for u in (first, second)]
    for upload in (first, second):
        assert cas.send_xorb(upload).status_code == 200
    assert cas.post_shard(shards.build([make_file(terms, tables)], [])).status_code == 200
    return first, second


def test_the_first_chunk_of_a_file_leads_to_all_its_xorbs(cas: Cas) -> None:
    first, second = two_xorbs(cas)
    answer = cas.query(first.first_chunk)
    assert shards.parse(answer.content).xorbs == (first.name, second.name)


def test_an_unknown_chunk_leads_to_what_the_repo_got_last_once_per_upload(
    cas: Cas, hub: Hub, repo: Repo
) -> None:
    assert cas.query(bytes(32)).status_code == 404  # nothing there yet
    first, second = two_xorbs(cas)
    fresh = Cas(hub, str(repo.repo_id))
    assert shards.parse(fresh.query(bytes(32)).content).xorbs == (first.name, second.name)
    assert fresh.query(bytes(32)).status_code == 404
    assert fresh.query(first.first_chunk).status_code == 200


def test_what_a_public_repo_holds_need_not_be_sent_again(cas: Cas, hub: Hub) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    make_user(hub.registry, "bob")
    make_repo(hub.registry, "bob/copy")
    theirs = Cas(hub, "bob/copy", token=make_token(hub.registry, "bob"))
    assert shards.parse(theirs.query(upload.first_chunk).content).xorbs == (upload.name,)
    assert theirs.post_shard(upload.shard()).status_code == 200
    assert rebuild(theirs.reconstruct(upload.file.hash).json(), 2) == DATA


def test_what_an_account_uploaded_outlives_the_repo(hub: Hub) -> None:
    upload = make_upload(DATA)
    make_repo(hub.registry, "ada/first", private=True)
    Cas(hub, "ada/first").send(upload)
    delete = {"name": "first", "organization": "ada", "type": "model"}
    with hub.client(hub.token) as client:
        assert client.request("DELETE", "/api/repos/delete", json=delete).is_success
    make_repo(hub.registry, "ada/second", private=True)
    again = Cas(hub, "ada/second")
    # The client's own memory still names the xorb, so it sends nothing but the shard.
    assert again.post_shard(upload.shard()).status_code == 200
    assert rebuild(again.reconstruct(upload.file.hash).json(), 2) == DATA


# -- the real client ------------------------------------------------------------------------------

CLIENT = """
import json, sys
import hf_xet

url, token, repo, mode, *args = sys.argv[1:]
refresh = {
    "token_refresh_url": f"{url}/api/models/{repo}/xet-{mode}-token/main",
    "token_refresh_headers": {"Authorization": f"Bearer {token}"},
}
session = hf_xet.XetSession()
if mode == "write":
    commit = session.new_upload_commit(**refresh)
    uploads = [commit.start_upload_file(path, hf_xet.COMPUTE_SHA256) for path in args]
    commit.wait_to_finish()
    print(json.dumps([upload.result().xet_info.hash for upload in uploads]))
else:
    name, size, path = args
    with session.new_file_download_group(**refresh) as group:
        group.start_download_file(hf_xet.XetFileInfo(name, int(size)), path)
"""


def run_client(hub: Hub, home: Path, mode: str, *args: object, **env: str) -> list[str]:
    command = [sys.executable, "-c", CLIENT, hub.url, hub.token, "ada/bert", mode, *map(str, args)]
    clean = {"PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home), **env}
    done = subprocess.run(
        command, env=clean, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout or "[]")


def stored_bytes(registry: Registry) -> int:
    return sum(registry.store.size(key) for key in registry.store.keys("xorb"))


@pytest.mark.usefixtures("repo")
def test_the_real_client_uploads_and_downloads(hub: Hub, tmp_path: Path) -> None:
    rng = random.Random(3)
    floats = b"".join(rng.randbytes(3) + b"\x3c" for _ in range(100_000))  # compresses grouped
    sent = {
        "a": rng.randbytes(3 * MIB),
        "b": b"text that repeats\n" * 50_000,
        "c": floats,
        "d": b"x",
    }
    for name, data in sent.items():
        (tmp_path / name).write_bytes(data)
    names = run_client(hub, tmp_path / "up", "write", *(tmp_path / name for name in sent))
    for xet_hash, data in zip(names, sent.values(), strict=True):
        for version in ("1", "2"):
            back = tmp_path / "back"
            env = {"HF_XET_CLIENT_RECONSTRUCTION_API_VERSION": version}
            run_client(hub, tmp_path / version, "read", xet_hash, len(data), back, **env)
            assert back.read_bytes() == data


@pytest.mark.usefixtures("repo")
def test_a_file_with_one_percent_changed_costs_little_more_than_that(
    hub: Hub, tmp_path: Path
) -> None:
    rng = random.Random(4)
    data = bytearray(rng.randbytes(30 * MIB))
    path, back = tmp_path / "weights", tmp_path / "back"
    path.write_bytes(data)
    run_client(hub, tmp_path / "first", "write", path)
    before = stored_bytes(hub.registry)
    data[12 * MIB : 12 * MIB + 300_000] = rng.randbytes(300_000)
    path.write_bytes(data)
    # A cold client: it learns everything from the hub's answers.
    [name] = run_client(hub, tmp_path / "second", "write", path)
    # The change touches whole chunks at both of its ends, of up to 128 KiB each.
    assert stored_bytes(hub.registry) - before < 300_000 + 2 * 131_072 + 10_000
    run_client(hub, tmp_path / "third", "read", name, len(data), back)
    assert back.read_bytes() == data


@pytest.mark.usefixtures("repo")
def test_a_file_with_a_new_header_costs_no_more_than_that(hub: Hub, tmp_path: Path) -> None:
    rng = random.Random(9)
    weights, path, back = rng.randbytes(20 * MIB), tmp_path / "weights", tmp_path / "back"
    path.write_bytes(rng.randbytes(500) + weights)
    run_client(hub, tmp_path / "first", "write", path)
    before = stored_bytes(hub.registry)
    path.write_bytes(rng.randbytes(800) + weights)
    [name] = run_client(hub, tmp_path / "second", "write", path)
    # The first chunk is new, so only a guess can tell the client about the others.
    assert stored_bytes(hub.registry) - before < 2 * 131_072 + 10_000
    run_client(hub, tmp_path / "third", "read", name, path.stat().st_size, back)
    assert back.read_bytes() == path.read_bytes()
