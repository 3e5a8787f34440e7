"""From a client's request to a job: who asks, which model, what for, with which body."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.ids import RepoId, RepoType
from reprise.formats.tasks import canonical_task
from reprise.registry import read_tokens, repos
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.registry import Registry
from reprise.registry.repos import RepoMoved
from reprise.registry.revisions import locate
from reprise.server.bulk import Budget
from reprise.server.inference.jobs import Asked, Kind

_MAX_DEPTH = 64  # nested lists and objects; workers read the same text inside another object
_MEDIA = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,80}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TEXTS = {"application/x-www-form-urlencoded", "text/plain"}  # what curl -d says of JSON
# InferenceClient sends both to one address; only the inputs tell which was meant.
_SENTENCES = {"feature-extraction", "sentence-similarity"}
_FIXED = {
    Kind.CHAT: "text-generation",
    Kind.COMPLETION: "text-generation",
    Kind.EMBEDDING: "feature-extraction",
}


@dataclass(frozen=True)
class Model:
    """A model as a caller may use it."""

    repo: Repo
    commit: str
    read_token: str | None


@dataclass(frozen=True)
class Body:
    """A request's body: JSON as it was sent, and what it says."""

    raw: bytes
    value: dict[str, Any]

    @property
    def stream(self) -> bool:
        """Whether the client wants the answer bit by bit."""
        return self.value.get("stream") is True


def find_model(conn: Connection, registry: Registry, caller: Caller, name: str) -> Model:
    """Find a model by `owner/name` or `owner/name@revision`.

    Raises:
        RepoNotFound: Absent or hidden.
        GatedRepo: Visible, but its files are not for the caller.
    """
    text, _, revision = name.partition("@")
    try:
        repo = repos.find(conn, caller, RepoType.MODEL, RepoId.parse(text), action=Action.FETCH)
    except RepoMoved as moved:
        repo = moved.repo
    at = locate(conn, repo, revision or repo.default_branch)
    return Model(repo, at.hex, read_tokens.issue(registry, caller, repo))


def caller_key(caller: Caller, request: Request) -> str:
    """Name whom a request counts against: an account, or the address it comes from.

    Raises:
        Unauthenticated: Nobody is signed in, and this hub runs models only for those who are.
    """
    everyone: bool = request.app.state.dispatch.settings.everyone
    if caller.account is not None or not everyone:
        return f"account {caller.user.id}"
    return f"host {request.client.host if request.client else ''}"


def asked(kind: Kind, model: Model, body: Body, *, task: str, caller: str) -> Asked:
    """Put a job together.

    Args:
        kind: Shape of request and answer.
        model: Which model.
        body: What the client sent.
        task: What the client calls the task; empty where it does not say.
        caller: Whom it counts against.
    """
    return Asked(
        kind=kind,
        task=_FIXED.get(kind) or _task(task, model.repo.pipeline_tag, body.value),
        repo=str(model.repo.repo_id),
        commit=model.commit,
        caller=caller,
        body=body.raw,
        stream=body.stream,
        read_token=model.read_token,
    )


def parse(data: bytes, content_type: str) -> Body:
    """Read a body: a JSON object, or the bytes of an image or a sound.

    Raises:
        InvalidInput: It should be a JSON object, and is none.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media and "json" not in media and media not in _TEXTS:
        return _binary(data, media)
    if not media and data.lstrip()[:1] != b"{":
        return _binary(data, "application/octet-stream")
    return parse_json(data)


def parse_json(data: bytes) -> Body:
    """Read a JSON object.

    Raises:
        InvalidInput: It is something else, no UTF-8, or nested beyond reason.
    """
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InvalidInput("The request body must be a JSON object.")
    if _too_deep(value):
        raise InvalidInput(f"The request body is nested over {_MAX_DEPTH} levels deep.")
    return Body(data, value)


class Incoming:
    """A body being read, and its share of the budget for all of them."""

    def __init__(self, budget: Budget, limit: int) -> None:
        self._budget = budget
        self._limit = limit
        self._taken = 0

    async def read(self, request: Request) -> bytes:
        """Read a body.

        Raises:
            TooLarge: It is over the limit; the rest is not read.
            TooManyRequests: Too many others are under way.
        """
        chunks = []
        async for chunk in request.stream():
            if self._taken + len(chunk) > self._limit:
                raise TooLarge(f"The request body is over the limit of {self._limit} bytes.")
            self._budget.take(len(chunk))
            self._taken += len(chunk)
            chunks.append(chunk)
        return b"".join(chunks)

    def release(self) -> None:
        """Give the share back."""
        self._budget.give(self._taken)
        self._taken = 0


def _binary(data: bytes, media: str) -> Body:
    if not data:
        raise InvalidInput("The request has no body: send JSON, an image or a sound.")
    kept = media if _MEDIA.fullmatch(media) else "application/octet-stream"
    value = {"inputs_base64": b64encode(data).decode(), "content_type": kept}
    return Body(msgspec.json.encode(value), value)


def _task(named: str, tag: str | None, value: dict[str, Any]) -> str | None:
    if named:
        if not _NAME.fullmatch(named):
            raise InvalidInput(f"{named[:50]!r} is not the name of a task.")
        return canonical_task(named)
    if tag in _SENTENCES and "inputs" in value:
        several = isinstance(value["inputs"], dict)
        return "sentence-similarity" if several else "feature-extraction"
    parameters = value.get("parameters")
    labelled = isinstance(parameters, dict) and "candidate_labels" in parameters
    if labelled and tag == "text-classification":
        return "zero-shot-classification"
    return canonical_task(tag) if tag else None


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        inner = (it.values() if isinstance(it, dict) else it for it in level)
        level = [child for some in inner for child in some if isinstance(child, dict | list)]
        if not level:
            return False
    return True
