"""Repos over the Hub API: create, delete, move, change."""

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from reprise.base.errors import InvalidInput
from reprise.base.ids import RepoId, RepoType
from reprise.registry import commits, repos
from reprise.registry.access import Action, Repo
from reprise.server.calls import Call


def create(call: Call) -> Response:
    """`POST /api/repos/create`; an id that is taken answers 409 with the repo's URL."""
    body = call.json()
    repo_type, repo_id = _type_of(body), _id_of(body)
    now = call.registry.clock()
    try:
        with call.write() as (conn, caller):
            private = _is_private(body)
            made = repos.create(conn, caller, repo_type, repo_id, private=private, now=now)
            commits.initial(conn, call.registry, made, caller.user, now)
    except repos.RepoExists as error:
        taken = _identity(call, error.repo)
        return JSONResponse({"error": error.message, **taken}, HTTPStatus.CONFLICT)
    return JSONResponse(_identity(call, made))


def delete(call: Call) -> Response:
    """`DELETE /api/repos/delete`."""
    body = call.json()
    with call.write() as (conn, caller):
        found = repos.find(conn, caller, _type_of(body), _id_of(body), action=Action.ADMIN)
        repos.remove(conn, found)
    return Response(status_code=HTTPStatus.OK)


def move(call: Call) -> Response:
    """`POST /api/repos/move`; the old id redirects from then on."""
    body = call.json()
    source, target = RepoId.parse(_text(body, "fromRepo")), RepoId.parse(_text(body, "toRepo"))
    with call.write() as (conn, caller):
        found = repos.find(conn, caller, _type_of(body), source, action=Action.ADMIN)
        moved = repos.move(conn, caller, found, target, now=call.registry.clock())
    return JSONResponse(_identity(call, moved))


def settings(call: Call) -> Response:
    """`PUT /api/{type}s/{repo}/settings`: visibility and gate."""
    body = call.json()
    with call.write() as (conn, caller):
        found = call.repo(conn, caller, Action.ADMIN)
        private = _is_private(body) if {"private", "visibility"} & body.keys() else None
        repos.change(conn, found, private=private, gated=_gate(body))
    return JSONResponse({"private": found.private if private is None else private})


def auth_check(call: Call) -> Response:
    """`GET /api/{type}s/{repo}/auth-check[/write]`."""
    action = Action.WRITE if call.request.url.path.endswith("/write") else Action.READ
    with call.read() as (conn, caller):
        call.repo(conn, caller, action)
    return JSONResponse({"ok": True})


def _identity(call: Call, found: Repo) -> dict[str, str | bool]:
    url = f"{call.base_url}/{found.type.url_prefix}{found.repo_id}"
    return {"url": url, "name": str(found.repo_id), "id": str(found.id), "private": found.private}


def _type_of(body: dict[str, Any]) -> RepoType:
    text = body.get("type") or RepoType.MODEL.value
    try:
        return RepoType(text)
    except ValueError:
        known = ", ".join(RepoType)
        raise InvalidInput(f"Unknown repo type {text!r}; expected one of: {known}.") from None


def _id_of(body: dict[str, Any]) -> RepoId:
    name, owner = _text(body, "name"), body.get("organization") or ""
    if not isinstance(owner, str):
        raise InvalidInput("'organization' must be a string.")
    return RepoId.parse(f"{owner}/{name}" if owner else name)


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"The request body needs {field!r}, a string.")
    return value


def _is_private(body: dict[str, Any]) -> bool:
    visibility = body.get("visibility")
    if visibility is not None:
        if visibility not in {"public", "private"}:
            raise InvalidInput(f"Unknown visibility {visibility!r}; use 'public' or 'private'.")
        return bool(visibility == "private")
    return bool(body.get("private"))


def _gate(body: dict[str, Any]) -> str | None:
    gated = body.get("gated")
    if gated is None:
        return None
    return "" if gated is False else str(gated)
