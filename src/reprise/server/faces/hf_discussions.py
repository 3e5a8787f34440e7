"""Discussions and pull requests over the Hub API."""

import html
from typing import Any

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput, NotFound
from reprise.registry import access, discussions, patches, pulls
from reprise.registry.access import Action, Caller, Repo
from reprise.registry.commits import Author
from reprise.registry.discussions import Discussion, Event, Status, Wanted
from reprise.registry.git.store import GitStore
from reprise.registry.pulls import Changes
from reprise.server.calls import Call

_PAGE = 50
_MAX_DIGITS = 9
_TYPES = {"": None, "all": None, "discussion": False, "pull_request": True}
_STATES = {"": None, "all": None, "open": True, "closed": False}
# An event's id on the wire is hexadecimal; 0 is the text that opened the discussion.
_ID = "{:024x}"


def list_discussions(call: Call) -> Response:
    """`GET …/discussions?p=&type=&status=&author=`: newest first."""
    wanted = Wanted(
        _choice(call, "type", _TYPES), _choice(call, "status", _STATES), call.query("author")
    )
    start = _number(call.query("p", "0")) * _PAGE
    with call.read() as (conn, caller):
        repo = call.repo(conn, caller)
        page, total = discussions.list_page(conn, repo, wanted, start=start, limit=_PAGE)
    lines = [_summary(repo, it) for it in page]
    return JSONResponse({"discussions": lines, "count": total, "start": start})


def details(call: Call) -> Response:
    """`GET …/discussions/{num}[?diff=1]`."""
    with call.read() as (conn, caller):
        repo, found = _find(call, conn, caller)
        events = discussions.events_of(conn, repo, found.num)
        changes = pulls.changes(conn, repo, found) if found.is_pull_request else None
        answer = {**_summary(repo, found), "events": _events(found, events, changes)}
        if found.is_pull_request:
            answer |= _pull_fields(conn, repo, found, changes, diff=call.flag("diff"))
    return JSONResponse(answer)


def create(call: Call) -> Response:
    """`POST …/discussions` with `{title, description, pullRequest}`."""
    body = call.json()
    title, text = discussions.check_title(_text(body, "title")), _text(body, "description")
    now = call.registry.clock()
    with call.write() as (conn, caller):
        repo = _proposable(call, conn, caller)
        author = Author(caller.user, now)
        if body.get("pullRequest") is True:
            opened = pulls.open_empty(conn, repo, title, text, author=author)
        else:
            new = Discussion(
                0, title, text, caller.user.name, caller.user.id, Status.OPEN, False, now
            )
            opened = discussions.open_new(conn, repo, new)
    url = f"{call.base_url}/{repo.type.url_prefix}{repo.repo_id}/discussions/{opened.num}"
    return JSONResponse({"num": opened.num, "url": url, "pullRequest": opened.is_pull_request})


def comment(call: Call) -> Response:
    """`POST …/discussions/{num}/comment` with `{comment}`."""
    text, now = _text(call.json(), "comment"), call.registry.clock()
    with call.write() as (conn, caller):
        repo, found = _find(call, conn, caller)
        access.check_speaks(caller, repo)
        event = discussions.comment(conn, repo, found.num, caller.user, text, now=now)
    return JSONResponse({"newMessage": _event(event)})


def edit_comment(call: Call) -> Response:
    """`POST …/discussions/{num}/comment/{id}/edit` with `{content}`."""
    text, now = _text(call.json(), "content"), call.registry.clock()
    with call.write() as (conn, caller):
        repo, found = _find(call, conn, caller)
        access.check_speaks(caller, repo)
        event = discussions.find_comment(conn, repo, found.num, _position(call))
        event = discussions.edit_comment(conn, repo, event, caller, text, now=now)
    return JSONResponse({"updatedComment": _event(event)})


def hide_comment(call: Call) -> Response:
    """`POST …/discussions/{num}/comment/{id}/hide`."""
    with call.write() as (conn, caller):
        repo, found = _find(call, conn, caller)
        access.check_speaks(caller, repo)
        event = discussions.find_comment(conn, repo, found.num, _position(call))
        event = discussions.hide_comment(conn, repo, event, caller)
    return JSONResponse({"updatedComment": _event(event)})


def rename(call: Call) -> Response:
    """`POST …/discussions/{num}/title` with `{title}`."""
    title, now = _text(call.json(), "title"), call.registry.clock()
    with call.write() as (conn, caller):
        repo, found = _find(call, conn, caller)
        access.check_speaks(caller, repo)
        event = discussions.rename(conn, repo, found, caller, title, now=now)
    return JSONResponse({"newTitle": _event(event)})


