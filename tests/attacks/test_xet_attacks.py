"""Xet uploads that lie, and requests that want what is not theirs."""

import hashlib
import random
import struct
from base64 import urlsafe_b64encode
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import lz4.frame
import pytest

from reprise.base.errors import RepoNotFound, Unauthenticated
from reprise.formats.xet import chunks, hashes, shards
from reprise.formats.xet.chunks import Scheme
from reprise.formats.xet.shards import Term
from reprise.registry import files, repos, signed, stored, tokens
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.registry import Registry
from reprise.registry.storage.store import xorb_key
from reprise.registry.xet import reconstruction, uploads
from reprise.registry.xet import shards as registered
from reprise.registry.xet.scope import Scope, issue, open_scope
from tests.factories import Hub, make_org, make_repo, make_token, make_user
from tests.xet_uploads import Cas, Upload, make_file, make_upload

DATA = random.Random(6).randbytes(95_000)
HOUR = 3600 * 1_000_000


@pytest.fixture
def repo(hub: Hub) -> Repo:
    return make_repo(hub.registry, "ada/bert")


@pytest.fixture
def cas(hub: Hub, repo: Repo) -> Cas:
    return Cas(hub, str(repo.repo_id))


@pytest.fixture
def secret(hub: Hub) -> Upload:
    """What ada keeps in a private repo."""
    make_repo(hub.registry, "ada/secret", private=True)
    upload = make_upload(random.Random(7).randbytes(95_000))
    Cas(hub, "ada/secret").send(upload)
    return upload


@pytest.fixture
def eve(hub: Hub) -> Cas:
    """A stranger with a repo of her own."""
    make_user(hub.registry, "eve")
    make_repo(hub.registry, "eve/copy")
    return Cas(hub, "eve/copy", token=make_token(hub.registry, "eve"))


def refused(answer: httpx2.Response, reason: str, status: int = 400) -> None:
    assert (answer.status_code, reason in answer.json()["error"]) == (status, True), answer.text


def holds_nothing(registry: Registry, repo: Repo) -> bool:
    with registry.db.read() as conn:
        return not stored.possess(conn, repo.id, hashlib.sha256(DATA).digest())


# -- xorbs that lie -----------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 500, -1])
def test_a_truncated_xorb_is_refused(hub: Hub, cas: Cas, cut: int) -> None:
    upload = make_upload(DATA)
    assert cas.post_xorb(upload.name, upload.xorb[:cut]).status_code == 400
    assert list(hub.registry.store.keys("xorb")) == []


def test_a_changed_chunk_is_refused(hub: Hub, cas: Cas) -> None:
    upload = make_upload(DATA, Scheme.NONE)
    body = bytearray(upload.xorb)
    body[5000] ^= 1
    refused(cas.post_xorb(upload.name, bytes(body)), "its chunks hash to")
    assert list(hub.registry.store.keys("xorb")) == []


def test_a_xorb_under_another_name_is_refused(cas: Cas) -> None:
    refused(cas.post_xorb(bytes(range(32)), make_upload(DATA).xorb), "its chunks hash to")


def test_chunks_in_another_order_are_refused(cas: Cas) -> None:
    upload = make_upload(DATA, Scheme.NONE)
    first = upload.table.span(0, 1)[1]
    refused(cas.post_xorb(upload.name, upload.xorb[first:] + upload.xorb[:first]), "hash to")


def test_a_name_that_is_no_hash_is_refused(cas: Cas) -> None:
    answer = cas.request("POST", "/v1/xorbs/default/..%2F..%2Fsecret.key", content=b"x")
    refused(answer, "is not a xet hash")


@pytest.mark.parametrize("scheme", [Scheme.LZ4, Scheme.GROUPED_LZ4])
@pytest.mark.parametrize("announced", [1, 10_000, chunks.MAX_CHUNK])
def test_a_decompression_bomb_never_unfolds(cas: Cas, scheme: Scheme, announced: int) -> None:
    bomb = lz4.frame.compress(bytes(64 << 20), store_size=False)
    header = struct.pack("<II", len(bomb) << 8, scheme | announced << 8)
    refused(cas.post_xorb(bytes(32), header + bomb), "does not end after")


