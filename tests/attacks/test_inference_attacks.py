"""Inference under attack: by callers, by workers that lie, by both being too many or too slow."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator

import httpx2
import pytest

from reprise.registry import accounts, tokens
from reprise.server.inference.settings import MIB, Settings
from tests.factories import Hub, make_token, make_user
from tests.scripted_worker import Asking, ScriptedWorker, Workers, publish, scripted_workers

ROUTES = [
    ("/models/{}", {"inputs": "x"}),
    ("/models/{}@main", {"inputs": "x"}),
    ("/pipeline/fill-mask/{}", {"inputs": "x"}),
    ("/models/{}/v1/chat/completions", {"messages": []}),
    ("/v1/chat/completions", {"model": "{}", "messages": []}),
    ("/v1/completions", {"model": "{}", "prompt": "x"}),
    ("/v1/embeddings", {"model": "{}@main", "input": "x"}),
]


@pytest.fixture
def inference_settings() -> Settings:
    """Little patience, little room."""
    return Settings(
        deadline=0.4, longest=1.2, grace=0.1, stalled=0.3, body=MIB, bodies=2 * MIB,
        answer=16 * MIB,
    )  # fmt: skip


@pytest.fixture
def workers(hub: Hub) -> Iterator[Workers]:
    with scripted_workers(hub) as start:
        yield start


def test_a_strangers_question_tells_nothing_of_a_private_model(hub: Hub) -> None:
    publish(hub, "ada/hidden", private=True)
    make_user(hub.registry, "bob")
    for client in (hub.client(), hub.client(make_token(hub.registry, "bob"))):
        for path, body in ROUTES:
            told = []
            for name in ("ada/hidden", "ada/absent"):
                sent = json.dumps(body).replace("{}", name)
                answer = client.post(path.format(name), content=sent)
                told.append((answer.status_code, answer.text.replace(name, "it")))
            assert told[0] == told[1]
            assert told[0][0] == 404
        for path in ("/models/{}/info", "/models/{}/health", "/v1/models/{}"):
            answers = [client.get(path.format(name)) for name in ("ada/hidden", "ada/absent")]
            assert [it.status_code for it in answers] == [404, 404]


def test_only_a_worker_token_makes_a_worker(hub: Hub) -> None:
    scopes = {"model/ada/bert": "write"}
    sent = [None, hub.token, make_token(hub.registry, "ada", "read"), "x" * 64,
              make_token(hub.registry, "ada", "fine-grained", scopes=scopes)]  # fmt: skip
    said = {"name": "evil", "tasks": [], "slots": 1}
    told = [hub.client(token).post("/api/workers", json=said).status_code for token in sent]
    assert told == [401, 403, 403, 401, 403]


def test_a_worker_token_opens_nothing_else(hub: Hub) -> None:
    publish(hub, "ada/hidden", private=True)
    client = hub.client(make_token(hub.registry, "ada", "worker"))
    assert client.get("/ada/hidden/resolve/main/README.md").status_code == 404
    assert client.get("/api/models").json() == []
    assert client.post("/models/ada/hidden", json={"inputs": "x"}).status_code == 404
    made = client.post("/api/repos/create", json={"name": "mine"})
    assert made.status_code in {403, 404}


def test_a_job_is_answered_by_nobody_but_its_worker(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    honest, rival = workers(), workers()
    foreign = workers(token=make_token(hub.registry, "ada", "worker"))
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    job = honest.job()
    forged = f"/api/workers/{honest.id}/jobs/{job['job']}/answer"
    head = {"X-Reprise-Status": "200", "Content-Type": "application/json"}
    assert rival.answer(job, b'["forged"]').status_code == 404
    assert foreign.http.post(forged, content=b'["forged"]', headers=head).status_code == 404
    assert foreign.http.post(f"/api/workers/{honest.id}/next", json={}).status_code == 404
    assert foreign.http.delete(f"/api/workers/{honest.id}").status_code == 404
    assert hub.client(hub.token).post(forged, content=b"[]", headers=head).status_code == 403
    assert honest.answer(job, b'["true"]').status_code == 204
    assert honest.answer(job, b'["twice"]').status_code == 404
    assert asking.answer.json() == ["true"]


HEADS = [
    ("200", "text/html"), ("302", "application/json"), ("100", "application/json"),
    ("2000", "application/json"), ("-1", "application/json"), ("", "application/json"),
    ("200", "application/json; charset=utf-8; x=<script>"), ("200", "image/svg+xml"),
    ("200\tX", "application/json"),
]  # fmt: skip


def test_a_workers_head_cannot_put_anything_else_into_the_answer(
    hub: Hub, workers: Workers
) -> None:
    publish(hub, "ada/bert")
    worker, client = workers(), hub.client()
    for status, content_type in HEADS:
        asking = Asking(client, "/models/ada/bert", json={"inputs": "x"})
        told = worker.answer(worker.job(), b"<script>", status=status, content_type=content_type)
        assert told.status_code == 400
        assert (asking.answer.status_code, asking.answer.headers["content-type"]) == (
            502, "application/json")  # fmt: skip
        assert "script" not in asking.answer.text


def test_a_line_break_in_a_workers_head_ends_its_connection(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers()
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    path = f"/api/workers/{worker.id}/jobs/{worker.job()['job']}/answer"
    token = worker.http.headers["authorization"]
    text = (
        f"POST {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\nContent-Length: 2\r\n"
        "Content-Type: application/json\r\nX-Reprise-Status: 200\rSet-Cookie: a=b\r\n\r\n[]"
    )
    assert raw(hub, text.encode()).startswith(b"HTTP/1.1 400")
    assert asking.answer.status_code == 504
    assert "set-cookie" not in asking.answer.headers


def raw(hub: Hub, text: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2]))) as connection:
        connection.sendall(text)
        return connection.recv(1 << 16)


BODIES = {
    b"[" * 100_000: 400,
    b'{"a":' * 3000 + b"1" + b"}" * 3000: 400,
    b"[]": 400,
    '{"inputs": "x"}'.encode("utf-16"): 400,
    b"\xff{}": 400,
    b"": 400,
    b'{"inputs": "' + b"x" * MIB + b'"}': 413,
}


def test_hostile_bodies_are_refused(hub: Hub) -> None:
    publish(hub, "ada/bert")
    client, headers = hub.client(), {"Content-Type": "application/json"}
    for path in ("/models/ada/bert", "/models/ada/bert/v1/completions"):
        told = [client.post(path, content=it, headers=headers).status_code for it in BODIES]
        assert told == list(BODIES.values())
    assert client.get("/health").status_code == 200


NAMES = ["../../etc", "ada", "a/b/c", "ada/bert@", "ada/bert@no such", "ada/bert@main@main",
         "ada\x00/bert", "é/é", 7, None, ["ada"]]  # fmt: skip


def test_hostile_names_are_errors_that_say_so(hub: Hub) -> None:
    publish(hub, "ada/bert")
    client = hub.client()
    for name in NAMES:
        answer = client.post("/v1/embeddings", json={"model": name, "input": "x"})
        assert answer.status_code in {400, 404, 503}  # 503: it is there, only no worker is
        assert answer.json()["error"]["message"]


def test_an_endless_body_is_cut_off(hub: Hub) -> None:
    publish(hub, "ada/bert")

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    assert status_or_cut(hub.client(), "/models/ada/bert", endless()) in {413, None}


def status_or_cut(client: httpx2.Client, path: str, body: Iterator[bytes]) -> int | None:
    """The status of an answer, or None when the connection closed while the body was sent."""
    try:
        return client.post(path, content=body).status_code
    except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
        return None


def test_an_endless_answer_is_cut_off(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/gpt")
    worker = workers()

    def endless() -> Iterator[bytes]:
        while True:
            yield b"data: x\n\n" * 4096

    asking = Asking(hub.client(), "/models/ada/gpt", json={"inputs": "x", "stream": True})
    job = worker.job()
    worker.http.headers |= {"X-Reprise-Status": "200", "Content-Type": "text/event-stream"}
    path = f"/api/workers/{worker.id}/jobs/{job['job']}/answer"
    assert status_or_cut(worker.http, path, endless()) in {413, 410, None}
    assert len(asking.answer.content) < 17 * MIB
    assert asking.answer.text.endswith('"error_type": "incomplete_generation"}\n\n')


def test_a_client_that_does_not_read_is_left(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/gpt")
    worker, body = workers(), b'{"inputs": "x", "stream": true}'
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", int(hub.url.rpartition(":")[2])))
        connection.sendall(
            b"POST /models/ada/gpt HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        job = worker.job()

        def much() -> Iterator[bytes]:
            for _ in range(12):  # under the limit of an answer, over what the sockets keep
                yield b"data: " + b"x" * MIB + b"\n\n"

        worker.http.headers |= {"X-Reprise-Status": "200", "Content-Type": "text/event-stream"}
        path = f"/api/workers/{worker.id}/jobs/{job['job']}/answer"
        assert status_or_cut(worker.http, path, much()) in {410, None}
    asking = Asking(hub.client(), "/models/ada/gpt", json={"inputs": "y"})
    worker.answer(worker.job(), b"[]")  # the worker is free for others
    assert asking.answer.json() == []


def test_a_worker_that_takes_jobs_and_keeps_them_is_not_waited_for(
    hub: Hub, workers: Workers
) -> None:
    publish(hub, "ada/bert")
    worker = workers(slots=2)
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    job = worker.job()
    assert (asking.answer.status_code, asking.answer.headers["retry-after"]) == (504, "5")
    late = worker.answer(job, b"[]")
    assert late.status_code == 410
    silent = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x", "stream": True})
    job = worker.job()

    def slow() -> Iterator[bytes]:
        yield b"data: 1\n\n"
        silent.join(60)
        yield b"data: 2\n\n"

    told = worker.answer(job, slow(), content_type="text/event-stream")
    assert told.status_code == 410
    assert silent.answer.text.startswith("data: 1\n\ndata: {")
    assert "said nothing for 0.4 seconds" in silent.answer.text


def test_an_answer_that_drips_forever_is_ended(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/gpt")
    worker = workers()
    asking = Asking(hub.client(), "/models/ada/gpt", json={"inputs": "x", "stream": True})
    job = worker.job()

    def drip() -> Iterator[bytes]:
        while True:
            yield b"data: 1\n\n"
            time.sleep(0.05)

    worker.http.headers |= {"X-Reprise-Status": "200", "Content-Type": "text/event-stream"}
    path = f"/api/workers/{worker.id}/jobs/{job['job']}/answer"
    assert status_or_cut(worker.http, path, drip()) in {410, None}
    assert "The answer took over 1.2 seconds." in asking.answer.text


CLAIMS: list[dict[str, object]] = [
    {"slots": 0}, {"slots": "4"}, {"slots": 10**9}, {"slots": True}, {"tasks": "all"},
    {"tasks": [1]}, {"tasks": ["x" * 400]}, {"name": 5}, {"name": "x" * 400},
]  # fmt: skip


def test_what_a_worker_says_about_itself_is_checked(hub: Hub) -> None:
    client = hub.client(make_token(hub.registry, "ada", "worker"))
    for said in CLAIMS:
        answer = client.post("/api/workers", json=said)
        assert (answer.status_code, next(iter(said)) in answer.json()["error"]) == (400, True)


def test_read_tokens_cannot_be_made_changed_or_kept(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/hidden", private=True)
    secret = make_token(hub.registry, "ada", "read", name="short")
    worker = workers()
    asking = Asking(hub.client(secret), "/models/ada/hidden", json={"inputs": "x"})
    job = worker.job()
    token, path = job["read_token"], "/ada/hidden/resolve/main/README.md"
    worker.answer(job, b"[]")
    assert asking.answer.status_code == 200
    assert hub.client(token).get(path).status_code == 200
    forged = ["job_", "job_AAAA", token[:-2], f"job_{token}", token.replace("job_", "job_A")]
    assert [hub.client(it).get(path).status_code for it in forged] == [401] * len(forged)
    said = {"name": "evil"}
    assert hub.client(token).post("/api/workers", json=said).status_code == 403
    with hub.registry.db.write() as conn:
        tokens.revoke(conn, accounts.find(conn, "ada"), "short")
    assert hub.client(token).get(path).status_code == 401


def test_a_thousand_waiting_requests_stop_nobody(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker: ScriptedWorker = workers()
    port = int(hub.url.rpartition(":")[2])
    request = (b"POST /models/ada/bert HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
               b'Content-Length: 13\r\nConnection: close\r\n\r\n{"inputs":""}')  # fmt: skip

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        line = await reader.readline()
        writer.close()
        return line.split()[1]

    async def flood() -> list[bytes]:
        return await asyncio.gather(*(ask() for _ in range(1000)))

    told = asyncio.run(flood())
    assert set(told) <= {b"429", b"503"}  # too many, or in line until the deadline
    assert told.count(b"429") >= 500
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "after"})
    job = worker.job()
    worker.answer(job, b"[]")
    assert (job["body"], asking.answer.status_code) == ({"inputs": "after"}, 200)
