"""From a worker's answer to its client: waits, sends, gives up on whoever does not read."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reprise.base.errors import RepriseError, TooLarge
from reprise.server.inference.answers import ClientGone, Head
from reprise.server.inference.dispatch import Dispatch
from reprise.server.inference.jobs import Job, Kind
from reprise.server.protocol import ABORT

_PIECE = 64 << 10  # bytes sent at a time: whoever reads 2 kB a second is not too slow

OnError = Callable[[Request, RepriseError], Response]
Message = dict[str, Any]


class Piped(Response):
    """The answer to a job.

    It comes from whatever worker takes the job. When the client leaves first, the job is dropped.
    """

    def __init__(self, dispatch: Dispatch, job: Job, on_error: OnError, done: Callable[[], None]):
        super().__init__()
        self._dispatch = dispatch
        self._job = job
        self._on_error = on_error
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the answer and send it."""
        outcome = "failed"
        try:
            async with _client_there(self._dispatch, self._job, receive):
                outcome = await self._answer(scope, receive, send)
        except ClientGone:
            outcome = "left"
        finally:
            self._dispatch.count(self._job, outcome)
            self._done()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> str:
        try:
            head = await self._job.answer.head()
        except RepriseError as error:
            await self._on_error(Request(scope), error)(scope, receive, send)
            return str(error.status)
        await send(self._start(head))
        sender = _Sender(scope, send, self._dispatch.settings.stalled)
        try:
            async for piece in _pieces(self._dispatch, self._job):
                await sender.send(piece)
        except RepriseError as error:
            if not head.streams:
                sender.cut()  # half a document must not look like a whole one
                return "broken"
            await sender.send(_event(self._job.asked.kind, error))
        await sender.end()
        return str(head.status)

    def _start(self, head: Head) -> Message:
        headers = {
            b"content-type": head.content_type.encode(),
            b"cache-control": b"no-store",
            b"x-content-type-options": b"nosniff",
            b"x-accel-buffering": b"no",  # proxies shall pass events on as they come
            b"x-repo-commit": self._job.asked.commit.encode(),
        }
        return {
            "type": "http.response.start",
            "status": head.status,
            "headers": list(headers.items()),
        }


async def collect(dispatch: Dispatch, job: Job, receive: Receive, limit: int) -> tuple[int, bytes]:
    """Wait for a whole answer: its status and at most `limit` bytes of its body.

    Raises:
        RepriseError: There is none.
        TooLarge: It is longer.
        ClientGone: The client left first.
    """
    outcome, pieces, size = "failed", [], 0
    try:
        async with _client_there(dispatch, job, receive):
            head = await job.answer.head()
            async for piece in _pieces(dispatch, job):
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise TooLarge(f"The answer is over {limit} bytes.")
        outcome = str(head.status)
        return head.status, b"".join(pieces)
    except RepriseError as error:
        outcome = str(error.status)
        raise
    finally:
        dispatch.count(job, outcome)


def _pieces(dispatch: Dispatch, job: Job) -> AsyncIterator[bytes]:
    return job.answer.pieces(dispatch.settings.deadline, dispatch.settings.longest)


@asynccontextmanager
async def _client_there(dispatch: Dispatch, job: Job, receive: Receive) -> AsyncIterator[None]:
    """Drop the job when its client leaves, and in the end."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        dispatch.leave(job)

    watcher = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        watcher.cancel()
        dispatch.leave(job)


class _Sender:
    """Sends pieces of a body to a client that has to keep up."""

    def __init__(self, scope: Scope, send: Send, patience: float) -> None:
        self._abort = scope.get("extensions", {}).get(ABORT)
        self._send = send
        self._patience = patience

    async def send(self, piece: bytes) -> None:
        for at in range(0, len(piece), _PIECE):
            await self._message(piece[at : at + _PIECE], more=True)

    async def end(self) -> None:
        await self._message(b"", more=False)

    def cut(self) -> None:
        """Break the connection off, so that the client knows that something is missing."""
        if self._abort is None:
            raise ClientDisconnect
        self._abort()

    async def _message(self, body: bytes, *, more: bool) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            self.cut()
            raise ClientGone from None


def _event(kind: Kind, error: RepriseError) -> bytes:
    """An error as the last event of a stream, in the words of the protocol in use."""
    if kind is Kind.TASK:
        told: Message = {"error": error.message, "error_type": "incomplete_generation"}
    else:
        told = {"error": {"message": error.message, "type": "server_error", "code": error.status}}
    return f"data: {json.dumps(told)}\n\n".encode()