def test_a_frame_that_claims_an_absurd_size_is_refused(cas: Cas) -> None:
    frame = bytearray(lz4.frame.compress(b"x" * 1000, store_size=True))
    frame[6:14] = b"\xff" * 8
    header = struct.pack("<II", len(frame) << 8, Scheme.LZ4 | 1000 << 8)
    assert cas.post_xorb(bytes(32), header + bytes(frame)).status_code == 400


def test_a_xorb_of_too_many_bytes_is_refused(cas: Cas) -> None:
    path = f"/v1/xorbs/default/{'0' * 64}"
    answer = cas.request("POST", path, content=bytes(66 << 20))
    refused(answer, "over the limit", 413)


# -- shards that lie ----------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [0, 47, 48, 100, 200, -1])
def test_a_truncated_shard_is_refused(hub: Hub, cas: Cas, repo: Repo, cut: int) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    assert cas.post_shard(upload.shard()[:cut]).status_code == 400
    assert holds_nothing(hub.registry, repo)


def test_a_file_of_missing_xorbs_is_refused(hub: Hub, cas: Cas, repo: Repo) -> None:
    refused(cas.post_shard(make_upload(DATA).shard()), "was not uploaded")
    assert holds_nothing(hub.registry, repo)


@pytest.mark.parametrize("version", [1, 2])
def test_a_wrong_sha256_is_refused(hub: Hub, cas: Cas, repo: Repo, version: int) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    answer = cas.post_shard(upload.shard(sha256=bytes(range(32))), version)
    assert "was announced with SHA-256 000102" in answer.text
    if version == 1:
        assert answer.status_code == 400
    else:
        assert answer.json() == {"type": "error", "retryable": False} | answer.json()
    assert holds_nothing(hub.registry, repo)


def test_a_wrong_sha256_of_a_known_file_is_refused(cas: Cas) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    refused(cas.post_shard(upload.shard(sha256=bytes(32))), "was announced with SHA-256")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"range_hashes": (bytes(32),)}, "verification hash of chunks 0 to 10"),
        ({"range_hashes": ()}, "without verification hashes"),
        ({"hash": bytes(range(32))}, "its chunks hash to"),
    ],
)
def test_wrong_hashes_in_a_shard_are_refused(
    hub: Hub, cas: Cas, repo: Repo, changes: dict, reason: str
) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    refused(cas.post_shard(upload.shard(**changes)), reason)
    assert holds_nothing(hub.registry, repo)


@pytest.mark.parametrize(
    ("start", "end", "length", "reason"),
    [
        (0, 11, 95_000, "which has 10"),
        (5, 5, 0, "which has 10"),
        (6, 5, 0, "which has 10"),
        (0, 2**32 - 1, 95_000, "which has 10"),
        (0, 10, 94_999, "announces 94999 bytes"),
    ],
)
def test_terms_outside_their_xorb_are_refused(
    cas: Cas, start: int, end: int, length: int, reason: str
) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    terms = (Term(upload.name, start, end, length),)
    refused(cas.post_shard(upload.shard(terms=terms)), reason)


def test_one_bad_file_keeps_the_others_out(hub: Hub, cas: Cas, repo: Repo) -> None:
    upload = make_upload(DATA)
    cas.send_xorb(upload)
    bad = replace(
        make_file([Term(upload.name, 0, 1, 10_000)], {upload.name: upload.table}), hash=b"\1" * 32
    )
    assert cas.post_shard(shards.build([upload.file, bad], [])).status_code == 400
    assert holds_nothing(hub.registry, repo)


