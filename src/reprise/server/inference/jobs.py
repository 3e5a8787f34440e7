"""One request to run a model, from the line in which it waits to its answer."""

import secrets
from asyncio import TimerHandle
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from reprise.server.inference.answers import Answer


class Kind(StrEnum):
    """The shape of a request and its answer."""

    TASK = "task"
    CHAT = "chat"
    COMPLETION = "completion"
    EMBEDDING = "embedding"


@dataclass(frozen=True)
class Asked:
    """What somebody wants to know, and from which model."""

    kind: Kind
    task: str | None  # None: the worker finds out
    repo: str
    commit: str
    caller: str  # whom it counts against
    body: bytes  # JSON, as the client sent it
    stream: bool = False
    read_token: str | None = None
    client: str = ""  # what it says it is: some read answers of another shape

    @property
    def model(self) -> str:
        """The model as workers name what they have loaded."""
        return f"{self.repo}@{self.commit}"


@dataclass(eq=False)
class Job:
    """A request that was taken on. Times are those of the event loop's clock."""

    asked: Asked
    since: float
    deadline: float
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    answer: Answer = field(default_factory=Answer)
    holder: str = ""  # id of the worker that has it
    given: float = 0.0  # when that worker got it
    tries: int = 0  # workers that were given it
    passed: int = 0  # later jobs that were preferred to it
    timers: list[TimerHandle] = field(default_factory=list)

    def wire(self, now: float) -> bytes:
        """Encode the job for a worker."""
        asked = self.asked
        return msgspec.json.encode(
            {
                "job": self.id,
                "kind": asked.kind,
                "task": asked.task,
                "repo": asked.repo,
                "commit": asked.commit,
                "read_token": asked.read_token,
                "stream": asked.stream,
                "client": asked.client,
                "deadline": round(max(0.0, self.deadline - now), 3),
                "body": msgspec.Raw(asked.body),
            }
        )

    def stop_timers(self) -> None:
        """Forget what was to happen if nobody answered."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
