"""Runs of checks that the hub does not do itself: what somebody found, when, with which token.

The hub believes none of it blindly: who sent it is shown beside it, a reviewer's word counts before
that of the repo's own people, and fingerprints are compared here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput, TooLarge, TooManyRequests
from reprise.base.ids import is_commit
from reprise.hub.trials.fingerprints import differences
from reprise.hub.trials.records import NAMES
from reprise.registry.access import Caller, Repo
from reprise.registry.checks import Outcome, Result
from reprise.registry.db.schema import account, check_run
from reprise.registry.manifests import storable

MAX_FINDINGS = 512 << 10  # bytes of JSON
MAX_ENVIRONMENT = 64 << 10  # bytes of JSON
MAX_KEPT = 60  # runs of one repo, besides those that others are compared with
MAX_LISTED = 20
_MAX_REASON = 4_000  # characters
_PER_DAY = 50  # runs of one repo that one account sends
_DAY = 86_400_000_000  # microseconds
_FINGERPRINT = "fingerprint"


@dataclass(frozen=True)
class Finding:
    """The result of one check, with what later runs are compared with."""

    result: Result
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A run before it is kept."""

    commit: bytes
    findings: tuple[Finding, ...]
    environment: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A run of checks. Time in microseconds since 1970, UTC.

    Attributes:
        author: Who sent it, or None when the account is gone.
        token: The name of the access token it was sent with.
        as_reviewer: It is a reviewer's word, not that of the repo's own people.
        environment: What the checks ran in, as the sender says.
    """

    commit: bytes
    author: str | None
    token: str
    as_reviewer: bool
    environment: Mapping[str, Any]
    findings: tuple[Finding, ...]
    created_at: int


def read(body: Mapping[str, Any]) -> Sent:
    """Read a run from the JSON of a request.

    Raises:
        InvalidInput: A part is missing or something else.
        TooLarge: It is over `MAX_FINDINGS` or `MAX_ENVIRONMENT`.
    """
    environment, items = body.get("environment", {}), body.get("findings")
    if not isinstance(environment, dict):
        raise InvalidInput("'environment' must be a JSON object.")
    if not isinstance(items, list) or not items:
        raise InvalidInput("'findings' must be a list of at least one result.")
    if len(json.dumps(environment)) > MAX_ENVIRONMENT or len(json.dumps(items)) > MAX_FINDINGS:
        raise TooLarge(
            f"A run of checks has at most {MAX_FINDINGS} bytes of findings and {MAX_ENVIRONMENT} "
            "bytes of environment, as JSON."
        )
    found = tuple(_finding(item) for item in items)
    if len({it.result.name for it in found}) != len(found):
        raise InvalidInput("'findings' names a check twice.")
    return Sent(_commit(body.get("sha")), found, environment)


def add(
    conn: Connection, caller: Caller, repo: Repo, sent: Sent, *, as_reviewer: bool, now: int
) -> Run:
    """Keep a run of checks; its fingerprint is compared with the first one of the same commit.

    Args:
        conn: An open write transaction; the repo is locked.
        caller: Who sent it.
        repo: What was checked.
        sent: What was found.
        as_reviewer: The caller speaks as a reviewer.
        now: Microseconds since 1970, UTC.

    Raises:
        TooManyRequests: The account sent its share for today.
    """
    _check_rate(conn, caller, repo, now)
    first = _first_print(conn, repo, sent.commit)
    findings = tuple(_compared(it, first, sent.environment) for it in sent.findings)
    token = caller.token.name if caller.token is not None else ""
    values = {
        "repo_id": repo.id,
        "commit_oid": sent.commit,
        "account_id": caller.user.id,
        "token_name": token,
        "as_reviewer": as_reviewer,
        "environment": json.dumps(dict(sent.environment)),
        "findings": json.dumps([_as_json(it.result) for it in findings]),
        "details": json.dumps({it.result.name: dict(it.details) for it in findings if it.details}),
        "created_at": now,
    }
    conn.execute(insert(check_run).values(values))
    _prune(conn, repo, sent.commit)
    return Run(
        sent.commit, caller.user.name, token, as_reviewer, sent.environment, findings, now
    )  # fmt: skip


def list_of(conn: Connection, repo: Repo) -> list[Run]:
    """List the last `MAX_LISTED` runs of a repo's submission, newest first."""
    mine = _ALL.add_columns(check_run.c.details).where(check_run.c.repo_id == repo.id)
    rows = conn.execute(mine.order_by(check_run.c.id.desc()).limit(MAX_LISTED))
    return [_run(row, json.loads(row.details)) for row in rows]


def latest(conn: Connection, repo: Repo, commit: bytes) -> dict[str, tuple[Run, Result]]:
    """Return the result of each check that counts now: a reviewer's newest, else the newest."""
    mine = _ALL.where(check_run.c.repo_id == repo.id, check_run.c.commit_oid == commit)
    found: dict[str, tuple[Run, Result]] = {}
    for row in conn.execute(mine.order_by(check_run.c.as_reviewer, check_run.c.id)):
        run = _run(row, {})
        found |= {it.result.name: (run, it.result) for it in run.findings}
    return found


