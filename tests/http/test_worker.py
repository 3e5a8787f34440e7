"""A worker end to end: real clients, the hub, the worker, a process per model."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import InferenceClient

from reprise.worker.service import Service
from reprise.worker.settings import GB, Settings
from tests.factories import Hub, make_token
from tests.pipeline_models import save
from tests.worker_models import save_writer

pytestmark = pytest.mark.once  # one kind of database is enough: what is tested is the client

LONG = 50_000  # tokens: nobody waits for that many


@pytest.fixture
def start(hub: Hub) -> Iterator[Callable[..., Service]]:
    """Starts a worker of the hub; it ends with the test."""
    running = []

    def begin(**settings: Any) -> Service:
        token = make_token(hub.registry, "ada", "worker", name=f"worker {len(running)}")
        service = Service(Settings(hub=hub.url, token=token, grace=5, **settings), [])
        service.register()
        thread = threading.Thread(target=service.run)
        thread.start()
        running.append((service, thread))
        return service

    yield begin
    for service, thread in running:
        service.stop()
        thread.join(30)
        assert not thread.is_alive()


def publish(hub: Hub, folder: Path, repo: str, **card: str) -> None:
    lines = "".join(f"{name}: {value}\n" for name, value in card.items())
    (folder / "README.md").write_text(f"---\n{lines}---\n")
    api = hub.api(hub.token)
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder)


def client(hub: Hub, repo: str) -> InferenceClient:
    return InferenceClient(f"{hub.url}/models/{repo}", token=hub.token, timeout=60)


def until(ready: Callable[[], object]) -> None:
    while not ready():
        time.sleep(0.02)


def test_clients_are_answered_by_models_in_processes(
    hub: Hub, start: Callable[..., Service], tmp_path: Path
) -> None:
    publish(hub, save(tmp_path / "c", "BertForSequenceClassification"), "ada/cards",
            pipeline_tag="text-classification")  # fmt: skip
    publish(hub, save_writer(tmp_path / "w", length=LONG), "ada/writer",
            pipeline_tag="text-generation")  # fmt: skip
    service = start(memory=1 * GB)
    cards, writer = client(hub, "ada/cards"), client(hub, "ada/writer")
    first = cards.text_classification("My card", top_k=1)
    assert [set(one) for one in first] == [{"label", "score"}]
    whole = writer.text_generation("My card", max_new_tokens=9)
    pieces = writer.text_generation("My card", max_new_tokens=9, stream=True)
    assert "".join(pieces) == whole
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(writer.text_generation, "My card", max_new_tokens=n) for n in range(2, 10)
        ]
        answers = [one.result() for one in asked]
    assert answers[-1] == whole
    assert all(whole.startswith(answer.rstrip("\N{REPLACEMENT CHARACTER}")) for answer in answers)
    assert sorted(place.partition("@")[0] for place in service._pool.loaded()) == [
        "ada/cards", "ada/writer"]  # fmt: skip
    # What runs is finished when the worker is told to end.
    whole = writer.text_generation("My card", max_new_tokens=99)
    stream = writer.text_generation("My card", max_new_tokens=99, stream=True)
    first_piece = next(stream)
    service.stop()
    assert first_piece + "".join(stream) == whole


def test_a_model_killed_in_mid_stream_is_started_again(
    hub: Hub, start: Callable[..., Service], tmp_path: Path
) -> None:
    publish(hub, save_writer(tmp_path / "w", length=LONG), "ada/writer",
            pipeline_tag="text-generation")  # fmt: skip
    service = start(memory=1 * GB)
    writer = client(hub, "ada/writer")
    stream = writer.text_generation("My card", max_new_tokens=LONG - 10, stream=True)
    next(stream)
    (child,) = service._pool._children.values()
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(Exception, match=r"ended unexpectedly \(signal 9\)"):
        list(stream)
    assert writer.text_generation("My card", max_new_tokens=4)
    # A client that leaves takes its job along: the model would write for minutes.
    stream = writer.text_generation("My card", max_new_tokens=LONG - 10, stream=True)
    next(stream)
    writer.close()
    until(lambda: not service._running)


def test_memory_is_for_what_was_used_last(
    hub: Hub, start: Callable[..., Service], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        publish(hub, save(tmp_path / name, "BertForSequenceClassification"), f"ada/{name}",
                pipeline_tag="text-classification")  # fmt: skip
    service = start(memory=200 * 10**6)  # a process takes more than half of it
    first = client(hub, "ada/one").text_classification("My card")
    (before,) = service._pool._children.values()
    assert 50 * 10**6 < before.resident() < 200 * 10**6
    client(hub, "ada/two").text_classification("My card")
    (after,) = service._pool._children.values()
    assert (after.place.partition("@")[0], bool(before.lost)) == ("ada/two", True)
    assert client(hub, "ada/one").text_classification("My card") == first
