"""Large bodies on their way out: whole or in chunks, plain or packed, to slow clients and none."""

import hashlib
import os
import random
import socket
import time
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from reprise.formats.xet import hashes, shards, xorbs
from reprise.formats.xet.chunks import Scheme, encode
from reprise.registry.storage.store import xorb_key
from reprise.server.app import create_app
from tests.committing import commit
from tests.factories import Hub, make_repo
from tests.xet_uploads import Cas, make_file, make_upload

pytestmark = pytest.mark.once  # no database has a part in it

MIB = 1 << 20
NOISE = os.urandom(3 * MIB)
TEXT = b"all work and no play " * 60_000
URL = "/ada/bert/resolve/main/big.bin"


@pytest.fixture
def cas(hub: Hub) -> Cas:
    make_repo(hub.registry, "ada/bert")
    return Cas(hub, "ada/bert")


def publish(hub: Hub, data: bytes) -> None:
    """Commit a file whose bytes came by Xet."""
    oid = hashlib.sha256(data).hexdigest()
    header = b'{"key":"header","value":{"summary":"Add"}}\n'
    line = b'{"key":"lfsFile","value":{"path":"big.bin","algo":"sha256","oid":"%b","size":%d}}\n'
    body = header + line % (oid.encode(), len(data))
    hub.client(hub.token).post("/api/models/ada/bert/commit/main", content=body).raise_for_status()


def mixed() -> tuple[bytes, list[bytes]]:
    """Chunks of all sizes, some of which compress; returns the file and the packed chunks."""
    dice, parts, packed = random.Random(1), [], []
    for _ in range(300):
        source = dice.choice([NOISE, NOISE, TEXT])
        at, size = dice.randrange(MIB), dice.randrange(1, 60_000)
        parts.append(source[at : at + size])
        packed.append(encode(parts[-1], dice.choice([Scheme.NONE, Scheme.LZ4, Scheme.GROUPED_LZ4])))
    return b"".join(parts), packed


def send_mixed(hub: Hub, cas: Cas) -> bytes:
    data, packed = mixed()
    xorb = b"".join(packed)
    table = xorbs.Verifier()
    table.update(xorb)
    plain = [bytes(it) for it in xorbs.chunks(xorb)]
    _, layout = xorbs.build(plain)
    name = hashes.tree_hash(layout.nodes(0, layout.count))
    assert cas.post_xorb(name, xorb).status_code == 200
    found = table.finish(name)
    file = make_file([shards.Term(name, 0, found.count, len(data))], {name: found})
    assert cas.post_shard(shards.build([file], [(name, found)])).status_code == 200
    publish(hub, data)
    return data


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("data", [NOISE, TEXT], ids=["noise", "text"])
def test_a_file_in_xorbs_is_sent_whole_and_in_ranges(
    hub: Hub, cas: Cas, data: bytes, scheme: Scheme
) -> None:
    cas.send(make_upload(data, scheme, runs=3))
    publish(hub, data)
    client = hub.client()
    assert client.get(URL).content == data
    for start, end in [(0, 0), (9_999, 10_000), (1, len(data) - 2), (777_777, 777_800)]:
        answer = client.get(URL, headers={"Range": f"bytes={start}-{end}"})
        assert (answer.status_code, answer.content) == (206, data[start : end + 1])


def test_packed_and_plain_chunks_may_take_turns(hub: Hub, cas: Cas) -> None:
    data = send_mixed(hub, cas)
    client, dice = hub.client(), random.Random(2)
    assert client.get(URL).content == data
    for _ in range(25):
        start, end = sorted(dice.sample(range(len(data)), 2))
        answer = client.get(URL, headers={"Range": f"bytes={start}-{end}"})
        assert answer.content == data[start : end + 1]


def test_other_servers_send_the_same_bytes(hub: Hub, cas: Cas) -> None:
    data = send_mixed(hub, cas)
    with TestClient(create_app(hub.registry)) as client:  # knows nothing of our extension
        assert client.get(URL).content == data
        answer = client.get(URL, headers={"Range": "bytes=100000-2000000"})
        assert answer.content == data[100_000:2_000_001]


def request(hub: Hub, headers: str = "") -> socket.socket:
    parts = urlsplit(hub.url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=20)
    connection.sendall(f"GET {URL} HTTP/1.1\r\nHost: hub\r\n{headers}\r\n".encode())
    return connection


def body(connection: socket.socket, size: int) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(4096)
    data = bytearray(data.partition(b"\r\n\r\n")[2])
    while len(data) < size:
        piece = connection.recv(1 << 16)
        assert piece
        data += piece
    return bytes(data)


@pytest.mark.parametrize("way", ["whole", "xorbs"])
def test_slow_downloads_hold_up_nobody(hub: Hub, cas: Cas, way: str) -> None:
    data = os.urandom(20 * MIB)
    if way == "whole":
        commit(hub.registry, "ada/bert", {}, {"big.bin": data})
    else:
        parts = [data[at : at + 65_536] for at in range(0, len(data), 65_536)]
        xorb, table = xorbs.build(parts, Scheme.NONE)
        name = hashes.tree_hash(table.nodes(0, table.count))
        assert cas.post_xorb(name, xorb).status_code == 200
        file = make_file([shards.Term(name, 0, table.count, len(data))], {name: table})
        assert cas.post_shard(shards.build([file], [(name, table)])).status_code == 200
        publish(hub, data)
    slow = [request(hub) for _ in range(60)]  # more than there are threads
    try:
        assert hub.client().get(URL).content == data
        assert [body(connection, len(data)) == data for connection in slow[:3]] == [True] * 3
    finally:
        for connection in slow:
            connection.close()
    assert hub.client().get("/health").status_code == 200


def test_a_connection_goes_on_after_a_body(hub: Hub, cas: Cas) -> None:
    data = send_mixed(hub, cas)
    with request(hub) as connection:
        for _ in range(3):
            assert body(connection, len(data)) == data
            connection.sendall(f"GET {URL} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
        assert body(connection, len(data)) == data


def test_a_xorb_that_vanished_is_an_error_before_the_head(hub: Hub, cas: Cas) -> None:
    upload = make_upload(NOISE, Scheme.NONE)
    cas.send(upload)
    publish(hub, NOISE)
    hub.registry.store.delete(xorb_key(hashes.to_text(upload.name)))
    assert hub.client().get(URL).status_code == 404


def test_a_file_cut_short_on_disk_breaks_the_connection(hub: Hub) -> None:
    make_repo(hub.registry, "ada/bert")
    data = os.urandom(8 * MIB)
    commit(hub.registry, "ada/bert", {}, {"big.bin": data})
    (key,) = hub.registry.store.keys("sha256")
    path = hub.registry.store.path(key)
    assert path is not None
    os.truncate(path, 5 * MIB)
    with request(hub) as connection:
        received = 0
        while piece := connection.recv(1 << 20):
            received += len(piece)
    assert 5 * MIB <= received < len(data)
    time.sleep(0.05)
    assert hub.client().get("/health").status_code == 200
