"""Discussions: their rows and events. Pull requests are discussions with a branch of their own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from reprise.base.errors import Forbidden, InvalidInput, NotFound
from reprise.registry.access import Account, Action, Caller, Repo, check
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import account, discussion, discussion_event

MIN_TITLE, MAX_TITLE = 3, 200  # characters, as the public hub has them
MAX_TEXT = 65_536
MAX_EVENTS = 10_000
MAX_HISTORY = 20  # former texts of one comment


class Status(StrEnum):
    """Where a discussion stands. Draft and merged are for pull requests."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


OPEN = (Status.OPEN, Status.DRAFT)


@dataclass(frozen=True)
class Discussion:
    """A discussion or pull request. Times are microseconds since 1970, UTC."""

    num: int
    title: str
    description: str
    author: str
    author_id: int
    status: Status
    is_pull_request: bool
    created_at: int
    target_branch: str | None = None
    merge_commit: bytes | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened: `comment`, `status-change`, `title-change`.

    `data` holds `text`, `edited`, `hidden` and `history` of a comment, `status` of a change of
    status, `from` and `to` of a change of title.
    """

    num: int
    position: int
    kind: str
    author: str
    author_id: int
    created_at: int
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which discussions to list."""

    pulls: bool | None = None  # None: both kinds
    open: bool | None = None  # None: whatever their status
    author: str = ""


_COLUMNS = select(discussion, account.c.name.label("author")).join(
    account, account.c.id == discussion.c.author_id
)


def find(conn: Connection, repo: Repo, num: int) -> Discussion:
    """Find a discussion by number.

    Raises:
        NotFound: There is none.
    """
    query = _COLUMNS.where(discussion.c.repo_id == repo.id, discussion.c.num == num)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"{repo.repo_id} has no discussion {num}.")
    return _as_discussion(row)


def list_page(
    conn: Connection, repo: Repo, wanted: Wanted, *, start: int, limit: int
) -> tuple[list[Discussion], int]:
    """List discussions, newest first; returns a page and how many there are in all."""
    query = _filtered(_COLUMNS.where(discussion.c.repo_id == repo.id), wanted)
    total = conn.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    page = query.order_by(discussion.c.num.desc()).offset(start).limit(limit)
    return [_as_discussion(row) for row in conn.execute(page)], total


def open_new(conn: Connection, repo: Repo, new: Discussion) -> Discussion:
    """Open a discussion; its number is given here.

    Raises:
        InvalidInput: The text is too long.
    """
    _check_text(new.description)
    lock_repo(conn, repo.id)
    last = select(func.max(discussion.c.num)).where(discussion.c.repo_id == repo.id)
    num = (conn.execute(last).scalar() or 0) + 1
    values = {
        "repo_id": repo.id,
        "num": num,
        "author_id": new.author_id,
        "is_pull_request": new.is_pull_request,
        "title": new.title,
        "description": new.description,
        "status": new.status.value,
        "created_at": new.created_at,
        "target_branch": new.target_branch,
    }
    conn.execute(insert(discussion).values(values))
    return find(conn, repo, num)


def events_of(conn: Connection, repo: Repo, num: int) -> list[Event]:
    """List what happened in a discussion, oldest first."""
    query = (
        select(discussion_event, account.c.name.label("author"))
        .join(account, account.c.id == discussion_event.c.author_id)
        .where(discussion_event.c.repo_id == repo.id, discussion_event.c.num == num)
        .order_by(discussion_event.c.position)
    )
    return [_as_event(row) for row in conn.execute(query)]


def comment(conn: Connection, repo: Repo, num: int, who: Account, text: str, *, now: int) -> Event:
    """Add a comment.

    Raises:
        InvalidInput: It is empty or too long.
    """
    if not text.strip():
        raise InvalidInput("A comment must not be empty.")
    _check_text(text)
    data = {"text": text, "edited": False, "hidden": False, "history": []}
    return _add(conn, repo, num, who, ("comment", data), now=now)


def rename(
    conn: Connection, repo: Repo, found: Discussion, caller: Caller, title: str, *, now: int
) -> Event:
    """Change a title; for the author and writers.

    Raises:
        Forbidden: Neither of them.
        InvalidInput: The title is too short or too long.
    """
    check_may_change(caller, repo, found)
    title = check_title(title)
    _set(conn, repo, found.num, title=title)
    change = ("title-change", {"from": found.title, "to": title})
    return _add(conn, repo, found.num, caller.user, change, now=now)


def set_status(
    conn: Connection, repo: Repo, found: Discussion, caller: Caller, status: Status, *, now: int
) -> Event:
    """Open or close; for the author and writers.

    Raises:
        Forbidden: Neither of them.
        InvalidInput: It was merged, or that status cannot be set.
    """
    check_may_change(caller, repo, found)
    if found.status is Status.MERGED or status not in {Status.OPEN, Status.CLOSED}:
        raise InvalidInput(f"A {found.status} discussion cannot be set to {status}.")
    return note_status(conn, repo, found.num, caller.user, status, now=now)


def note_status(
    conn: Connection, repo: Repo, num: int, who: Account, status: Status, *, now: int
) -> Event:
    """Record a new status."""
    _set(conn, repo, num, status=status.value)
    return _add(conn, repo, num, who, ("status-change", {"status": status.value}), now=now)