def test_a_file_over_the_limit_is_refused_before_any_work(hub: Hub, cas: Cas) -> None:
    upload = make_upload(bytes(95_000))
    cas.send_xorb(upload)
    terms = (Term(upload.name, 0, 10, 2**32 - 1),) * 1300
    answer = cas.post_shard(upload.shard(terms=terms, range_hashes=(bytes(32),) * 1300))
    refused(answer, f"limit of {hub.registry.limits.large_file}", 413)


# -- other people's bytes -------------------------------------------------------------------------


def test_a_private_xorb_cannot_be_referred_to(eve: Cas, secret: Upload) -> None:
    foreign = eve.post_shard(secret.shard())
    absent = eve.post_shard(make_upload(b"never uploaded").shard())
    refused(foreign, "was not uploaded to eve/copy")
    refused(absent, "was not uploaded to eve/copy")


def test_deduplication_does_not_tell_what_private_repos_hold(eve: Cas, secret: Upload) -> None:
    known, unknown = eve.query(secret.first_chunk), eve.query(bytes(32))
    assert (known.status_code, known.json()) == (404, unknown.json())


def test_uploading_does_not_tell_what_private_repos_hold(eve: Cas, secret: Upload) -> None:
    assert eve.send_xorb(secret).json() == {"was_inserted": True}
    assert eve.send_xorb(secret).json() == {"was_inserted": False}


def test_known_chunks_do_not_open_the_rest_of_a_private_xorb(eve: Cas, secret: Upload) -> None:
    mine = make_upload(secret.data[:20_000])  # the first two chunks of ada's file
    eve.send(mine)
    refused(eve.post_shard(secret.shard()), "was not uploaded")
    [[link]] = eve.reconstruct(mine.file.hash).json()["xorbs"].values()
    everything = httpx2.get(link["url"], headers={"Range": f"bytes=0-{len(secret.xorb) - 1}"})
    refused(everything, "other byte ranges", 403)


def test_a_file_built_from_private_xorbs_gives_no_right_to_them(
    hub: Hub, eve: Cas, secret: Upload
) -> None:
    eve.send(secret)  # eve has the same file from elsewhere: same xorb, same name
    first = make_upload(b"more of ada's" * 5000)
    both = {secret.name: secret.table, first.name: first.table}
    ada = Cas(hub, "ada/secret")
    ada.send_xorb(first)
    terms = [Term(u.name, 0, u.table.count, u.table.length) for u in (secret, first)]
    assert ada.post_shard(shards.build([make_file(terms, both)], [])).status_code == 200
    assert shards.parse(eve.query(secret.first_chunk).content).xorbs == (secret.name,)
    refused(eve.post_shard(first.shard()), "was not uploaded")


def test_a_private_file_cannot_be_reconstructed_from_another_repo(eve: Cas, secret: Upload) -> None:
    answer = eve.reconstruct(secret.file.hash)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")


def test_a_gated_repo_answers_no_deduplication_queries(hub: Hub, cas: Cas, eve: Cas) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    assert eve.query(upload.first_chunk).status_code == 200
    with hub.client(hub.token) as client:
        settings = client.put("/api/models/ada/bert/settings", json={"gated": "manual"})
    assert settings.status_code == 200
    assert eve.query(upload.first_chunk).status_code == 404
    refused(eve.post_shard(upload.shard()), "was not uploaded")


def test_a_fine_grained_token_deduplicates_within_its_scopes(hub: Hub, secret: Upload) -> None:
    make_repo(hub.registry, "ada/other")
    narrow = make_token(hub.registry, "ada", "fine-grained", scopes={"model/ada/other": "write"})
    other = Cas(hub, "ada/other", token=narrow)
    assert other.query(secret.first_chunk).status_code == 404
    assert Cas(hub, "ada/other").query(secret.first_chunk).status_code == 200


