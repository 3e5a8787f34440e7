"""The worker's way with a hub that is slow, gone, started again, or wants it no longer."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from reprise.base.errors import Forbidden, HubUnreachable, InvalidFormat, InvalidInput
from reprise.worker import relay as relays
from reprise.worker.child import Event
from reprise.worker.jobs import Job, read_job
from reprise.worker.relay import Relay
from reprise.worker.service import Service
from reprise.worker.settings import Settings
from reprise.worker.wire import Wire
from tests.scripted_server import ScriptedHandler, ScriptedServer

COMMIT = "c" * 40
JOB = {
    "job": "j1", "kind": "chat", "task": "text-generation", "repo": "ada/tiny", "commit": COMMIT,
    "read_token": None, "stream": True, "deadline": 60, "body": {},
}  # fmt: skip


class HubHandler(ScriptedHandler):
    def answer(self) -> None:
        path = f"{self.command} {self.path}"
        if path.endswith("/answer"):
            self.uploaded()
            return
        body = json.loads(self.read() or b"null")
        self.script.asked.append((path, body))
        told = self.script.answers[path]
        status, told = told.pop(0) if len(told) > 1 else told[0]
        self.send(json.dumps(told).encode() if status != 204 else b"", status=status)

    def uploaded(self) -> None:
        """Take an upload piece by piece; after so many the client is gone."""
        headers = (self.headers["X-Reprise-Status"], self.headers["Content-Type"])
        pieces: list[bytes] = []
        self.script.uploads.append((headers, pieces))
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
            if len(pieces) == self.script.patience:
                self.close_connection = True
                self.send(b"gone", status=410)
                self.script.left.set()
                return
        self.rfile.readline()
        self.send(b"", status=204)


@dataclass
class ScriptedHub(ScriptedServer):
    """A hub that gives workers the next of its answers, by path; the last one again and again."""

    handler: ClassVar[type[ScriptedHandler]] = HubHandler
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    patience: int = 0
    asked: list[tuple[str, Any]] = field(default_factory=list)
    uploads: list[Any] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


class ScriptedChild:
    """A model's process that says what a test says."""

    def __init__(self, *events: Event, ready: bool = True, stops: bool = True) -> None:
        self.place, self.ready, self._stops = f"ada/tiny@{COMMIT}", ready, stops
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        for event in events:
            self.events.put(event)
        self.cancelled: list[str] = []
        self.killed: list[str] = []

    def submit(self, _job: Job) -> "queue.SimpleQueue[Event]":
        return self.events

    def cancel(self, job: Job) -> None:
        self.cancelled.append(job.id)
        if self._stops:
            self.events.put(Event(ended=True))

    def kill(self, why: str) -> None:
        self.killed.append(why)


@dataclass
class ScriptedPool:
    child: ScriptedChild

    @contextmanager
    def model(self, _job: Job, _until: float) -> Iterator[ScriptedChild]:
        yield self.child


def run(hub: ScriptedHub, child: ScriptedChild, *, cancel: bool = False, **job: Any) -> Any:
    """Run one job; gives what the hub was told: status and type, and the pieces."""
    given, wire = read_job(JOB | job), Wire(hub.url, "secret")
    relay = Relay(given, lambda status, kind: wire.answer("w1", given, status, kind))
    if cancel:
        relay.cancel()
    relay.run(ScriptedPool(child))  # type: ignore[arg-type]
    return hub.uploads[-1] if hub.uploads else None


FIRST = Event(status=200, content_type="text/event-stream", data=b"data: 1\n\n")


def test_pieces_are_passed_on() -> None:
    with ScriptedHub() as hub:
        child = ScriptedChild(FIRST, Event(data=b"data: 2\n\n"), Event(ended=True))
        head, pieces = run(hub, child)
    assert head == ("200", "text/event-stream")
    assert b"".join(pieces) == b"data: 1\n\ndata: 2\n\n"
    assert (child.cancelled, child.killed) == ([], [])


def test_a_client_that_leaves_ends_the_work() -> None:
    with ScriptedHub(patience=1) as hub:
        child = ScriptedChild(FIRST)
        run(hub, child)
    assert (child.cancelled, child.killed) == (["j1"], [])


def test_a_cancelled_job_frees_its_place_at_the_hub() -> None:
    with ScriptedHub() as hub:
        child = ScriptedChild()
        assert run(hub, child, cancel=True) == (("503", "application/json"), [])
    assert child.cancelled == ["j1"]