def note_merge(conn: Connection, repo: Repo, num: int, commit: bytes) -> None:
    """Record the commit that merged a pull request."""
    _set(conn, repo, num, merge_commit=commit)


def check_may_change(caller: Caller, repo: Repo, found: Discussion) -> None:
    """Let the author and writers of the repo pass.

    Raises:
        Forbidden: The caller is neither.
    """
    if caller.user.id != found.author_id:
        check(caller, Action.WRITE, repo)


def check_title(title: str) -> str:
    """Return a title without spaces around it.

    Raises:
        InvalidInput: Too short or too long.
    """
    title = " ".join(title.split())
    if not MIN_TITLE <= len(title) <= MAX_TITLE:
        raise InvalidInput(f"A title has {MIN_TITLE} to {MAX_TITLE} characters.")
    return title


def edit_comment(
    conn: Connection, repo: Repo, event: Event, caller: Caller, text: str, *, now: int
) -> Event:
    """Change a comment's text; for its author. Former texts are kept.

    Raises:
        Forbidden: Somebody else.
        InvalidInput: The text is empty or too long, or the comment was hidden.
    """
    if caller.user.id != event.author_id:
        raise Forbidden("Only its author can edit a comment.")
    if event.data["hidden"]:
        raise InvalidInput("A hidden comment cannot be edited.")
    if not text.strip():
        raise InvalidInput("A comment must not be empty.")
    _check_text(text)
    former = {"text": event.data["text"], "until": now}
    history = [*event.data["history"], former][-MAX_HISTORY:]
    return _change(conn, repo, event, {"text": text, "edited": True, "history": history})


def hide_comment(conn: Connection, repo: Repo, event: Event, caller: Caller) -> Event:
    """Take a comment's text away for good; for its author and writers.

    Raises:
        Forbidden: Neither of them.
    """
    if caller.user.id != event.author_id:
        check(caller, Action.WRITE, repo)
    return _change(conn, repo, event, {"text": "", "hidden": True, "history": []})


def find_comment(conn: Connection, repo: Repo, num: int, position: int) -> Event:
    """Find a comment.

    Raises:
        NotFound: There is none.
    """
    for event in events_of(conn, repo, num):
        if event.position == position and event.kind == "comment":
            return event
    raise NotFound(f"Discussion {num} has no such comment.")


def _filtered(query: Select[*tuple[Any, ...]], wanted: Wanted) -> Select[*tuple[Any, ...]]:
    if wanted.pulls is not None:
        query = query.where(discussion.c.is_pull_request == wanted.pulls)
    if wanted.open is not None:
        is_open = discussion.c.status.in_([status.value for status in OPEN])
        query = query.where(is_open if wanted.open else ~is_open)
    if wanted.author:
        query = query.where(account.c.key == wanted.author.lower())
    return query


def _add(
    conn: Connection,
    repo: Repo,
    num: int,
    who: Account,
    what: tuple[str, dict[str, Any]],
    *,
    now: int,
) -> Event:
    lock_repo(conn, repo.id)
    here = (discussion_event.c.repo_id == repo.id) & (discussion_event.c.num == num)
    last = conn.execute(select(func.max(discussion_event.c.position)).where(here)).scalar() or 0
    if last >= MAX_EVENTS:
        raise InvalidInput(f"A discussion holds at most {MAX_EVENTS} events; open a new one.")
    kind, data = what
    values = {
        "repo_id": repo.id,
        "num": num,
        "position": last + 1,
        "author_id": who.id,
        "kind": kind,
        "created_at": now,
        "data": json.dumps(data),
    }
    conn.execute(insert(discussion_event).values(values))
    return Event(num, last + 1, kind, who.name, who.id, now, data)


def _change(conn: Connection, repo: Repo, event: Event, changes: dict[str, Any]) -> Event:
    data = {**event.data, **changes}
    conn.execute(
        update(discussion_event)
        .where(
            discussion_event.c.repo_id == repo.id,
            discussion_event.c.num == event.num,
            discussion_event.c.position == event.position,
        )
        .values(data=json.dumps(data))
    )
    return replace(event, data=data)


def _set(conn: Connection, repo: Repo, num: int, **values: object) -> None:
    here = (discussion.c.repo_id == repo.id) & (discussion.c.num == num)
    conn.execute(update(discussion).where(here).values(**values))


def _check_text(text: str) -> None:
    if len(text) > MAX_TEXT or "\0" in text:
        raise InvalidInput(f"A text has at most {MAX_TEXT} characters, and no NUL.")


def _as_discussion(row: Row[*tuple[Any, ...]]) -> Discussion:
    return Discussion(
        num=row.num,
        title=row.title,
        description=row.description,
        author=row.author,
        author_id=row.author_id,
        status=Status(row.status),
        is_pull_request=row.is_pull_request,
        created_at=row.created_at,
        target_branch=row.target_branch,
        merge_commit=row.merge_commit,
    )


def _as_event(row: Row[*tuple[Any, ...]]) -> Event:
    data = json.loads(row.data)
    return Event(row.num, row.position, row.kind, row.author, row.author_id, row.created_at, data)
