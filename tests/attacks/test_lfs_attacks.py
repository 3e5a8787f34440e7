"""Hostile uploads of large files: bytes nobody proved to hold never become readable."""

import hashlib
import os
import socket
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from reprise.base.errors import CorruptContent, Forbidden, RepoNotFound
from reprise.registry import lfs, repos, signed
from reprise.registry.registry import Registry
from tests.committing import batch, body, commit, put_large, upload
from tests.factories import Hub, make_repo, make_token, make_user

DATA = os.urandom(50_000)
OID = hashlib.sha256(DATA).hexdigest()
KEY = f"sha256/{OID[:2]}/{OID[2:4]}/{OID}"


@pytest.fixture
def client(hub: Hub) -> httpx2.Client:
    """Ada, with a repo of hers."""
    make_repo(hub.registry, "ada/bert")
    return hub.client(hub.token)


def offer(client: httpx2.Client, data: bytes = DATA) -> str:
    (found,) = batch(client, "ada/bert", data)
    return found["actions"]["upload"]["href"]


def changed(url: str, **fields: str) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **fields})).geturl()


def staged(hub: Hub) -> list[str]:
    return list(hub.registry.store.keys("tmp"))


@pytest.mark.parametrize(
    "sent", [DATA[:-1], DATA + b"x", DATA[:-1] + b"?", b"", DATA * 40], ids=len
)
def test_wrong_bytes_are_refused_and_not_kept(hub: Hub, client: httpx2.Client, sent: bytes) -> None:
    answer = httpx2.put(offer(client), content=sent)
    assert answer.status_code == 422, answer.text
    assert (hub.registry.store.size(KEY), staged(hub)) == (None, [])
    assert "actions" in batch(client, "ada/bert", DATA)[0]
    assert (
        client.post(
            "/api/models/ada/bert/commit/main", content=body(put_large("x.bin", DATA))
        ).status_code
        == 400
    )


def test_an_upload_that_breaks_off_leaves_nothing(hub: Hub, client: httpx2.Client) -> None:
    parts = urlsplit(offer(client))
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = (
            f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n"
        )
        connection.sendall(head.encode() + DATA[:30_000])
    assert "actions" in batch(client, "ada/bert", DATA)[0]
    assert hub.registry.store.size(KEY) is None


def test_knowing_a_digest_gives_nothing(hub: Hub, client: httpx2.Client) -> None:
    make_user(hub.registry, "bob")
    make_repo(hub.registry, "bob/secret", private=True)
    commit(hub.registry, "bob/secret", {}, {"w.bin": DATA})
    (download,) = batch(client, "ada/bert", DATA, operation="download")
    assert download["error"]["code"] == 404
    (again,) = batch(client, "ada/bert", DATA)
    assert "upload" in again["actions"], "a file of another repo must still be uploaded"
    assert httpx2.put(offer(client), content=bytes(len(DATA))).status_code == 422
    answer = client.post("/api/models/ada/bert/commit/main", content=body(put_large("x", DATA)))
    assert answer.status_code == 400
    upload(client, "ada/bert", DATA)
    answer = client.post("/api/models/ada/bert/commit/main", content=body(put_large("x", DATA)))
    assert answer.status_code == 200


@pytest.mark.usefixtures("hub")
def test_links_cannot_be_changed(client: httpx2.Client) -> None:
    url = offer(client)
    other = hashlib.sha256(b"other").hexdigest()
    forged = [
        changed(url, size="1"),
        changed(url, repo="2"),
        changed(url, expires="99999999999"),
        changed(url, signature="0" * 64),
        changed(url, extra="1"),
        url.replace(OID, other),
        url.split("?")[0],
        url.replace(f"/objects/{OID}", "/objects/..%2f..%2fetc"),
    ]
    codes = {it: httpx2.put(it, content=DATA).status_code for it in forged}
    assert set(codes.values()) == {403}, codes


@pytest.mark.usefixtures("hub")
def test_a_link_is_good_for_its_own_purpose_only(client: httpx2.Client) -> None:
    url = offer(client)
    assert httpx2.get(url).status_code == 403
    assert httpx2.post(url.replace(f"objects/{OID}", "verify"), json={}).status_code == 403
    upload(client, "ada/bert", DATA)
    (found,) = batch(client, "ada/bert", DATA, operation="download")
    download = found["actions"]["download"]["href"]
    assert httpx2.get(download).status_code == 200
    assert httpx2.put(download, content=DATA).status_code == 403


def test_links_expire(hub: Hub) -> None:
    query = signed.query(hub.registry.secret, "upload", {"a": "b"}, expires=10_000_000)
    params = dict(parse_qsl(query))
    assert signed.check(hub.registry.secret, "upload", params, now=9_999_999) == {"a": "b"}
    for now, secret in ((10_000_000, hub.registry.secret), (0, b"another key")):
        with pytest.raises(Forbidden):
            signed.check(secret, "upload", params, now=now)


def test_a_repo_deleted_meanwhile_gets_no_file(registry: Registry) -> None:
    make_user(registry, "ada")
    repo = make_repo(registry, "ada/bert")
    file = lfs.LargeFile(repo.id, OID, len(DATA))
    with lfs.receive(registry, len(DATA)) as incoming:
        incoming.write(DATA)
        with registry.db.write() as conn:
            repos.remove(conn, repo)
        with pytest.raises(RepoNotFound):
            lfs.keep(registry, file, incoming)


def test_announced_sizes_are_enforced_while_bytes_arrive(registry: Registry) -> None:
    with lfs.receive(registry, 10) as incoming, pytest.raises(CorruptContent, match="More bytes"):
        incoming.write(b"x" * 11)


def test_strangers_cannot_learn_whether_a_private_repo_exists(hub: Hub) -> None:
    make_repo(hub.registry, "ada/secret", private=True)
    make_user(hub.registry, "bob")
    bob = hub.client(make_token(hub.registry, "bob"))
    answers = [
        bob.post(
            f"/ada/{name}.git/info/lfs/objects/batch", json={"operation": "download", "objects": []}
        )
        for name in ("secret", "absent")
    ]
    texts = [it.text.replace("secret", "absent") for it in answers]
    assert (texts[0], answers[0].status_code) == (texts[1], answers[1].status_code)
