"""The inside of a model's process without a process: jobs in, answers out."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import InferenceClient, close_session, set_client_factory
from huggingface_hub.utils._http import default_client_factory

from reprise.worker.inside.desk import Desk
from reprise.worker.inside.model import Model
from reprise.worker.inside.replies import Replies

COMMIT = "c" * 40
GB = 10**9


@dataclass
class Told:
    """What was said of one job."""

    status: int = 0
    content_type: str = ""
    pieces: list[bytes] = field(default_factory=list)
    ended: bool = False

    @property
    def json(self) -> Any:
        """The whole answer."""
        return json.loads(b"".join(self.pieces))

    @property
    def events(self) -> list[Any]:
        """What a stream said, its end as a text."""
        lines = b"".join(self.pieces).decode().split("\n\n")
        assert lines.pop() == ""
        told = [line.removeprefix("data: ") for line in lines]
        return [line if line == "[DONE]" else json.loads(line) for line in told]


class Served:
    """A model in a folder, and what is said of its jobs."""

    def __init__(self, folder: Path, engine: str = "auto", **limits: int) -> None:
        self.told: dict[str, Told] = {}
        model = Model(str(folder), "http://127.0.0.1:1", engine, {})
        self.desk = Desk(model, ("ada/tiny", COMMIT), Replies(self._say),
                         **({"rows": 32, "memory": GB} | limits))  # fmt: skip

    def _say(self, head: dict[str, Any], body: bytes) -> None:
        told = self.told[head["job"]]
        assert not told.ended
        told.status = head.get("status", told.status)
        told.content_type = head.get("type", told.content_type)
        told.pieces += [body] if body else []
        told.ended = head["end"]

    def begin(self, body: Any, task: str = "", kind: str = "task", *, stream: bool = False,
              client: str = "") -> Told:  # fmt: skip
        """Give it a job."""
        name = f"job-{len(self.told)}"
        told = self.told[name] = Told()
        self.desk.begin({"job": name, "kind": kind, "task": task, "stream": stream, "token": "",
                         "client": client, "body": body})  # fmt: skip
        return told

    def finish(self) -> None:
        """Let it do everything it has."""
        while self.desk.busy:
            self.desk.turn()

    def ask(self, body: Any, task: str = "", kind: str = "task", *, stream: bool = False,
            client: str = "") -> Told:  # fmt: skip
        """Give it a job, and let it do it."""
        told = self.begin(body, task, kind, stream=stream, client=client)
        self.finish()
        assert told.ended
        return told


@contextmanager
def client_of(served: Served, task: str) -> Iterator[InferenceClient]:
    """Give huggingface_hub's own client, whose requests the desk answers; nothing is sent."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        kind = "chat" if request.url.path.endswith("/chat/completions") else "task"
        media = request.headers.get("content-type", "application/octet-stream")
        if media == "application/json":
            body = json.loads(request.content)
        else:  # as the hub passes a file on
            body = {"inputs_base64": base64.b64encode(request.content).decode(),
                    "content_type": media}  # fmt: skip
        told = served.ask(body, task, kind, stream=body.get("stream") is True)
        return httpx2.Response(told.status, content=b"".join(told.pieces))

    transport = httpx2.MockTransport(answer)
    set_client_factory(lambda: httpx2.Client(transport=transport))
    try:
        yield InferenceClient("http://hub.test/models/ada/tiny", token="hf_test")
    finally:
        set_client_factory(default_client_factory)
        close_session()
