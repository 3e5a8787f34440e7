"""Branches, tags and history over the Hub API."""

import html
from typing import Any

from starlette.responses import JSONResponse, Response

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput, NotFound
from reprise.registry import branches, pulls
from reprise.registry.access import Account, Action
from reprise.registry.commits import Author
from reprise.registry.git import history, refs
from reprise.registry.git.objects import Commit
from reprise.registry.git.refs import Ref
from reprise.registry.git.store import GitStore
from reprise.registry.revisions import locate
from reprise.server.calls import Call
from reprise.server.faces.hf_read import next_link

_COMMITS_PAGE = 100


def list_refs(call: Call) -> Response:
    """`GET …/refs[?include_prs=1]`."""
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        store = GitStore(conn, repo.id)
        found = [_ref(store, ref) for ref in refs.list_refs(conn, repo.id)]
    answer = {
        "branches": [ref for ref in found if ref["ref"].startswith(refs.HEADS)],
        "converts": [ref for ref in found if ref["ref"].startswith(branches.CONVERT)],
        "tags": [ref for ref in found if ref["ref"].startswith(refs.TAGS)],
    }
    if call.flag("include_prs"):
        answer["pullRequests"] = [ref for ref in found if ref["ref"].startswith(pulls.REFS)]
    return JSONResponse(answer)


def list_commits(call: Call) -> Response:
    """`GET …/commits/{rev}`: newest first, page by page."""
    formatted = "formatted" in call.queries("expand")
    cursor = call.query("cursor")
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        store = GitStore(conn, repo.id)
        start = locate(conn, repo, call.param("rev")).commit
        after = locate(conn, repo, cursor).commit if cursor else None
        found = list(history.log(store, start, limit=_COMMITS_PAGE, after=after))
    full = len(found) == _COMMITS_PAGE
    headers = {"Link": next_link(call, found[-1][0].hex())} if full else {}
    return JSONResponse([_commit(oid, it, formatted) for oid, it in found], headers=headers)


def create_branch(call: Call) -> Response:
    """`POST …/branch/{branch}` with `{startingPoint?}`."""
    start = _optional_text(call.json(), "startingPoint")
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        oid = branches.create_branch(conn, repo, call.param("branch"), start)
    return JSONResponse({"commit": oid.hex()})


def delete_branch(call: Call) -> Response:
    """`DELETE …/branch/{branch}`."""
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        branches.delete_branch(conn, repo, call.param("branch"))
    return JSONResponse({"success": True})


def create_tag(call: Call) -> Response:
    """`POST …/tag/{rev}` with `{tag, message?}`."""
    body = call.json()
    name, message = _optional_text(body, "tag"), _optional_text(body, "message") or ""
    if not name:
        raise InvalidInput("The request body needs 'tag', a string.")
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        who = _author(call, caller.user).signature()
        branches.create_tag(conn, repo, name, call.param("rev"), message=message, who=who)
    return JSONResponse({"success": True})


def delete_tag(call: Call) -> Response:
    """`DELETE …/tag/{tag}`."""
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        branches.delete_tag(conn, repo, call.param("rev"))
    return JSONResponse({"success": True})


def super_squash(call: Call) -> Response:
    """`POST …/super-squash/{branch}` with `{message?}`."""
    branch = call.param("branch")
    message = _optional_text(call.json(), "message") or f"Super-squash branch '{branch}'"
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        who = _author(call, caller.user).signature()
        oid = branches.super_squash(conn, call.registry, repo, branch, message=message, who=who)
    call.request.app.state.indexer.wake()
    return JSONResponse({"commitOid": oid.hex()})


def _ref(store: GitStore, ref: Ref) -> dict[str, str]:
    try:
        _, target = refs.peel(store, ref.oid)
    except NotFound:
        target = ref.oid
    name = ref.short.removeprefix(branches.CONVERT)
    return {"name": name, "ref": ref.name, "targetCommit": target.hex()}


def _commit(oid: bytes, commit: Commit, formatted: bool) -> dict[str, Any]:
    line: dict[str, Any] = {
        "id": oid.hex(),
        "title": commit.title,
        "message": commit.description,
        "authors": [{"user": commit.author.name}],
        "date": iso(commit.committer.micros),
    }
    if formatted:
        line["formatted"] = {
            "title": html.escape(commit.title),
            "message": html.escape(commit.description),
        }
    return line


def _author(call: Call, account: Account) -> Author:
    return Author(account, call.registry.clock())


def _optional_text(body: dict[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{field!r} must be a string.")
    return value
