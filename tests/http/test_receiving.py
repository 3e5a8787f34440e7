"""Large bodies on their way in: in one go, piece by piece, cut off, refused, many at a time."""

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from reprise.registry.storage.store import file_key
from tests.committing import batch
from tests.factories import Hub, make_repo

pytestmark = pytest.mark.once  # no database has a part in it

DATA = os.urandom((9 << 20) + 12_345)  # some blocks and a bit
OID = hashlib.sha256(DATA).hexdigest()
HEALTH = b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n"


@pytest.fixture
def target(hub: Hub) -> str:
    """Where the file of this test may be sent to."""
    make_repo(hub.registry, "ada/bert")
    return offer(hub, DATA)


def offer(hub: Hub, data: bytes) -> str:
    (found,) = batch(hub.client(hub.token), "ada/bert", data)
    parts = urlsplit(found["actions"]["upload"]["href"])
    return f"{parts.path}?{parts.query}"


def head(target: str, *headers: str) -> bytes:
    return "\r\n".join([f"PUT {target} HTTP/1.1", "Host: hub", *headers, "", ""]).encode()


def sized(target: str, data: bytes = DATA) -> bytes:
    return head(target, f"Content-Length: {len(data)}")


@contextmanager
def connect(hub: Hub) -> Iterator[socket.socket]:
    parts = urlsplit(hub.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        yield connection


def answers(connection: socket.socket, count: int) -> list[int]:
    """Read the status of so many answers with short bodies of known length."""
    data = b""
    while len(found := re.findall(rb"HTTP/1.1 (\d+) [^\n]*\r\n(?:.+\r\n)*\r\n", data)) < count:
        piece = connection.recv(1 << 16)
        assert piece, data
        data += piece
    return [int(status) for status in found]


def stored(hub: Hub, data: bytes = DATA) -> bool:
    key = file_key(hashlib.sha256(data).hexdigest())
    return hub.registry.store.size(key) == len(data) and hub.registry.store.read(key) == data


def staged(hub: Hub) -> list[str]:
    """What lies in the staging folder, once the server had time to clean up."""
    for _ in range(100):
        left = list(hub.registry.store.keys("tmp"))
        if not left:
            return []
        time.sleep(0.05)
    return left


@pytest.mark.parametrize("step", [len(DATA), 1 << 20, 333_333])
def test_a_body_arrives_whole_however_it_is_cut(hub: Hub, target: str, step: int) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target))
        for at in range(0, len(DATA), step):
            connection.sendall(DATA[at : at + step])
        assert answers(connection, 1) == [200]
    assert stored(hub)


def test_a_body_may_start_in_the_packet_of_its_head(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA)
        assert answers(connection, 1) == [200]
    assert stored(hub)


def test_a_body_of_unknown_length_arrives_too(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(head(target, "Transfer-Encoding: chunked"))
        for at in range(0, len(DATA), 777_777):
            piece = DATA[at : at + 777_777]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n" + HEALTH)
        assert answers(connection, 2) == [200, 200]
    assert stored(hub)


def test_a_client_that_waits_for_100_continue_gets_it(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(head(target, f"Content-Length: {len(DATA)}", "Expect: 100-continue"))
        assert answers(connection, 1) == [100]
        connection.sendall(DATA)
        assert answers(connection, 1) == [200]
    assert stored(hub)


def test_what_is_sent_ahead_is_the_next_request(hub: Hub, target: str) -> None:
    other = DATA[: 5 << 20]
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA + HEALTH)
        connection.sendall(sized(offer(hub, other), other) + other + HEALTH)
        assert answers(connection, 4) == [200, 200, 200, 200]
    assert (stored(hub), stored(hub, other)) == (True, True)


def test_an_upload_may_queue_behind_another_request(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(HEALTH + HEALTH + sized(target) + DATA + HEALTH)
        assert answers(connection, 4) == [200, 200, 200, 200]
    assert stored(hub)


@pytest.mark.parametrize("sent", [0, 100, 1 << 20, len(DATA) - 1])
def test_an_upload_that_breaks_off_leaves_nothing(hub: Hub, target: str, sent: int) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA[:sent])
        time.sleep(0.1)
    assert (staged(hub), stored(hub)) == ([], False)
    assert hub.client().get("/health").status_code == 200


def test_an_upload_that_is_reset_leaves_nothing(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA[: 6 << 20])
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert (staged(hub), stored(hub)) == ([], False)


def test_half_a_connection_is_no_whole_upload(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert (staged(hub), stored(hub)) == ([], False)


def test_a_refused_body_is_thrown_away_and_the_connection_goes_on(hub: Hub, target: str) -> None:
    longer = DATA + DATA
    with connect(hub) as connection:
        connection.sendall(sized(target, longer) + longer + HEALTH)
        assert answers(connection, 2) == [422, 200]
    assert (staged(hub), stored(hub)) == ([], False)


def test_a_refused_sender_who_never_ends_is_let_go(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(head(target, f"Content-Length: {1 << 40}") + DATA + DATA)
        assert answers(connection, 1) == [422]
        connection.settimeout(30)
        assert connection.recv(1) == b"", "closed like any other idle connection"
    assert staged(hub) == []


def test_many_uploads_at_a_time_do_not_mix(hub: Hub) -> None:
    make_repo(hub.registry, "ada/bert")
    files = [DATA[number << 16 :] for number in range(24)]
    targets = [offer(hub, data) for data in files]

    def send(number: int) -> list[int]:
        with connect(hub) as connection:
            connection.sendall(sized(targets[number], files[number]) + files[number])
            return answers(connection, 1)

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(send, range(24))) == [[200]] * 24
    assert [stored(hub, data) for data in files] == [True] * 24


def test_slow_uploads_hold_up_nobody(hub: Hub, target: str) -> None:
    slow = []
    try:
        for _ in range(120):  # more than there are threads
            slow.append(socket.create_connection(urlsplit(hub.url).netloc.split(":"), timeout=20))
            slow[-1].sendall(sized(target) + DATA[:70_000])
        assert hub.client(hub.token).get("/api/models/ada/bert").status_code == 200
        slow[7].sendall(DATA[70_000:])
        assert answers(slow[7], 1) == [200]
    finally:
        for connection in slow:
            connection.close()
    assert (staged(hub), stored(hub)) == ([], True)


def test_bytes_of_uploads_are_counted(hub: Hub, target: str) -> None:
    with connect(hub) as connection:
        connection.sendall(sized(target) + DATA)
        assert answers(connection, 1) == [200]
    counted = re.search(r"^reprise_http_request_bytes_total (\S+)$", metrics(hub), re.MULTILINE)
    assert counted is not None
    assert float(counted[1]) >= len(DATA)


def metrics(hub: Hub) -> str:
    return hub.client().get("/metrics", headers={"Accept": "text/plain"}).text
