"""Requests to run a model, from a caller through the hub to a worker and back."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.factories import Hub, make_repo, make_token, make_user
from tests.scripted_worker import Asking, ScriptedWorker

CARD = b"---\npipeline_tag: text-classification\n---\n"
Workers = Callable[..., ScriptedWorker]


@pytest.fixture
def workers(hub: Hub) -> Iterator[Workers]:
    """Starts workers, and ends them before the hub ends."""
    make_user(hub.registry, "op")
    token, started = make_token(hub.registry, "op", "worker"), []

    def start(**options: Any) -> ScriptedWorker:
        started.append(ScriptedWorker(hub.url, token, **options))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


def publish(hub: Hub, name: str, *, private: bool = False, card: bytes = CARD) -> str:
    """A model with a card; returns its commit."""
    make_repo(hub.registry, name, private=private)
    hub.api().upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=name)
    return hub.api().model_info(name).sha


def test_an_answer_comes_from_a_worker(hub: Hub, workers: Workers) -> None:
    commit = publish(hub, "ada/bert")
    worker, body = workers(), {"inputs": "good", "parameters": {"top_k": 1}}
    asking = Asking(hub.client(), "/models/ada/bert", json=body)
    job = worker.job()
    told = worker.answer(job, b'[[{"label":"POS","score":1.0}]]')
    seconds = job.pop("deadline")
    assert 50 < seconds <= 60
    assert len(job.pop("job")) == 32
    assert job == {
        "kind": "task", "task": "text-classification", "repo": "ada/bert", "commit": commit,
        "read_token": None, "stream": False, "body": body,
    }  # fmt: skip
    assert told.status_code == 204
    assert (asking.answer.status_code, asking.answer.json()) == (
        200, [[{"label": "POS", "score": 1.0}]])  # fmt: skip
    assert asking.answer.headers["x-repo-commit"] == commit
    assert asking.answer.headers["x-content-type-options"] == "nosniff"


def test_pieces_reach_the_client_as_they_come(hub: Hub, workers: Workers) -> None:
    publish(hub, "ada/gpt")
    worker, seen = workers(), threading.Semaphore(0)

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            yield b"data: %d\n\n" % number
            assert seen.acquire(timeout=60)  # the client has it: only then comes the next

    def work() -> None:
        worker.answer(worker.job(), pieces(), content_type="text/event-stream")

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
    file = reader.get(f"/ada/hidden/resolve/{commit}/README.md")
    assert (file.status_code, file.content) == (200, CARD)
    xet = reader.get(f"/api/models/ada/hidden/xet-read-token/{commit}")
    assert xet.status_code == 200
    assert reader.get("/ada/other/resolve/main/README.md").status_code == 404
    assert reader.get("/api/models/ada/hidden/xet-write-token/main").status_code == 403
    assert hub.client().get("/ada/hidden/resolve/main/README.md").status_code == 404
    worker.answer(job, b"[]")
    assert asking.answer.status_code == 200
