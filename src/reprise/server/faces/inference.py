"""Running models by task, as the Inference API does: `POST /models/{repo}` and its relatives."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

import reprise
from reprise.base.errors import InvalidInput, RepriseError
from reprise.server.calls import Call
from reprise.server.errors import on_reprise_error
from reprise.server.inference import asking
from reprise.server.inference.asking import Incoming
from reprise.server.inference.dispatch import Dispatch
from reprise.server.inference.jobs import Asked, Kind
from reprise.server.inference.piping import OnError, Piped
from reprise.server.responses import Json
from reprise.server.threads import in_thread

_LONGEST_AGENT = 500  # characters

Plan = Callable[[Call], Asked]
Endpoint = Callable[[Request], Awaitable[Response]]


def dispatch_of(request: Request) -> Dispatch:
    """Return what stands between callers and workers."""
    dispatch: Dispatch = request.app.state.dispatch
    return dispatch


def asks(plan: Plan, *, on_error: OnError = on_reprise_error) -> Endpoint:
    """Turn a function that plans a job into an endpoint that answers with the job's answer.

    The function runs in a thread; waiting for the answer holds none.
    """

    async def endpoint(request: Request) -> Response:
        dispatch = dispatch_of(request)
        incoming = Incoming(request.app.state.inference_budget, dispatch.settings.body)
        try:
            data = await incoming.read(request)
            asked = await in_thread(request, plan, Call(request, data))
            return Piped(dispatch, dispatch.submit(asked), on_error, incoming.release)
        except RepriseError as error:
            incoming.release()
            return on_error(request, error)
        except ClientDisconnect:
            incoming.release()
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        except BaseException:
            incoming.release()
            raise

    return endpoint


def plan_task(call: Call) -> Asked:
    """`POST /models/{repo}[/pipeline/{task}]`, `POST /pipeline/{task}/{repo}`."""
    body = asking.parse(call.body, call.header("content-type"))
    with call.read() as (conn, caller):
        model = asking.find_model(conn, call.registry, caller, call.param("repo"))
        key = asking.caller_key(caller, call.request)
    asked = asking.asked(Kind.TASK, model, body, task=call.param("task"), caller=key)
    return replace(asked, client=call.header("user-agent")[:_LONGEST_AGENT])


def no_model(_call: Call) -> Response:
    """`POST /`: what clients send whose base URL is the hub and who name no model."""
    raise InvalidInput(
        "Say which model: POST to /models/OWNER/NAME on this hub, for example "
        "InferenceClient(model='http://HUB/models/OWNER/NAME')."
    )


def model_info(call: Call) -> Response:
    """`GET /models/{repo}/info`: what a client may want to know before it asks."""
    with call.read() as (conn, caller):
        model = asking.find_model(conn, call.registry, caller, call.param("repo"))
    return Json(
        {
            "model_id": str(model.repo.repo_id),
            "model_sha": model.commit,
            "model_pipeline_tag": model.repo.pipeline_tag,
            **_service(call.request),
        }
    )


def model_health(call: Call) -> Response:
    """`GET /models/{repo}/health`: 200 when the caller may use the model here."""
    with call.read() as (conn, caller):
        asking.find_model(conn, call.registry, caller, call.param("repo"))
    return Json({"status": "ok"})


def hub_info(call: Call) -> Response:
    """`GET /info`: the hub's own state."""
    return Json(_service(call.request))


def _service(request: Request) -> dict[str, object]:
    dispatch = dispatch_of(request)
    return {
        "service": "reprise",
        "version": reprise.__version__,
        "workers": len(dispatch.workers),
        "idle": dispatch.idle,
        "waiting": dispatch.waiting,
        "max_concurrent_requests": dispatch.settings.queue,
    }
