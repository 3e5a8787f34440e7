"""Trying a model in the browser: a form, and the answer below it. No script is needed."""

import json
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from reprise.base.errors import InvalidInput, NotFound, RepriseError
from reprise.server.calls import Call, read_body
from reprise.server.faces.inference import dispatch_of
from reprise.server.inference import asking
from reprise.server.inference.answers import ClientGone
from reprise.server.inference.asking import Body
from reprise.server.inference.jobs import Asked, Kind
from reprise.server.inference.piping import collect
from reprise.server.threads import in_thread
from reprise.server.web.render import page
from reprise.server.web.repo_frame import frame
from reprise.server.web.trying import FORMS, Shown, can_try, question, shown

_MAX_FORM = 64 << 10  # bytes
_MAX_FIELDS = 10
_MAX_ANSWER = 1 << 20  # bytes: more is no page


async def try_page(request: Request) -> Response:
    """`GET|POST /{type}{repo}/try/{rev}`: the form, and what the model answers to it."""
    if request.method != "POST":
        return await in_thread(request, _render, Call(request), {}, None, 200)
    call = Call(request, await read_body(request, _MAX_FORM))
    sent, told, status = _fields(call.body), Shown(), 200
    try:
        asked = await in_thread(request, _plan, call, sent)
        dispatch = dispatch_of(request)
        job = dispatch.submit(asked)
        status, answer = await collect(dispatch, job, request.receive, _MAX_ANSWER)
        told = shown(status, answer, json.loads(asked.body), asked.commit)
    except ClientGone:
        return Response(status_code=400)  # nobody is left to read it
    except NotFound:
        raise
    except RepriseError as error:
        status, told = error.status, Shown(error=error.message)
    return await in_thread(request, _render, call, sent, told, status)


def _plan(call: Call, sent: dict[str, str]) -> Asked:
    with call.read() as (conn, caller):
        name = f"{call.param('repo')}@{call.param('rev')}"
        model = asking.find_model(conn, call.registry, caller, name)
        key = asking.caller_key(caller, call.request)
    task = _task(model.repo.pipeline_tag)
    wanted = question(task, sent)
    body = Body(json.dumps(wanted).encode(), wanted)
    return asking.asked(Kind.TASK, model, body, task="", caller=key)


def _render(call: Call, sent: dict[str, str], told: Shown | None, status: int) -> Response:
    with call.read() as (conn, caller):
        seen = frame(call, conn, caller)
    task = _task(seen.repo.pipeline_tag)
    return page(
        call.request,
        "try.html",
        status=status,
        frame=seen,
        repo=seen.repo,
        repo_type=seen.repo.type,
        tab="try",
        task=task,
        fields=FORMS[task],
        sent=sent,
        told=told,
    )


def _task(tag: str | None) -> str:
    if tag is None or not can_try(tag):
        raise NotFound("There is no form for this model's task; programs may ask it.")
    return tag


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise InvalidInput("This is no form of this hub.") from None
