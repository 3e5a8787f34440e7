"""The loop of a model's process: hears jobs, has them done, says answers."""

import os
import threading
from typing import IO, NoReturn

from reprise.base.errors import RepriseError
from reprise.worker.errors import status_of
from reprise.worker.frames import read_frame, write_frame
from reprise.worker.inside.desk import Desk
from reprise.worker.inside.model import Model
from reprise.worker.inside.replies import Message, Replies


class Process:
    """The loop of a model's process.

    Args:
        jobs: Where messages come from.
        answers: Where messages go.
    """

    def __init__(self, jobs: IO[bytes], answers: IO[bytes]) -> None:
        self._jobs, self._answers = jobs, answers
        self._speaking = threading.Lock()
        self._changed = threading.Condition()
        self._new: list[Message] = []
        self._dropped: list[str] = []
        self._load = threading.Event()
        self._replies = Replies(self._say)

    def serve(self) -> None:
        """Fetch the model, and do jobs until the other side is gone."""
        first = read_frame(self._jobs)
        if first is None:
            return
        told, _ = first
        place = f"{told['repo']}@{told['commit']}"
        model = Model(place, told["endpoint"], told["engine"], told["loading"])
        threading.Thread(target=self._hear, daemon=True).start()
        try:
            weight = model.fetch(told["token"])
        except RepriseError as error:
            text = f"{error.message} {error.hint}".strip()
            self._say({"at": "failed", "status": status_of(error), "message": text}, b"")
            return
        self._say({"at": "found", "bytes": weight}, b"")
        self._load.wait()
        self._work(Desk(model, (told["repo"], told["commit"]), self._replies, rows=told["rows"],
                        memory=told["memory"]))  # fmt: skip

    def _work(self, desk: Desk) -> NoReturn:
        ready = False
        while True:
            with self._changed:
                while not (self._new or self._dropped or desk.busy):
                    self._changed.wait()
                new, self._new = self._new, []
                dropped, self._dropped = self._dropped, []
            for job in new:
                desk.begin(job)
            for name in dropped:
                desk.drop(name)
            if new and not ready:
                ready = True
                self._say({"at": "ready"}, b"")
            desk.turn()

    def _hear(self) -> NoReturn:
        """Take messages until the other side is gone; then nothing here is of use."""
        while (frame := read_frame(self._jobs)) is not None:
            message = frame[0]
            match message["do"]:
                case "load":
                    self._load.set()
                case "job":
                    with self._changed:
                        self._new.append(message)
                        self._changed.notify()
                case "cancel":
                    self._cancel(message["job"])
        os._exit(0)

    def _cancel(self, job: str) -> None:
        """Forget a job at once that nobody works on; others are stopped between two steps."""
        with self._changed:
            waiting = [message for message in self._new if message["job"] != job]
            waited = len(waiting) < len(self._new)
            self._new = waiting
            if not waited:
                self._dropped.append(job)
                self._changed.notify()
        if waited:
            self._say({"job": job, "end": True}, b"")

    def _say(self, head: Message, body: bytes) -> None:
        with self._speaking:
            try:
                write_frame(self._answers, head, body)
            except OSError:
                os._exit(0)  # nobody listens
