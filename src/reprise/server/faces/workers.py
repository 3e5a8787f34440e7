"""What workers say: that they are there, that they want a job, and how an answer goes.

A worker opens no port: it fetches jobs by long polls and sends answers as uploads. It needs an
access token with the role `worker`; its id is good for nothing with any other.
"""

import asyncio
import hmac
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from reprise.base.errors import Forbidden, InvalidInput, NotAnswered, TooLarge
from reprise.registry.access import TokenRole
from reprise.server.calls import Call, read_body
from reprise.server.credentials import access_token
from reprise.server.errors import error_response
from reprise.server.faces.inference import dispatch_of
from reprise.server.inference.answers import Answer, ClientGone, Head
from reprise.server.inference.dispatch import Dispatch
from reprise.server.inference.jobs import Job
from reprise.server.inference.workers import Handed, Offer, Worker
from reprise.server.observe import WAITED
from reprise.server.responses import Json
from reprise.server.threads import in_thread

_MAX_BODY = 256 << 10  # bytes of what a worker says about itself
_MAX_NAMES = 1000  # tasks, loaded models, dropped jobs
_MAX_SLOTS = 1024
_MAX_TEXT = 300
_LOCAL = "the hub's own"
# Nothing else may come from a model: a page or a script would run in the hub's name.
_CONTENT_TYPE = re.compile(
    r"(?:application/json|text/event-stream|text/plain)(?:; ?charset=utf-8)?", re.IGNORECASE
)
_STATUS = re.compile(r"200|[45]\d\d")

_NONSENSE = Head(HTTPStatus.BAD_GATEWAY, "application/json")
_NONSENSE_TEXT = b'{"error":"The worker answered in a way that the hub does not pass on."}'


async def register(request: Request) -> Response:
    """`POST /api/workers`: a worker introduces itself and gets an id."""
    owner = await _owner(request)
    said = Call(request, await read_body(request, _MAX_BODY)).json()
    name = said.get("name", "")
    if not isinstance(name, str) or len(name) > _MAX_TEXT:
        raise InvalidInput(f"'name' must be a text of at most {_MAX_TEXT} characters.")
    tasks = frozenset(_names(said, "tasks"))
    worker = Worker(owner, name, tasks, _number(said, "slots", 1, low=1))
    dispatch_of(request).register(worker)
    return Json({"worker": worker.id})


async def leave(request: Request) -> Response:
    """`DELETE /api/workers/{worker}`: a worker goes; its jobs go to others."""
    dispatch_of(request).lose(await _worker(request))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def next_job(request: Request) -> Response:
    """`POST /api/workers/{worker}/next`: wait for a job, as long as a poll lasts."""
    worker, dispatch = await _worker(request), dispatch_of(request)
    setattr(request.state, WAITED, True)
    offer = _offer(Call(request, await read_body(request, _MAX_BODY)).json())
    dispatch.opened(worker)
    waiting = asyncio.ensure_future(dispatch.next(worker, offer))
    watcher = asyncio.ensure_future(_until_left(request, waiting))
    broken = True
    try:
        handed = await waiting
        broken = False
    except asyncio.CancelledError:
        if not watcher.done():
            waiting.cancel()
            raise  # the server stops
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # the worker left
    finally:
        broken = broken or watcher.done()
        watcher.cancel()
        dispatch.closed(worker, broken=broken)
    if broken and handed.job is not None:
        dispatch.put_back(worker, handed.job)
    return _handed(handed)


async def answer(request: Request) -> Response:
    """`POST /api/workers/{worker}/jobs/{job}/answer`: pass an answer on while it comes."""
    worker, dispatch = await _worker(request), dispatch_of(request)
    dispatch.opened(worker)
    broken = False
    try:
        return await _take_answer(request, dispatch, worker)
    except ClientDisconnect:
        broken = True
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    except ClientGone:
        told = error_response(HTTPStatus.GONE, "The client has gone; stop working on this job.")
        told.headers["Connection"] = "close"  # the rest of the upload is not wanted
        return told
    finally:
        dispatch.closed(worker, broken=broken)


