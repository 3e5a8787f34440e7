"""One HTTP call as the faces see it, and the wrapper that turns a face into an endpoint."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from reprise.base.errors import InvalidInput, TooLarge
from reprise.base.ids import RepoId, RepoType
from reprise.registry import read_tokens, repos
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.registry import Registry
from reprise.server.credentials import access_token
from reprise.server.paths import decode
from reprise.server.threads import in_thread

_SURROGATE = re.compile("[\ud800-\udfff]")

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Call:
    """A request with its body already read. Faces run in a worker thread."""

    request: Request
    body: bytes = b""

    @property
    def registry(self) -> Registry:
        """The hub this call is for."""
        return registry_of(self.request)

    @property
    def base_url(self) -> str:
        """Scheme and host as the caller reached us, without a trailing slash."""
        return str(self.request.base_url).rstrip("/")

    def param(self, name: str, default: str = "") -> str:
        """A path parameter, percent-decoded once."""
        return decode(self.request.path_params.get(name, default))

    def query(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return _checked(self.request.query_params.get(name, default))

    def queries(self, name: str) -> list[str]:
        """Every value of a repeated query parameter; `name[]` counts too (older clients)."""
        params = self.request.query_params
        return [_checked(it) for it in (*params.getlist(name), *params.getlist(f"{name}[]"))]

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return self.query(name).lower() in {"true", "1"}

    def header(self, name: str) -> str:
        """A request header, or the empty string."""
        return self.request.headers.get(name, "")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            InvalidInput: It is something else.
        """
        try:
            value = json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"The request body is not valid JSON: {error}") from None
        if not isinstance(value, dict):
            raise InvalidInput("The request body must be a JSON object.")
        if b"\\u" in self.body:
            _checked(json.dumps(value, ensure_ascii=False).replace("\\u0000", "\0"))
        return value

    @contextmanager
    def read(self) -> Iterator[tuple[Connection, Caller]]:
        """Open a snapshot and find out who is calling."""
        with self.registry.db.read() as conn:
            yield conn, self.caller(conn)

    @contextmanager
    def write(self) -> Iterator[tuple[Connection, Caller]]:
        """Open a transaction and find out who is calling."""
        with self.registry.db.write() as conn:
            yield conn, self.caller(conn)

    def caller(self, conn: Connection) -> Caller:
        """Find the account behind the request's access token.

        Raises:
            Unauthenticated: The token is unknown or expired.
        """
        return read_tokens.identify(conn, self.registry, access_token(self.request))

    def repo_type(self) -> RepoType:
        """The repo type this route was mounted for; models by default."""
        return RepoType(self.request.path_params.get("type", RepoType.MODEL))

    def repo(self, conn: Connection, caller: Caller, action: Action = Action.READ) -> Repo:
        """Find the repo named in the path and check that the caller may act on it.

        Raises:
            RepoNotFound: Absent or hidden.
            repos.RepoMoved: It has another name now; answered with a redirect.
        """
        repo_id = RepoId.parse(self.param("repo"))
        return repos.find(conn, caller, self.repo_type(), repo_id, action=action)


def _checked(text: str) -> str:
    """Refuse what no database and no file can hold: NUL characters and half characters."""
    if "\0" in text or _SURROGATE.search(text):
        raise InvalidInput("The request holds a NUL or an incomplete character.")
    return text


def registry_of(request: Request) -> Registry:
    """Return the hub a request is for."""
    registry: Registry = request.app.state.registry
    return registry


def face(function: Callable[[Call], Response], *, body_limit: int | None = None) -> Endpoint:
    """Turn a synchronous face into an endpoint that runs in a worker thread."""

    @wraps(function)
    async def endpoint(request: Request) -> Response:
        limit = body_limit or registry_of(request).limits.json_body
        body = await read_body(request, limit)
        return await in_thread(request, function, Call(request, body))

    return endpoint


async def read_body(request: Request, limit: int) -> bytes:
    """Read a body of at most `limit` bytes.

    Raises:
        TooLarge: It is longer; the rest is not read.
    """
    headers = request.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return b""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The request body is over this hub's limit of {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
