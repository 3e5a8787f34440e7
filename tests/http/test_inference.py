"""Requests to run a model, from a caller through the hub to a worker and back."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from reprise.server.inference.settings import Settings
from tests.factories import Hub, make_token
from tests.scripted_worker import Asking, Workers, publish, scripted_workers

EVENTS = "text/event-stream"


@pytest.fixture
def inference_settings(request: pytest.FixtureRequest) -> Settings:
    """A short line, unless a test says otherwise."""
    return getattr(request, "param", Settings(queue=4, grace=0.1, broken=0.2))


@pytest.fixture
def workers(hub: Hub) -> Iterator[Workers]:
    with scripted_workers(hub) as start:
        yield start


def test_an_answer_comes_from_a_worker(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/bert")
    worker, body = workers(), {"inputs": "good", "parameters": {"top_k": 1}}
    client = hub.client()
    client.headers["user-agent"] = "unknown/None; hf_hub/0.36.0" + "x" * 1000
    asking = Asking(client, "/models/ada/bert", json=body)
    job = worker.job()
    told = worker.answer(job, b'[[{"label":"POS","score":1.0}]]')
    seconds = job.pop("deadline")
    assert 0 < seconds <= 60
    assert len(job.pop("job")) == 32
    assert job == {
        "kind": "task", "task": "text-classification", "repo": "ada/bert", "commit": commit,
        "read_token": None, "stream": False, "body": body,
        "client": "unknown/None; hf_hub/0.36.0" + "x" * 473,
    }  # fmt: skip
    assert told.status_code == 204
    assert (asking.answer.status_code, asking.answer.json()) == (
        200, [[{"label": "POS", "score": 1.0}]])  # fmt: skip
    assert asking.answer.headers["x-repo-commit"] == commit
    assert asking.answer.headers["x-content-type-options"] == "nosniff"
    metrics = hub.client().get("/metrics").text
    assert 'reprise_inference_jobs_total{kind="task",outcome="200"} 1.0' in metrics
    assert "reprise_inference_workers 1.0" in metrics
    counted = re.findall(
        r'reprise_http_requests_total\{method="POST",status="\d+"\} (\S+)', metrics
    )
    timed = re.findall(r'reprise_http_request_seconds_count\{method="POST"\} (\S+)', metrics)
    assert sum(map(float, counted)) - sum(map(float, timed)) == 1  # a poll is to take long


def test_pieces_reach_the_client_as_they_come(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/gpt")
    worker, seen = workers(), threading.Semaphore(0)

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            yield b"data: %d\n\n" % number
            assert seen.acquire(timeout=60)  # the client has it: only then comes the next

    def work() -> None:
        worker.answer(worker.job(), pieces(), content_type=EVENTS)

    working = threading.Thread(target=work)
    working.start()
    body = {"model": "ada/gpt", "messages": [], "stream": True}
    lines = []
    with hub.client().stream("POST", "/v1/chat/completions", json=body) as answer:
        for line in filter(None, answer.iter_lines()):
            lines.append(line)
            seen.release()
    working.join()
    assert (answer.status_code, lines) == (200, ["data: 0", "data: 1", "data: 2"])


def test_a_private_model_comes_with_a_token_that_reads_it_alone(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/hidden", private=True)
    publish(hub, "ada/other", private=True)
    worker = workers()
    asking = Asking(hub.client(hub.token), "/models/ada/hidden", json={"inputs": "x"})
    job = worker.job()
    reader = hub.client(job["read_token"])
    assert reader.get(f"/ada/hidden/resolve/{commit}/README.md").status_code == 200
    assert reader.get(f"/api/models/ada/hidden/xet-read-token/{commit}").status_code == 200
    assert reader.get("/ada/other/resolve/main/README.md").status_code == 404
    assert reader.get("/api/models/ada/hidden/xet-write-token/main").status_code == 403
    names = [it["id"] for it in reader.get("/api/models").json()]
    assert names == ["ada/hidden"]
    worker.answer(job, b"[]")
    assert asking.answer.status_code == 200


ASKED: list[tuple[str, str, dict[str, Any], str]] = [
    ("/models/ada/a", "sentence-similarity", {"inputs": "x"}, "feature-extraction"),
    ("/models/ada/b", "feature-extraction", {"inputs": {}}, "sentence-similarity"),
    ("/models/ada/c", "text-classification", {"parameters": {"candidate_labels": []}},
     "zero-shot-classification"),
    ("/pipeline/ner/ada/d@main", "fill-mask", {}, "token-classification"),
    ("/models/ada/e/pipeline/fill-mask", "summarization", {}, "fill-mask"),
]  # fmt: skip


def test_the_task_is_what_the_request_says_or_the_card(hub: Hub, workers: Workers) -> None:
    worker, client = workers(), hub.client()
    for letter, (path, tag, body, task) in zip("abcde", ASKED, strict=True):
        publish(hub, f"ada/{letter}", task=tag)
        asking = Asking(client, path, json=body)
        job = worker.job()
        worker.answer(job, b"{}")
        assert (job["task"], asking.answer.status_code) == (task, 200)


def test_sound_and_images_arrive_as_base64(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/ears", task="automatic-speech-recognition")
    worker = workers()
    for headers in ({"Content-Type": "audio/flac"}, {}):
        asking = Asking(hub.client(), "/models/ada/ears", content=b"\x00\xffRIFF", headers=headers)
        job = worker.job()
        worker.answer(job, b'{"text":"hi"}')
        assert job["body"] == {
            "inputs_base64": base64.b64encode(b"\x00\xffRIFF").decode(),
            "content_type": headers.get("Content-Type", "application/octet-stream"),
        }
        assert asking.answer.json() == {"text": "hi"}


def test_a_job_goes_to_the_worker_that_has_the_model(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/bert")
    others, fitting = workers(), workers()
    idle = Asking(others.http, f"/api/workers/{others.id}/next", json={"free": 4})
    loaded = {"free": 1, "loaded": [f"ada/bert@{commit}"]}
    polling = Asking(fitting.http, f"/api/workers/{fitting.id}/next", json=loaded)
    waits_for_polls(hub, 2)
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    job = polling.answer.json()
    fitting.answer(job, b"[]")
    assert asking.answer.status_code == 200
    others.leave()
    assert idle.answer.status_code == 204


def waits_for_polls(hub: Hub, count: int) -> None:
    """Wait until so many workers wait for a job."""
    while hub.client().get("/info").json()["idle"] < count:
        pass


def test_a_lost_workers_job_goes_to_another(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    first = workers()
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    lost = first.job()
    second = workers()
    first.leave()
    job = second.job()
    second.answer(job, b"[1]")
    assert (job["job"], asking.answer.json()) == (lost["job"], [1])


def test_without_another_worker_a_lost_job_is_to_be_sent_again(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers()
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    worker.job()
    worker.leave()
    assert (asking.answer.status_code, asking.answer.headers["retry-after"]) == (503, "2")
    assert asking.answer.json() == {"error": "The worker was lost. Try again."}


def cut_off(piece: bytes, seen: threading.Semaphore) -> Iterator[bytes]:
    """One piece; when somebody has seen it, what a killed process looks like from outside."""
    yield piece
    assert seen.acquire(timeout=60)
    raise ConnectionAbortedError


LOST = "The worker was lost in mid-answer. Try again."


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/chat/completions",
         {"error": {"message": LOST, "type": "server_error", "code": 503}}),
        ("/models/ada/gpt", {"error": LOST, "error_type": "incomplete_generation"}),
    ],
)  # fmt: skip
def test_a_stream_that_breaks_off_ends_with_an_error(
    hub: Hub, workers: Workers, path: str, told: dict[str, Any]
) -> None:
    publish(hub, "ada/gpt")
    worker, seen = workers(), threading.Semaphore(0)

    def work() -> None:
        with pytest.raises(ConnectionAbortedError):
            worker.answer(worker.job(), cut_off(b"data: 1\n\n", seen), content_type=EVENTS)

    working = threading.Thread(target=work)
    working.start()
    body = {"model": "ada/gpt", "inputs": "x", "stream": True}
    with hub.client().stream("POST", path, json=body) as answer:
        lines = filter(None, answer.iter_lines())
        first = next(lines)
        seen.release()
        rest = list(lines)
    working.join()
    assert (first, rest) == ("data: 1", [f"data: {json.dumps(told)}"])


def test_half_a_document_does_not_look_whole(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers()
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    with pytest.raises(ConnectionAbortedError):
        worker.answer(worker.job(), cut_off(b"[1,", threading.Semaphore(1)))
    with pytest.raises(httpx2.HTTPError):
        _ = asking.answer
    again = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"})
    worker.answer(worker.job(), b"[2]")
    assert again.answer.json() == [2]


def test_a_full_line_sends_callers_away_for_a_while(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers(slots=1)
    ask = {"path": "/models/ada/bert", "json": {"inputs": "x"}}
    waiting = [Asking(hub.client(), **ask) for _ in range(2)]
    while hub.client().get("/info").json()["waiting"] < 2:
        pass
    refused = hub.client().post(ask["path"], json=ask["json"])
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert refused.json()["error"] == (
        "2 of your requests are waiting already. Try again in a moment.")  # fmt: skip
    other = Asking(hub.client(hub.token), **ask)  # somebody else has a share of their own
    for _ in range(3):
        worker.answer(worker.job(), b"[]")
    assert [it.answer.status_code for it in (*waiting, other)] == [200, 200, 200]


def test_without_a_worker_the_answer_says_how_to_start_one(hub: Hub) -> None:
    publish(hub, "ada/bert")
    answer = hub.client().post("/models/ada/bert", json={"inputs": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "reprise worker --hub" in answer.json()["error"]


@pytest.mark.parametrize("inference_settings", [Settings(grace=0.1, everyone=False)], indirect=True)
def test_a_hub_may_run_models_for_members_alone(hub: Hub) -> None:
    publish(hub, "ada/bert")
    told = {}
    for path in ("/models/ada/bert", "/models/ada/bert/v1/embeddings"):
        for who, client in (("nobody", hub.client()), ("ada", hub.client(hub.token))):
            told[path, who] = client.post(path, json={"inputs": "x"}).status_code
    assert list(told.values()) == [401, 503, 401, 503]  # 503: there is no worker


def test_a_task_that_no_worker_knows_is_refused_at_once(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/painter", task="text-to-image")
    workers(tasks=["text-classification"])
    answer = hub.client().post("/models/ada/painter", json={"inputs": "x"})
    assert (answer.status_code, answer.json()["error"]) == (
        501, "No worker of this hub runs the task 'text-to-image'.")  # fmt: skip


def test_who_leaves_the_line_is_not_worked_for(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers()
    with pytest.raises(httpx2.ReadTimeout):
        hub.client().post("/models/ada/bert", json={"inputs": "left"}, timeout=0.2)
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "stays"})
    job = worker.job()
    assert job["body"] == {"inputs": "stays"}
    worker.answer(job, b"[]")
    assert asking.answer.status_code == 200


def test_a_worker_hears_that_a_client_left(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/bert")
    worker = workers()
    asking = Asking(hub.client(), "/models/ada/bert", json={"inputs": "x"}, timeout=0.5)
    job = worker.job()
    told = worker.poll(cancels=True).json()
    assert told == {"cancelled": [job["job"]]}
    gone = worker.answer(job, b"[]")
    assert (gone.status_code, gone.headers["connection"]) == (410, "close")
    with pytest.raises(httpx2.ReadTimeout):
        _ = asking.answer


def test_models_are_listed_and_described(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/bert")
    publish(hub, "ada/hidden", private=True)
    workers(slots=2)
    client, signed = hub.client(), hub.client(hub.token)
    assert [it["id"] for it in client.get("/v1/models").json()["data"]] == ["ada/bert"]
    seen = {it["id"] for it in signed.get("/v1/models").json()["data"]}
    assert seen == {"ada/bert", "ada/hidden"}
    one = client.get("/v1/models/ada%2Fbert").json()
    assert one.pop("created") > 1_600_000_000
    assert one == {"id": "ada/bert", "object": "model", "owned_by": "ada"}
    info = client.get("/models/ada/bert/info").json()
    assert info["model_id"] == "ada/bert"
    assert (info["model_sha"], info["model_pipeline_tag"]) == (commit, "text-classification")
    assert client.get("/models/ada/bert/health").status_code == 200
    assert client.get("/health").json() == {"status": "ok"}
    assert client.post("/", json={"inputs": "x"}).json()["error"].startswith("Say which model")
    hidden = client.get("/v1/models/ada%2Fhidden")
    assert (hidden.status_code, hidden.json()["error"]["type"]) == (404, "not_found_error")


def test_errors_below_v1_have_the_shape_its_clients_know(hub: Hub) -> None:
    made_up = {"Authorization": "Bearer not-needed"}
    answer = hub.client().post("/v1/completions", json={"model": "ada/absent"}, headers=made_up)
    assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RepoNotFound")
    assert answer.json() == {"error": {
        "message": "Repository not found: ada/absent", "type": "not_found_error", "param": None,
        "code": "RepoNotFound"}}  # fmt: skip
    unnamed = hub.client().post("/v1/completions", json={"prompt": "x"})
    assert unnamed.json()["error"]["type"] == "invalid_request_error"
    revoked = hub.client(make_token(hub.registry, "ada", name="t").replace("hf_", "hf_0"))
    assert revoked.post("/v1/completions", json={"model": "a/b"}).status_code == 401
