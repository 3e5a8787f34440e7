"""Git's smart HTTP: `git clone`, `fetch` and `push` at a repo's own address.

Bodies pass through temporary files in both directions: a slow client holds neither memory nor a
database snapshot.
"""

import tempfile
import zlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import IO, BinaryIO, cast

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from reprise.base.errors import (
    InvalidFormat,
    InvalidInput,
    RepoNotFound,
    RepriseError,
    TooLarge,
    Unauthenticated,
)
from reprise.base.ids import RepoId
from reprise.registry import push, repos
from reprise.registry.access import Action, Repo
from reprise.registry.git import upload_pack
from reprise.registry.git.advertise import Service, advertise
from reprise.registry.repos import RepoMoved
from reprise.server.calls import Call, Endpoint
from reprise.server.errors import error_response
from reprise.server.pouring import pour
from reprise.server.threads import in_thread

_MIB = 1 << 20
_IN_MEMORY = _MIB  # larger bodies go to disk
_PIECE = 256 << 10
_MAX_FETCH = 16 * _MIB  # wants and haves: 300,000 of them
_INFLATE_STEP = _MIB
_NO_CACHE = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}
_ACTIONS = {Service.UPLOAD: Action.FETCH, Service.RECEIVE: Action.WRITE}


def _plain_errors(endpoint: Endpoint) -> Endpoint:
    """Answer errors as plain text, the only form git shows to its user."""

    @wraps(endpoint)
    async def with_plain_errors(request: Request) -> Response:
        try:
            return await endpoint(request)
        except RepoMoved:
            raise
        except RepriseError as error:
            headers = dict(error_response(error.status, error.message, code=error.code).headers)
            del headers["content-length"], headers["content-type"]
            return PlainTextResponse(f"{error.message}\n", error.status, headers)

    return with_plain_errors


@_plain_errors
async def info_refs(request: Request) -> Response:
    """`GET /{repo}[.git]/info/refs?service=…`: capabilities and refs."""
    return await in_thread(request, _info_refs, Call(request))


@_plain_errors
async def upload(request: Request) -> Response:
    """`POST /{repo}[.git]/git-upload-pack`: fetch."""
    return await _serve(request, Service.UPLOAD, _fetch)


@_plain_errors
async def receive(request: Request) -> Response:
    """`POST /{repo}[.git]/git-receive-pack`: push."""
    return await _serve(request, Service.RECEIVE, _push)


def _info_refs(call: Call) -> Response:
    try:
        service = Service(call.query("service"))
    except ValueError:
        raise InvalidInput(
            "This hub speaks git's smart HTTP protocol only; use git 1.6.6 or newer."
        ) from None
    with call.registry.db.read() as conn:
        repo = _find(call, conn, _ACTIONS[service])
        body = b"".join(advertise(conn, repo, service, _version(call)))
    media_type = f"application/x-{service}-advertisement"
    return Response(body, media_type=media_type, headers=_NO_CACHE)


async def _serve(
    request: Request, service: Service, work: Callable[[Call, BinaryIO, BinaryIO], None]
) -> Response:
    """Check the caller, spool the request, work on it in a thread, send the spooled answer."""
    call = Call(request)
    await in_thread(request, _check, call, service)
    limit = (
        _MAX_FETCH if service is Service.UPLOAD else call.registry.limits.push_bytes + _MAX_FETCH
    )
    with tempfile.TemporaryFile() as body:
        incoming = _Incoming(body, limit, gzipped=call.header("content-encoding") == "gzip")
        try:
            await pour(request, incoming.write)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        incoming.finish()
        spooled = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the response closes it
        answer = cast("BinaryIO", spooled)
        try:
            await in_thread(request, work, call, body, answer)
        except BaseException:
            answer.close()
            raise
    return _SpooledResponse(answer, f"application/x-{service}-result")


def _fetch(call: Call, body: BinaryIO, answer: BinaryIO) -> None:
    with call.registry.db.read() as conn:
        repo = _find(call, conn, Action.FETCH)
        upload_pack.respond(conn, repo, body.read(), answer, version=_version(call))


def _push(call: Call, body: BinaryIO, answer: BinaryIO) -> None:
    def find(conn: Connection) -> Repo:
        return _find(call, conn, Action.WRITE)

    push.receive(call.registry, find, body, answer)
    call.request.app.state.indexer.wake()


def _check(call: Call, service: Service) -> None:
    with call.registry.db.read() as conn:
        _find(call, conn, _ACTIONS[service])


def _find(call: Call, conn: Connection, action: Action) -> Repo:
    """Find the repo; whoever sent no access token is asked for one before being told it is absent.

    Raises:
        Unauthenticated: Anonymous, and the repo is hidden or absent, or shall be written to.
        RepoNotFound, Forbidden, RepoMoved: As `repos.find`.
    """
    repo_id = RepoId.parse(call.param("repo").removesuffix(".git"))
    caller = call.caller(conn)
    try:
        return repos.find(conn, caller, call.repo_type(), repo_id, action=action)
    except RepoNotFound:
        if caller.account is None:
            raise Unauthenticated(
                f"Sign in to see whether {repo_id} exists: any user name, an access token as "
                "password."
            ) from None
        raise


def _version(call: Call) -> int:
    """Read the protocol version the client prefers; unknown ones mean 0."""
    for item in call.header("git-protocol").split(":"):
        if item in {"version=1", "version=2"}:
            return int(item.removeprefix("version="))
    return 0


class _Incoming:
    """Writes a request's body to a file, unpacked if it is gzipped, up to a limit."""

    def __init__(self, file: IO[bytes], limit: int, *, gzipped: bool) -> None:
        self._file = file
        self._limit = limit
        self._size = 0
        self._inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if gzipped else None

    def write(self, data: bytes | memoryview) -> None:
        """Append a piece as it came.

        Raises:
            TooLarge: The body, unpacked, is over the limit.
            InvalidFormat: It is no valid gzip stream.
        """
        if self._inflater is None:
            self._append(data)
            return
        try:
            while data and not self._inflater.eof:
                self._append(self._inflater.decompress(data, _INFLATE_STEP))
                data = self._inflater.unconsumed_tail
        except zlib.error:
            raise InvalidFormat("The request body is not valid gzip.") from None

    def finish(self) -> None:
        """Rewind the file for reading.

        Raises:
            InvalidFormat: A gzip stream was cut off.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise InvalidFormat("The request body is a truncated gzip stream.")
        self._file.seek(0)

    def _append(self, data: bytes | memoryview) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge(f"The request body is over this hub's limit of {self._limit} bytes.")
        self._file.write(data)


class _SpooledResponse(Response):
    """Sends a temporary file and closes it."""

    def __init__(self, file: BinaryIO, media_type: str) -> None:
        super().__init__(headers=_NO_CACHE, media_type=media_type)
        self._file = file
        self.headers["Content-Length"] = str(file.tell())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, then the file in pieces."""
        del scope, receive  # a client that leaves is noticed when sending to it fails
        head = {"type": "http.response.start", "status": self.status_code}
        with self._file as file:
            await send({**head, "headers": self.raw_headers})
            left = file.tell()
            file.seek(0)
            while left > 0:
                piece = await run_in_threadpool(file.read, min(_PIECE, left))
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
