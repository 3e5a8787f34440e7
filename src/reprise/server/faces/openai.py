"""The routes below `/v1`: chat, completions, embeddings and models, in OpenAI's shapes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from reprise.base.errors import InvalidInput, RepriseError
from reprise.base.ids import RepoType
from reprise.registry import listing, read_tokens, tokens
from reprise.registry.access import ANONYMOUS, Caller, Repo
from reprise.server.calls import Call
from reprise.server.credentials import access_token
from reprise.server.errors import error_response
from reprise.server.faces.inference import Endpoint, asks
from reprise.server.inference import asking
from reprise.server.inference.jobs import Asked, Kind
from reprise.server.responses import Json

_MICROS = 1_000_000
_SECRETS = (tokens.PREFIX, read_tokens.PREFIX)
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.NOT_FOUND: "not_found_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
}


def on_error(_request: Request, error: RepriseError) -> Response:
    """Answer an error in OpenAI's shape, with the hub's own headers."""
    status = HTTPStatus(error.status)
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _TYPES.get(status, "server_error" if server else "invalid_request_error")
    told = {"message": error.message, "type": kind, "param": None, "code": error.code}
    own = error_response(status, error.message, code=error.code, retry_after=error.retry_after)
    kept = {name: value for name, value in own.headers.items() if not name.startswith("content-")}
    return Json({"error": told}, status, kept)


def asks_openai(kind: Kind) -> Endpoint:
    """Make the endpoint for one kind of request."""

    def plan(call: Call) -> Asked:
        return _plan(call, kind)

    return asks(plan, on_error=on_error)


def _as_openai(function: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Let a face report errors in OpenAI's shape."""

    def answer(call: Call) -> Response:
        try:
            return function(call)
        except RepriseError as error:
            return on_error(call.request, error)

    return answer


@_as_openai
def list_models(call: Call) -> Response:
    """`GET /v1/models`: what the caller may run, the most downloaded first."""
    with call.registry.db.read() as conn:
        query = listing.check(listing.Query(RepoType.MODEL, sort="downloads"))
        found = listing.page(conn, _caller(call, conn), query, limit=listing.MAX_PAGE).repos
    return Json({"object": "list", "data": [_line(repo) for repo in found if repo.pipeline_tag]})


@_as_openai
def get_model(call: Call) -> Response:
    """`GET /v1/models/{id}`."""
    with call.registry.db.read() as conn:
        caller = _caller(call, conn)
        model = asking.find_model(conn, call.registry, caller, call.param("id"))
    return Json(_line(model.repo))


def _plan(call: Call, kind: Kind) -> Asked:
    body = asking.parse_json(call.body)
    name = call.param("repo") or body.value.get("model")
    if not isinstance(name, str) or not name:
        raise InvalidInput("'model' must name a model of this hub: OWNER/NAME.")
    with call.registry.db.read() as conn:
        caller = _caller(call, conn)
        model = asking.find_model(conn, call.registry, caller, name)
        key = asking.caller_key(caller, call.request)
    return asking.asked(kind, model, body, task="", caller=key)


def _caller(call: Call, conn: Connection) -> Caller:
    """Find out who asks. OpenAI's client insists on a key: what is no token says nothing."""
    secret = access_token(call.request)
    if secret is None or not secret.startswith(_SECRETS):
        return ANONYMOUS
    return call.caller(conn)


def _line(repo: Repo) -> dict[str, Any]:
    return {
        "id": str(repo.repo_id),
        "object": "model",
        "created": repo.created_at // _MICROS,
        "owned_by": repo.repo_id.owner,
    }