async def _take_answer(request: Request, dispatch: Dispatch, worker: Worker) -> Response:
    job_id, head = request.path_params["job"], _head(request)
    job = dispatch.begin(worker, job_id, head or _NONSENSE)
    try:
        if head is None:
            await job.answer.put(_NONSENSE_TEXT)
            job.answer.end()
            raise InvalidInput(
                "X-Reprise-Status must be 200 or 400 to 599, and Content-Type "
                "application/json, text/event-stream or text/plain."
            )
        await _pass_on(request, job, dispatch.settings.answer)
        return Response(status_code=HTTPStatus.NO_CONTENT)
    except TooLarge as error:
        job.answer.fail(NotAnswered(error.message))
        raise
    finally:
        if not job.answer.over:
            job.answer.fail(NotAnswered("The worker was lost in mid-answer. Try again."))
        dispatch.finish(worker, job_id)


async def _pass_on(request: Request, job: Job, limit: int) -> None:
    size = 0
    async for chunk in _while_wanted(request.stream(), job.answer):
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"An answer has at most {limit} bytes.")
        if chunk:
            await job.answer.put(chunk)
    job.answer.end()


async def _while_wanted(chunks: AsyncIterator[bytes], to: Answer) -> AsyncIterator[bytes]:
    """Yield what comes.

    Raises:
        ClientGone: The client left, perhaps while the worker was silent.
    """
    left = asyncio.ensure_future(to.gone.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(chunks, None))
            await asyncio.wait([coming, left], return_when=asyncio.FIRST_COMPLETED)
            if to.unwanted:
                coming.cancel()
                await asyncio.wait([coming])
                raise ClientGone
            if (chunk := coming.result()) is None:
                return
            yield chunk
    finally:
        left.cancel()


async def _until_left(request: Request, waiting: "asyncio.Future[Handed]") -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    waiting.cancel()


def _handed(handed: Handed) -> Response:
    if handed.job is not None:
        now = asyncio.get_running_loop().time()
        return Response(handed.job.wire(now), media_type="application/json")
    if handed.cancelled:
        return Json({"cancelled": handed.cancelled})
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _head(request: Request) -> Head | None:
    status = request.headers.get("x-reprise-status", "")
    content_type = request.headers.get("content-type", "")
    if not _STATUS.fullmatch(status) or not _CONTENT_TYPE.fullmatch(content_type):
        return None
    return Head(int(status), content_type.lower())


async def _worker(request: Request) -> Worker:
    owner = await _owner(request)
    return dispatch_of(request).find(request.path_params["worker"], owner)


async def _owner(request: Request) -> str:
    """Find out which token a worker carries.

    Raises:
        Unauthenticated: None, or an unknown one.
        Forbidden: One that is not for workers.
    """
    own, sent = request.app.state.worker_secret, access_token(request) or ""
    if hmac.compare_digest(own.encode(), sent.encode()):
        return _LOCAL
    return await in_thread(request, _token_owner, Call(request))


def _token_owner(call: Call) -> str:
    with call.read() as (_, caller):
        caller.user  # noqa: B018 - asks the anonymous for a token
    if caller.token is None or caller.token.role is not TokenRole.WORKER:
        raise Forbidden(
            "Only workers may do this. The hub's operator makes a token for one: "
            "reprise token create USER --role worker."
        )
    return str(caller.token.id)


def _offer(said: dict[str, Any]) -> Offer:
    return Offer(
        loaded=frozenset(_names(said, "loaded")),
        free=_number(said, "free", 1, low=0),
        cancels=said.get("cancels") is True,
        dropped=_names(said, "dropped"),
    )


def _names(said: dict[str, Any], field: str) -> list[str]:
    value = said.get(field, [])
    names = [it for it in value if isinstance(it, str)] if isinstance(value, list) else None
    if names is None or len(names) < len(value) or len(names) > _MAX_NAMES:
        raise InvalidInput(f"{field!r} must be a list of at most {_MAX_NAMES} texts.")
    if any(len(name) > _MAX_TEXT for name in names):
        raise InvalidInput(f"{field!r} holds a text of over {_MAX_TEXT} characters.")
    return names


def _number(said: dict[str, Any], field: str, default: int, *, low: int) -> int:
    value = said.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= _MAX_SLOTS:
        raise InvalidInput(f"{field!r} must be a number from {low} to {_MAX_SLOTS}.")
    return value