def test_an_organisation_shares_its_private_xorbs_with_members_only(hub: Hub, eve: Cas) -> None:
    make_org(hub.registry, "lab", ada="admin")
    make_repo(hub.registry, "lab/weights", private=True)
    make_repo(hub.registry, "ada/tuned")
    upload = make_upload(DATA)
    Cas(hub, "lab/weights").send(upload)
    assert Cas(hub, "ada/tuned").query(upload.first_chunk).status_code == 200
    assert eve.query(upload.first_chunk).status_code == 404


# -- tokens and links -----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "e30", "é", "=" * 5, "hf_" + "0" * 64])
def test_a_made_up_token_is_refused(hub: Hub, repo: Repo, token: str) -> None:
    del repo
    headers = {b"Authorization": b"Bearer " + token.encode()}
    answer = httpx2.get(f"{hub.url}/cas/v1/chunks/default/{'0' * 64}", headers=headers)
    assert answer.status_code == 401


def test_a_changed_token_is_refused(cas: Cas) -> None:
    cas.token = ("A" if cas.token[0] != "A" else "B") + cas.token[1:]
    assert cas.query(bytes(32)).status_code == 401


def test_an_access_token_is_no_xet_token(hub: Hub, cas: Cas) -> None:
    cas.token = hub.token
    assert cas.query(bytes(32)).status_code == 401


def test_no_body_is_read_without_a_token(hub: Hub) -> None:
    for path in (f"/cas/v1/xorbs/default/{'0' * 64}", "/cas/v1/shards", "/cas/v2/shards"):
        assert httpx2.post(hub.url + path, content=b"x").status_code == 401


def test_a_token_for_reading_cannot_write(hub: Hub, repo: Repo) -> None:
    reader, upload = Cas(hub, str(repo.repo_id), action="read"), make_upload(DATA)
    refused(reader.send_xorb(upload), "is for reading", 403)
    refused(reader.post_shard(upload.shard()), "is for reading", 403)
    refused(reader.query(upload.first_chunk), "is for reading", 403)


def caller_of(registry: Registry, secret: str) -> Caller:
    with registry.db.read() as conn:
        return tokens.identify(conn, secret, now=registry.clock())


def test_an_expired_token_is_refused(hub: Hub, repo: Repo) -> None:
    token = issue(hub.registry, caller_of(hub.registry, hub.token), repo, Action.WRITE)
    later = replace(hub.registry, clock=lambda: token.expires)
    with later.db.read() as conn, pytest.raises(Unauthenticated, match="has expired"):
        open_scope(conn, later, token.secret, Action.READ)


def test_a_link_is_no_token(hub: Hub, repo: Repo) -> None:
    fields = {"repo": str(repo.id), "token": "", "action": "READ"}
    expires = hub.registry.clock() + HOUR
    query = signed.query(hub.registry.secret, "xet xorb", fields, expires=expires)
    token = urlsafe_b64encode(query.encode()).decode()
    with hub.registry.db.read() as conn, pytest.raises(Unauthenticated):
        open_scope(conn, hub.registry, token, Action.READ)


def test_revoking_an_access_token_ends_its_xet_tokens(hub: Hub, repo: Repo) -> None:
    secret = make_token(hub.registry, "ada", name="short")
    cas = Cas(hub, str(repo.repo_id), token=secret)
    caller = caller_of(hub.registry, secret)
    with hub.registry.db.write() as conn:
        tokens.revoke(conn, caller.user, "short")
    assert cas.send_xorb(make_upload(DATA)).status_code == 401


def test_a_repo_deleted_during_an_upload_is_a_clear_error(hub: Hub, cas: Cas, repo: Repo) -> None:
    registry, upload = hub.registry, make_upload(DATA)
    cas.send_xorb(upload)
    scope = Scope(repo, caller_of(registry, hub.token))
    checked = registered.check(registry, scope, upload.shard())
    assert [done for done, _ in registered.prove(registry, checked)] == [len(DATA)]
    with registry.db.write() as conn:
        repos.remove(conn, repo)
    with pytest.raises(RepoNotFound, match="deleted during the upload"):
        registered.save(registry, scope, checked)
    with uploads.receive(registry, upload.name) as incoming:
        incoming.write(memoryview(upload.xorb))
        with pytest.raises(RepoNotFound, match="deleted during the upload"):
            uploads.keep(registry, scope, upload.name, incoming)


