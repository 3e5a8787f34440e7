"""A job as the hub gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidId
from reprise.base.ids import RepoId, is_commit

KINDS = ("task", "chat", "completion", "embedding")
_DEADLINE = 60.0  # seconds, where the hub says none


@dataclass(frozen=True)
class Job:
    """A job as the hub gives it.

    Attributes:
        id: The hub's name for it.
        kind: `task`, `chat`, `completion` or `embedding`.
        task: Which task; empty: what the repo says it is for.
        repo: `owner/name` of the model.
        commit: Which commit of it.
        read_token: Can read this repo, for a short time; empty for a public one.
        stream: Whether the answer is wanted in pieces.
        deadline: Seconds until nobody waits any more.
        client: What the client says it is: its `User-Agent`.
        body: What the client sent.
    """

    id: str
    kind: str
    task: str
    repo: str
    commit: str
    read_token: str = field(default="", repr=False)
    stream: bool = False
    deadline: float = _DEADLINE
    client: str = ""
    body: Any = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """The model and its commit, as the hub and `reprise.load` write it."""
        return f"{self.repo}@{self.commit}"


def read_job(given: Any) -> Job:
    """Read what the hub answered.

    Raises:
        InvalidFormat: It is no job; the hub is of another version.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("job"), str | int):
        raise InvalidFormat("The hub's answer is no job: it has no id.")
    kind, commit = given.get("kind"), given.get("commit")
    if kind not in KINDS or not isinstance(commit, str) or not is_commit(commit):
        raise InvalidFormat(f"Job {given['job']!r:.60} has no kind and commit that are known here.")
    try:
        repo = str(RepoId.parse(str(given.get("repo"))))
    except InvalidId as error:
        raise InvalidFormat(f"Job {given['job']!r:.60} names no repo: {error.message}") from None
    deadline = given.get("deadline")
    return Job(
        str(given["job"]), str(kind), str(given.get("task") or ""), repo, commit,
        str(given.get("read_token") or ""), bool(given.get("stream")),
        float(deadline) if isinstance(deadline, int | float) else _DEADLINE,
        str(given.get("client") or ""), given.get("body"),
    )  # fmt: skip
