"""Reports: what did not work for somebody, and in which environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from reprise.base.errors import InvalidInput, NotFound, TooLarge, TooManyRequests
from reprise.registry.access import Action, Caller, Repo, check, check_speaks, sees_submission
from reprise.registry.db.schema import account, report

MAX_TEXT = 10_000  # characters
MAX_ENVIRONMENT = 64 << 10  # bytes of JSON
MAX_LISTED = 200
_PER_DAY = 20  # reports of one account
_DAY = 86_400_000_000  # microseconds


class Status(StrEnum):
    """Whether a report waits for somebody."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Report:
    """A report. `environment` is what its author's machine said about itself."""

    id: int
    author: str
    commit: bytes | None
    text: str
    environment: Mapping[str, Any]
    status: Status
    created_at: int


@dataclass(frozen=True)
class Draft:
    """A report before it is checked and kept."""

    text: str
    environment: Mapping[str, Any]
    commit: bytes | None = None


def send(conn: Connection, caller: Caller, repo: Repo, draft: Draft, *, now: int) -> Report:
    """Keep a report about a repo.

    Raises:
        InvalidInput: No text.
        TooLarge: The text or the environment is over its limit.
        TooManyRequests: The account sent its share for today.
        Unauthenticated, Forbidden: See `access.check_speaks`.
    """
    check_speaks(caller, repo)
    body = draft.text.strip()
    encoded = json.dumps(draft.environment, separators=(",", ":"))
    if not body:
        raise InvalidInput("A report needs a text: what did you do, and what happened?")
    if len(body) > MAX_TEXT:
        raise TooLarge(f"A report has at most {MAX_TEXT} characters.")
    if len(encoded) > MAX_ENVIRONMENT:
        raise TooLarge(f"A report's environment has at most {MAX_ENVIRONMENT} bytes of JSON.")
    _check_rate(conn, caller, now)
    values = {
        "repo_id": repo.id,
        "author_id": caller.user.id,
        "commit_oid": draft.commit,
        "body": body,
        "environment": encoded,
        "status": Status.OPEN.value,
        "created_at": now,
    }
    number: int = conn.execute(insert(report).values(values).returning(report.c.id)).scalar_one()
    author = caller.user.name
    return Report(number, author, draft.commit, body, draft.environment, Status.OPEN, now)


def list_of(conn: Connection, caller: Caller, repo: Repo, *, reviews: bool) -> list[Report]:
    """List the reports about a repo that a caller may see, newest first.

    Those who may write to the repo and reviewers see all of them, others their own.
    """
    check(caller, Action.READ, repo)
    query = (
        select(report, account.c.name.label("author"))
        .join(account, account.c.id == report.c.author_id)
        .where(report.c.repo_id == repo.id)
        .order_by(report.c.created_at.desc(), report.c.id.desc())
        .limit(MAX_LISTED)
    )
    if not sees_submission(caller, repo, reviews=reviews):
        query = query.where(report.c.author_id == caller.user.id)
    return [
        Report(
            row.id, row.author, row.commit_oid, row.body, json.loads(row.environment),
            Status(row.status), row.created_at,
        )
        for row in conn.execute(query)
    ]  # fmt: skip


def set_status(conn: Connection, caller: Caller, repo: Repo, number: int, status: Status) -> None:
    """Close a report, or open it again.

    Raises:
        NotFound: The repo has no such report.
        Forbidden: The caller may not write to the repo.
    """
    check(caller, Action.WRITE, repo)
    which = (report.c.repo_id == repo.id) & (report.c.id == number)
    if conn.execute(update(report).where(which).values(status=status.value)).rowcount == 0:
        raise NotFound(f"{repo.repo_id} has no report {number}.")


def _check_rate(conn: Connection, caller: Caller, now: int) -> None:
    mine = (report.c.author_id == caller.user.id) & (report.c.created_at > now - _DAY)
    sent: int = conn.execute(select(func.count()).select_from(report).where(mine)).scalar_one()
    if sent >= _PER_DAY:
        raise TooManyRequests(f"An account sends at most {_PER_DAY} reports a day.")
