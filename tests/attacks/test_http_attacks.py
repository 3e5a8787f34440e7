"""Requests that are malformed below the level of any face."""

import socket
from urllib.parse import urlsplit

import pytest

from reprise.server.protocol import MAX_HEADER_BYTES
from tests.factories import Hub, make_repo


def send(hub: Hub, raw: bytes) -> bytes:
    parts = urlsplit(hub.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(raw)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
    return answer


def request(target: str, *headers: str) -> bytes:
    lines = [f"GET {target} HTTP/1.1", "Host: hub", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.mark.parametrize(
    "raw",
    [
        request("/health", f"X-Big: {'x' * (MAX_HEADER_BYTES + 1)}"),
        request("/health", *[f"X-{i}: {'y' * 900}" for i in range(100)]),
        request("/" + "z" * (MAX_HEADER_BYTES + 1)),
    ],
    ids=["one header", "many headers", "the URL"],
)
def test_oversized_headers_are_refused(hub: Hub, raw: bytes) -> None:
    assert send(hub, raw).startswith(b"HTTP/1.1 431 ")
    assert hub.client().get("/health").status_code == 200


@pytest.mark.parametrize(
    "raw",
    [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
     b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"],
)  # fmt: skip
def test_broken_requests_are_refused(hub: Hub, raw: bytes) -> None:
    assert send(hub, raw).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "target",
    ["/ada/x/resolve/main/..%2F..%2Fsecret.key", "/ada/x/resolve/main/%2e%2e/%2e%2e/secret.key",
     "/ada/x/resolve/..%2F..%2Fmain/a", "/ada/x/resolve/main/%00", "/ada/x/resolve/main/a%0d%0ab",
     "/ada%2Fx/resolve/main/..%252F..%252Fsecret.key", "/static/..%2F..%2Fapp.py",
     "/static/../app.py", "/ada/x/resolve/main/%ff%fe", "/api/models/ada%2f..%2fx"],
)  # fmt: skip
def test_encoded_tricks_reach_nothing(hub: Hub, target: str) -> None:
    make_repo(hub.registry, "ada/x")
    status = int(send(hub, request(target)).split(b" ")[1])
    assert status in {400, 404}


def test_a_request_id_is_echoed_unless_it_could_forge_a_log(hub: Hub) -> None:
    client = hub.client()
    assert client.get("/health", headers={"X-Request-Id": "a-1"}).headers["X-Request-Id"] == "a-1"
    forged = client.get("/health", headers={"X-Request-Id": 'x"} {"level'})
    assert forged.headers["X-Request-Id"] != 'x"} {"level'


def test_an_error_message_cannot_smuggle_headers(hub: Hub) -> None:
    answer = hub.client().get("/api/models/ada/x%0d%0aSet-Cookie:%20a=b")
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
