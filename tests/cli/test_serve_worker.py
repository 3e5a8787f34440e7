"""`reprise serve` and the worker that it starts: with the first request, for as long as itself."""

import os
import signal
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import httpx2
import pytest

from reprise.registry.registry import Registry
from tests.factories import make_repo, make_user
from tests.processes import HubProcess

if not find_spec("onnxruntime"):
    pytest.skip("needs the extra run", allow_module_level=True)


def until(ready: Callable[[], object]) -> None:
    while not ready():
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for text in lists for child in text.read_text().split()]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A hub's folder with a repo that holds no weights."""
    registry = Registry.open(tmp_path / "hub")
    make_user(registry, "ada")
    make_repo(registry, "ada/empty")
    registry.close()
    return tmp_path / "hub"


def ask(hub: HubProcess) -> httpx2.Response:
    return httpx2.post(f"{hub.url}/pipeline/fill-mask/ada/empty", json={"inputs": "x"}, timeout=100)


def test_the_worker_starts_with_the_first_request_and_dies_with_the_hub(data: Path) -> None:
    with HubProcess(data) as hub:
        assert children(hub.pid) == []
        answer = ask(hub)
        assert 400 <= answer.status_code < 500, answer.text  # by a worker: it looked for weights
        assert httpx2.get(f"{hub.url}/info").json()["workers"] == 1
        (first,) = children(hub.pid)
        os.kill(first, signal.SIGKILL)
        assert 400 <= ask(hub).status_code < 500  # by the next one
        (worker,) = set(children(hub.pid)) - {first}
        hub.kill()
        until(lambda: not alive(worker))
    with HubProcess(data) as hub:
        ask(hub)
        (worker,) = children(hub.pid)
    assert not alive(worker)


def test_without_a_worker_a_request_hears_how_to_start_one(data: Path) -> None:
    with HubProcess(data, "--no-worker", "--answer-within", "1") as hub:
        answer = ask(hub)
        assert (answer.status_code, children(hub.pid)) == (503, [])
        assert "reprise worker --hub" in answer.json()["error"]