def _commit(value: Any) -> bytes:
    if not isinstance(value, str) or not is_commit(value):
        raise InvalidInput("'sha' must be the commit that was checked, 40 hex digits.")
    return bytes.fromhex(value)


def _finding(item: Any) -> Finding:
    fields = item if isinstance(item, dict) else {}
    name, reason, details = fields.get("name"), fields.get("reason"), fields.get("details", {})
    if not isinstance(name, str) or name not in NAMES:
        raise InvalidInput(f"'name' of a finding must be one of: {', '.join(NAMES)}.")
    if not isinstance(reason, str) or not isinstance(details, dict):
        raise InvalidInput(f"{name!r} needs a 'reason', and 'details' that are a JSON object.")
    try:
        outcome = Outcome(str(fields.get("outcome")))
    except ValueError:
        known = ", ".join(Outcome)
        raise InvalidInput(f"'outcome' of {name!r} must be one of: {known}.") from None
    return Finding(Result(name, outcome, storable(reason)[:_MAX_REASON]), details)


def _compared(found: Finding, first: Run | None, environment: Mapping[str, Any]) -> Finding:
    """Let a fingerprint fail that differs from the first one."""
    result = found.result
    if result.name != _FINGERPRINT or result.outcome is not Outcome.PASSED or first is None:
        return found
    old, new = _entries(first), found.details.get("entries")
    drift = differences(old, new if isinstance(new, dict) else {})
    since = f"{iso(first.created_at)[:10]} by {first.author or 'somebody'}"
    if not drift:
        return replace(found, result=replace(result, reason=f"{result.reason}, as on {since}"))
    reason = f"differs from {since}{_changed(first.environment, environment)}: {'; '.join(drift)}"
    return replace(
        found, result=Result(_FINGERPRINT, Outcome.FAILED, storable(reason)[:_MAX_REASON])
    )


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say what is another version in the environment now."""
    before, after = _versions(old), _versions(new)
    names = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    shown = ", ".join(f"{name} {before[name]} then, {after[name]} now" for name in names[:5])
    return f" ({shown})" if shown else ""


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    packages = environment.get("packages")
    found = dict(packages) if isinstance(packages, dict) else {}
    found |= {key: environment.get(key) for key in ("python", "machine")}
    return {key: str(value)[:60] for key, value in found.items()}


def _entries(run: Run) -> Mapping[str, Any]:
    for it in run.findings:
        entries = it.details.get("entries")
        if it.result.name == _FINGERPRINT and isinstance(entries, dict):
            return entries
    return {}


def _first_print(conn: Connection, repo: Repo, commit: bytes) -> Run | None:
    """Find what fingerprints of a commit are compared with: a reviewer's first, else the first."""
    mine = _ALL.add_columns(check_run.c.details).where(
        check_run.c.repo_id == repo.id,
        check_run.c.commit_oid == commit,
        check_run.c.details.contains(f'"{_FINGERPRINT}"'),
    )
    for row in conn.execute(mine.order_by(check_run.c.as_reviewer.desc(), check_run.c.id)):
        run = _run(row, json.loads(row.details))
        if _entries(run):
            return run
    return None


def _prune(conn: Connection, repo: Repo, commit: bytes) -> None:
    """Forget the oldest runs, but never those of a commit that others are compared with."""
    mine = check_run.c.repo_id == repo.id
    newest = select(check_run.c.id).where(mine).order_by(check_run.c.id.desc()).limit(MAX_KEPT)
    first = select(func.min(check_run.c.id)).where(mine, check_run.c.commit_oid == commit)
    by_role = first.group_by(check_run.c.as_reviewer)
    kept = {*conn.execute(newest).scalars(), *conn.execute(by_role).scalars()}
    conn.execute(delete(check_run).where(mine, check_run.c.id.not_in(kept)))


def _check_rate(conn: Connection, caller: Caller, repo: Repo, now: int) -> None:
    mine = (check_run.c.account_id == caller.user.id) & (check_run.c.repo_id == repo.id)
    recent = (
        select(func.count()).select_from(check_run).where(mine, check_run.c.created_at > now - _DAY)
    )
    if conn.execute(recent).scalar_one() >= _PER_DAY:
        raise TooManyRequests(f"An account sends at most {_PER_DAY} runs a day of one repo.")


_ALL: Select[Any] = select(
    check_run.c.commit_oid,
    check_run.c.token_name,
    check_run.c.as_reviewer,
    check_run.c.environment,
    check_run.c.findings,
    check_run.c.created_at,
    account.c.name.label("author"),
).outerjoin(account, account.c.id == check_run.c.account_id)


def _run(row: Row[Any], details: Mapping[str, Any]) -> Run:
    findings = tuple(
        Finding(
            Result(it["name"], Outcome(it["outcome"]), it["reason"]), details.get(it["name"], {})
        )
        for it in json.loads(row.findings)
    )
    return Run(
        row.commit_oid, row.author, row.token_name, row.as_reviewer, json.loads(row.environment),
        findings, row.created_at,
    )  # fmt: skip


def _as_json(result: Result) -> dict[str, str]:
    return {"name": result.name, "outcome": result.outcome.value, "reason": result.reason}