def test_a_repo_made_private_shuts_readers_out(hub: Hub, cas: Cas, repo: Repo) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    make_user(hub.registry, "eve")
    reader = Cas(hub, str(repo.repo_id), token=make_token(hub.registry, "eve"), action="read")
    assert reader.reconstruct(upload.file.hash).status_code == 200
    with hub.client(hub.token) as client:
        client.put("/api/models/ada/bert/settings", json={"visibility": "private"})
    assert reader.reconstruct(upload.file.hash).status_code == 404


@pytest.fixture
def link(cas: Cas) -> tuple[str, str]:
    """The URL of a link to part of a xorb, and the range it is for."""
    upload = make_upload(DATA)
    cas.send(upload)
    plan = cas.reconstruct(upload.file.hash, Range="bytes=20000-39999").json()
    [[found]] = plan["xorbs"].values()
    [span] = [part["bytes"] for part in found["ranges"]]
    return found["url"], f"bytes={span['start']}-{span['end']}"


def test_a_link_opens_its_range(link: tuple[str, str]) -> None:
    assert httpx2.get(link[0], headers={"Range": link[1]}).status_code == 206


@pytest.mark.parametrize(
    "asked",
    ["", "bytes=0-1", "bytes=0-", "bytes=-5", "bytes=39000-10", "lines=1-2", "bytes=1-2;3-4"],
)
def test_a_link_opens_nothing_else(link: tuple[str, str], asked: str) -> None:
    assert httpx2.get(link[0], headers={"Range": asked} if asked else {}).status_code == 403


def test_a_link_cannot_be_asked_for_the_same_bytes_over_and_over(link: tuple[str, str]) -> None:
    often = "bytes=" + ",".join([link[1].removeprefix("bytes=")] * 100)
    refused(httpx2.get(link[0], headers={"Range": often}), "fewer byte ranges", 403)


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": "0-99999"},
        {"xorb": "0" * 64},
        {"xorb": "../../secret.key"},
        {"expires": "99999999999"},
        {"expires": "x"},
        {"signature": "0" * 64},
        {"signature": "é"},
        {"more": "x"},
    ],
)
def test_a_changed_link_is_refused(link: tuple[str, str], change: dict[str, str]) -> None:
    parts = urlsplit(link[0])
    query = urlencode({**dict(parse_qsl(parts.query)), **change})
    answer = httpx2.get(parts._replace(query=query).geturl(), headers={"Range": link[1]})
    refused(answer, "not signed by this hub", 403)


def test_an_expired_link_is_refused(hub: Hub, cas: Cas) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    piece = reconstruction.Piece(0, 1, 0, 99)
    past = replace(hub.registry, clock=lambda: hub.registry.clock() - 2 * HOUR)
    [(query, _)] = reconstruction.links(past, upload.name, [piece])
    answer = httpx2.get(f"{hub.url}/cas/xorbs?{query}", headers={"Range": "bytes=0-99"})
    refused(answer, "has expired", 403)


def test_a_xorb_that_vanished_is_a_clear_error(hub: Hub, cas: Cas, repo: Repo) -> None:
    upload = make_upload(DATA)
    cas.send(upload)
    [[link]] = cas.reconstruct(upload.file.hash).json()["xorbs"].values()
    hub.registry.store.delete(xorb_key(hashes.to_text(upload.name)))
    span = link["ranges"][0]["bytes"]
    asked = {"Range": f"bytes={span['start']}-{span['end']}"}
    assert httpx2.get(link["url"], headers=asked).status_code == 404
    with hub.registry.db.read() as conn:
        found = files.find(conn, repo.id, hashlib.sha256(DATA).digest())
    assert found is not None