def test_a_process_that_dies_is_an_error_of_its_jobs() -> None:
    lost = Event(ended=True, lost="It ended (signal 9).")
    with ScriptedHub() as hub:
        head, pieces = run(hub, ScriptedChild(lost))
        assert head == ("503", "application/json")
        assert json.loads(b"".join(pieces))["error"] == {
            "message": "It ended (signal 9). Try again.", "type": "server_error", "param": None,
            "code": 503,
        }  # fmt: skip
        head, pieces = run(hub, ScriptedChild(FIRST, lost), kind="task")
    assert head == ("200", "text/event-stream")
    events = b"".join(pieces).decode().split("\n\n")
    assert events[0] == "data: 1"
    assert json.loads(events[1].removeprefix("data: ")) == {
        "error": "It ended (signal 9). Try again.", "error_type": "generation"
    }  # fmt: skip


def test_late_answers_are_errors_and_processes_that_hang_are_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relays, "_TO_STOP", 0.01)
    with ScriptedHub() as hub:
        child = ScriptedChild()
        head, pieces = run(hub, child, deadline=0.01)
        assert (head[0], child.cancelled, child.killed) == ("504", ["j1"], [])
        assert b"did not answer within 0 seconds" in b"".join(pieces)
        stuck = ScriptedChild(stops=False)
        assert run(hub, stuck, deadline=0.01)[0][0] == "504"
        assert len(stuck.killed) == 1
        loading = ScriptedChild(ready=False, stops=False)
        head, pieces = run(hub, loading, deadline=0.01)
        assert (head[0], loading.killed) == ("503", [])
        assert b"is still being loaded" in b"".join(pieces)


def test_a_hub_that_knows_the_worker_no_more_is_told_again() -> None:
    answers = {
        "POST /api/workers": [(200, {"worker": "w1"}), (200, {"worker": "w2"})],
        "POST /api/workers/w1/next": [(204, None), (404, {"error": "who?"})],
        "POST /api/workers/w2/next": [(200, {"cancelled": ["gone"]}), (403, {"error": "no"})],
    }
    with ScriptedHub(answers) as hub:
        settings = Settings(hub=hub.url, token="secret", name="box", memory=10**9, slots=3)
        service = Service(settings, ["fill-mask"])
        service.register()
        with pytest.raises(Forbidden, match="says 403: no"):
            service.run()
    said = {"name": "box", "tasks": ["fill-mask"], "slots": 3}
    posts = [body for path, body in hub.asked if path == "POST /api/workers"]
    assert posts == [said, said]
    polls = {path for path, _ in hub.asked if path.endswith("/next")}
    assert polls == {"POST /api/workers/w1/next", "POST /api/workers/w2/next"}
    offers = [body for path, body in hub.asked if path.endswith("w1/next")]
    assert offers[0] == {"loaded": [], "free": 3, "cancels": True}


def test_a_worker_waits_for_a_hub_that_is_not_there_yet() -> None:
    service = Service(Settings(hub="http://127.0.0.1:9", token="x", memory=10**9), [])
    waiting = threading.Thread(target=service.register)
    waiting.start()
    time.sleep(0.05)
    assert waiting.is_alive()
    service.stop()
    waiting.join(30)
    assert not waiting.is_alive()
    service._pool.close()


def test_polls_can_be_broken_off() -> None:
    class Silent(HubHandler):
        def answer(self) -> None:
            self.read()
            self.script.left.set()
            time.sleep(0.2)

    with type("Hub", (ScriptedHub,), {"handler": Silent})() as hub:
        wire, found = Wire(hub.url, "secret"), []

        def poll() -> None:
            with pytest.raises(HubUnreachable) as error:
                wire.next("w1", [], 1)
            found.append(error)

        thread = threading.Thread(target=poll)
        thread.start()
        hub.left.wait(30)
        wire.interrupt()
        thread.join(30)
    assert len(found) == 1


@pytest.mark.parametrize(
    "wrong",
    [None, [], {}, JOB | {"kind": "train"}, JOB | {"commit": "main"}, JOB | {"commit": 7},
     JOB | {"repo": "../../etc"}, JOB | {"job": None}],
)  # fmt: skip
def test_what_is_no_job_is_not_begun(wrong: Any) -> None:
    with pytest.raises(InvalidFormat):
        read_job(wrong)


def test_an_address_is_an_address() -> None:
    for wrong in ("hub", "ftp://hub", "http://"):
        with pytest.raises(InvalidInput, match="A hub is a URL"):
            Wire(wrong, "secret")
