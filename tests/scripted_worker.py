"""A worker that does as it is told: speaks the hub's protocol, runs no model."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.committing import commit
from tests.factories import Hub, make_repo, make_token, make_user

CARD = "---\npipeline_tag: {task}\n---\n"


class ScriptedWorker:
    """Registers with a hub and does one thing at a time, when a test says so."""

    def __init__(self, url: str, token: str, *, tasks: Iterable[str] = (), slots: int = 4) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=60)
        said = {"name": "scripted", "tasks": list(tasks), "slots": slots}
        answer = self.http.post("/api/workers", json=said)
        assert answer.status_code == 200, answer.text
        self.id = answer.json()["worker"]

    def poll(self, **offer: Any) -> httpx2.Response:
        """Ask for a job once."""
        return self.http.post(f"/api/workers/{self.id}/next", json={"free": 1} | offer)

    def job(self, **offer: Any) -> dict[str, Any]:
        """Wait for a job."""
        while (answer := self.poll(**offer)).status_code == 204:
            pass
        assert answer.status_code == 200, answer.text
        return answer.json()

    def answer(
        self,
        job: dict[str, Any] | str,
        content: bytes | Iterable[bytes],
        *,
        status: str = "200",
        content_type: str = "application/json",
    ) -> httpx2.Response:
        """Answer a job."""
        job_id = job if isinstance(job, str) else job["job"]
        headers = {"X-Reprise-Status": status, "Content-Type": content_type}
        path = f"/api/workers/{self.id}/jobs/{job_id}/answer"
        return self.http.post(path, content=content, headers=headers)

    def leave(self) -> None:
        """Leave, as a worker does that is asked to stop."""
        self.http.delete(f"/api/workers/{self.id}")

    def close(self) -> None:
        """Leave, and close the connections."""
        self.leave()
        self.http.close()


class Asking(threading.Thread):
    """A client's request that runs while the test does the worker's part."""

    def __init__(self, client: httpx2.Client, path: str, **request: Any) -> None:
        super().__init__(daemon=True)
        self._request = (client, path, request)
        self._answer: httpx2.Response | Exception | None = None
        self.start()

    def run(self) -> None:
        client, path, request = self._request
        try:
            self._answer = client.post(path, **request)
        except Exception as error:  # noqa: BLE001 - handed to the test
            self._answer = error

    @property
    def answer(self) -> httpx2.Response:
        """What came back."""
        self.join(60)
        if isinstance(self._answer, Exception):
            raise self._answer
        assert self._answer is not None
        return self._answer


Workers = Callable[..., ScriptedWorker]


@contextmanager
def scripted_workers(hub: Hub) -> Iterator[Workers]:
    """Start workers, and end them before the hub ends."""
    make_user(hub.registry, "op")
    token, started = make_token(hub.registry, "op", "worker"), []

    def start(**options: Any) -> ScriptedWorker:
        started.append(ScriptedWorker(hub.url, options.pop("token", token), **options))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


def publish(
    hub: Hub, name: str, *, task: str = "text-classification", private: bool = False
) -> str:
    """A model with a card that names its task; returns its commit."""
    make_repo(hub.registry, name, private=private)
    return commit(hub.registry, name, {"README.md": CARD.format(task=task).encode()})