def set_status(call: Call) -> Response:
    """`POST …/discussions/{num}/status` with `{status, comment?}`."""
    body, now = call.json(), call.registry.clock()
    try:
        status = Status(str(body.get("status")))
    except ValueError:
        raise InvalidInput("'status' must be 'open' or 'closed'.") from None
    with call.write() as (conn, caller):
        repo, found = _find(call, conn, caller)
        access.check_speaks(caller, repo)
        event = discussions.set_status(conn, repo, found, caller, status, now=now)
        if body.get("comment"):
            text = _text(body, "comment")
            discussions.comment(conn, repo, found.num, caller.user, text, now=now)
    return JSONResponse({"newStatus": _event(event)})


def merge(call: Call) -> Response:
    """`POST …/discussions/{num}/merge` with `{comment?}`."""
    body, now = call.json(), call.registry.clock()
    with call.write() as (conn, caller):
        repo = call.repo(conn, caller, Action.WRITE)
        found = discussions.find(conn, repo, _number(call.param("num")))
        author = Author(caller.user, now)
        oid = pulls.merge(conn, call.registry, repo, found, author=author)
        if body.get("comment"):
            text = _text(body, "comment")
            discussions.comment(conn, repo, found.num, caller.user, text, now=now)
    call.request.app.state.indexer.wake()
    return JSONResponse({"mergeCommitId": oid.hex(), "status": Status.MERGED})


# -- requests -------------------------------------------------------------------------------


def _find(call: Call, conn: Connection, caller: Caller) -> tuple[Repo, Discussion]:
    repo = call.repo(conn, caller)
    return repo, discussions.find(conn, repo, _number(call.param("num")))


def _proposable(call: Call, conn: Connection, caller: Caller) -> Repo:
    repo = call.repo(conn, caller)
    access.check_speaks(caller, repo)
    return repo


def _position(call: Call) -> int:
    try:
        return int(call.param("id"), 16)
    except ValueError:
        raise NotFound("There is no such comment.") from None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise InvalidInput(f"{text[:20]!r} is not a number.")
    return int(text)


def _choice(call: Call, name: str, choices: dict[str, bool | None]) -> bool | None:
    try:
        return choices[call.query(name)]
    except KeyError:
        known = ", ".join(filter(None, choices))
        raise InvalidInput(f"{name!r} must be one of: {known}.") from None


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field, "")
    if not isinstance(value, str):
        raise InvalidInput(f"{field!r} must be a string.")
    return value


# -- answers --------------------------------------------------------------------------------


def _summary(repo: Repo, found: Discussion) -> dict[str, Any]:
    return {
        "num": found.num,
        "title": found.title,
        "status": found.status,
        "author": {"name": found.author},
        "createdAt": iso(found.created_at),
        "isPullRequest": found.is_pull_request,
        "repo": {"name": str(repo.repo_id), "type": repo.type},
    }


def _pull_fields(
    conn: Connection, repo: Repo, found: Discussion, changes: Changes | None, *, diff: bool
) -> dict[str, Any]:
    merged = found.merge_commit.hex() if found.merge_commit is not None else None
    fields: dict[str, Any] = {
        "changes": {"base": found.target_branch, "mergeCommitId": merged},
        "filesWithConflicts": changes.conflicts if changes is not None else True,
    }
    if diff and changes is not None:
        store = GitStore(conn, repo.id)
        fields["diff"] = patches.patch(store, changes.base_tree, changes.head_tree)
    return fields


def _events(
    found: Discussion, events: list[Event], changes: Changes | None
) -> list[dict[str, Any]]:
    opening = {"text": found.description, "edited": False, "hidden": False, "history": []}
    first = Event(found.num, 0, "comment", found.author, found.author_id, found.created_at, opening)
    commits = [
        {
            "id": oid.hex(),
            "type": "commit",
            "createdAt": iso(commit.committer.micros),
            "author": {"name": commit.author.name},
            "data": {"oid": oid.hex(), "subject": commit.title},
        }
        for oid, commit in (changes.commits if changes is not None else [])
    ]
    return [_event(first), *commits, *map(_event, events)]


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": _ID.format(event.position),
        "type": event.kind,
        "createdAt": iso(event.created_at),
        "author": {"name": event.author},
        "data": _comment(event) if event.kind == "comment" else dict(event.data),
    }


def _comment(event: Event) -> dict[str, Any]:
    text, history = event.data["text"], event.data["history"]
    updated = history[-1]["until"] if history else event.created_at
    return {
        "edited": event.data["edited"],
        "hidden": event.data["hidden"],
        "latest": {
            "raw": text,
            "html": f"<p>{html.escape(text)}</p>",
            "updatedAt": iso(updated),
            "author": {"name": event.author},
        },
        "history": [{"raw": it["text"], "updatedAt": iso(it["until"])} for it in history],
    }
