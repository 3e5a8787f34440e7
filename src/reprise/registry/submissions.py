"""Submissions to the curated catalogue: proposed, checked, decided, looked at again.

A submission belongs to the repo's number, so it follows the repo when it moves. It names one
commit: what was checked and decided on is what people are shown.
"""

import logging
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from reprise.base.errors import (
    InvalidInput,
    NotFound,
    RepriseError,
    RevisionNotFound,
    StaleParent,
)
from reprise.base.ids import RepoType
from reprise.registry import check_runs, evidence, repos
from reprise.registry.access import (
    Action,
    Caller,
    Repo,
    check,
    check_decides,
    check_tests,
    sees_submission,
)
from reprise.registry.check_runs import Sent
from reprise.registry.checks import Outcome, Result, run_all
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import account, submission, submission_check, submission_event
from reprise.registry.db.upsert import insert as upsert
from reprise.registry.manifests import storable
from reprise.registry.registry import Registry

_log = logging.getLogger(__name__)

MAX_REASON = 4_000  # characters
MAX_EVENTS = 1_000
LISTED = 200
MAX_LISTED = 5_000  # a nightly job goes through all of them


class State(StrEnum):
    """Where a submission stands."""

    DRAFT = "draft"  # checked on request, nobody else is asked
    CHECKS = "checks"  # automatic checks are to be run, or some failed
    REVIEW = "review"  # waits for a reviewer
    PUBLISHED = "published"
    CHANGES_REQUESTED = "changes-requested"
    DECLINED = "declined"
    STALE = "stale"  # was published, and a check fails now


DECISIONS = (State.PUBLISHED, State.CHANGES_REQUESTED, State.DECLINED)
SHOWN = (State.PUBLISHED, State.STALE)  # to everybody who sees the repo


@dataclass(frozen=True)
class Submission:
    """A repo that was proposed at one commit. Times are microseconds since 1970, UTC."""

    repo: Repo
    commit: bytes
    submitter: str
    state: State
    created_at: int
    updated_at: int


@dataclass(frozen=True)
class Event:
    """A change of state, and why; without an actor the hub itself did it."""

    state: State
    actor: str | None
    reason: str
    commit: bytes
    created_at: int


@dataclass(frozen=True)
class Checked:
    """The last result of a check, on which commit and when.

    `by` is who ran it, None for the hub itself; `as_reviewer` whether that is a reviewer's word.
    """

    result: Result
    commit: bytes
    checked_at: int
    by: str | None = None
    as_reviewer: bool = False


@dataclass(frozen=True)
class Move:
    """A change of state to be made."""

    state: State
    reason: str
    actor: int | None = None  # number of the account; None: the hub


def submit(
    conn: Connection, caller: Caller, repo: Repo, commit: bytes, *, draft: bool = False, now: int
) -> Submission:
    """Propose a repo at a commit; `run_checks` moves it on.

    The right to push is the proof of ownership.

    Raises:
        Forbidden: The caller may not write to the repo.
        InvalidInput: No model, or private.
    """
    check(caller, Action.WRITE, repo)
    if repo.type is not RepoType.MODEL:
        raise InvalidInput(f"The catalogue is for models; {repo.repo_id} is a {repo.type}.")
    if repo.private:
        raise InvalidInput(f"{repo.repo_id} is private: make it public before submitting it.")
    lock_repo(conn, repo.id)
    values = {"commit_oid": commit, "submitter_id": caller.user.id, "updated_at": now}
    state = State.DRAFT if draft else State.CHECKS
    row = {**values, "repo_id": repo.id, "state": state.value, "created_at": now}
    statement = upsert(conn, submission).values(row)
    conn.execute(statement.on_conflict_do_update(index_elements=["repo_id"], set_=values))
    move(conn, find(conn, repo), Move(state, "submitted", caller.user.id), now=now)
    return find(conn, repo)


def find(conn: Connection, repo: Repo) -> Submission:
    """Return a repo's submission.

    Raises:
        NotFound: It was never submitted.
    """
    row = conn.execute(_ALL.where(submission.c.repo_id == repo.id)).one_or_none()
    if row is None:
        raise NotFound(f"{repo.repo_id} was not submitted to the catalogue.")
    return _submission(row, repo)


def visible(conn: Connection, caller: Caller, repo: Repo, *, reviews: bool) -> Submission:
    """Return a submission that the caller may see: everybody's if published, else one's own."""
    check(caller, Action.READ, repo)
    found = find(conn, repo)
    if found.state in SHOWN or sees_submission(caller, repo, reviews=reviews):
        return found
    raise NotFound(f"{repo.repo_id} was not submitted to the catalogue.")


def list_visible(
    conn: Connection,
    caller: Caller,
    state: State | None,
    *,
    reviews: bool,
    limit: int = LISTED,
) -> list[Submission]:
    """List submissions that a caller may see: most votes first, then the latest change.

    Beyond the limit, of at most `MAX_LISTED`, those that changed longest ago are left out.
    """
    query = _ALL if state is None else _ALL.where(submission.c.state == state.value)
    found = []
    for row in conn.execute(query.order_by(submission.c.updated_at.desc())):
        repo = repos.by_number(conn, row.repo_id)
        if repo is None or not _may_list(caller, repo, State(row.state), reviews):
            continue
        found.append(_submission(row, repo))
        if len(found) >= min(limit, MAX_LISTED):
            break
    return sorted(found, key=lambda it: -it.repo.likes)


def decide(
    conn: Connection, caller: Caller, repo: Repo, decision: Move, *, reviews: bool, now: int
) -> Submission:
    """Decide on a submission that waits for review, or take a published one back.

    Args:
        conn: An open write transaction.
        caller: The reviewer.
        repo: Whose submission.
        decision: One of `DECISIONS`, with a reason.
        reviews: The caller is a reviewer.
        now: Microseconds since 1970, UTC.

    Raises:
        Forbidden: See `access.check_decides`.
        InvalidInput: No decision, no reason, or nothing is there to be decided.
    """
    check_decides(caller, repo, reviews=reviews)
    reason = decision.reason.strip()
    if decision.state not in DECISIONS:
        raise InvalidInput(f"A decision is one of: {', '.join(DECISIONS)}.")
    if not reason or len(reason) > MAX_REASON:
        raise InvalidInput(f"A decision needs a reason of 1 to {MAX_REASON} characters.")
    lock_repo(conn, repo.id)
    found = find(conn, repo)
    if found.state not in {State.REVIEW, *SHOWN}:
        raise InvalidInput(f"{repo.repo_id} is in the state {found.state}: nothing is to decide.")
    if decision.state is State.PUBLISHED and found.state is not State.REVIEW:
        raise InvalidInput(f"{repo.repo_id} must pass its checks before it is published.")
    move(conn, found, Move(decision.state, reason, caller.user.id), now=now)
    return find(conn, repo)


def run_checks(registry: Registry, repo: Repo) -> list[Result]:
    """Run every check on a submission and move it on; opens transactions of its own.

    Raises:
        NotFound: The repo was never submitted.
        StaleParent: It was submitted again meanwhile.
    """
    with registry.db.read() as conn:
        found = find(conn, repo)
    try:
        results = run_all(evidence.gather(registry, repo, found.commit))
    except RevisionNotFound:
        reason = f"commit {found.commit.hex()} is gone from the repo"
        results = [Result("commit", Outcome.FAILED, reason)]
    with registry.db.write() as conn:
        lock_repo(conn, repo.id)
        now = registry.clock()
        if find(conn, repo).commit != found.commit:
            raise StaleParent(f"{repo.repo_id} was submitted again meanwhile; its checks run anew.")
        _keep(conn, found, results, now=now)
        return _after_checks(conn, find(conn, repo), now=now)


def accept_run(
    conn: Connection, caller: Caller, repo: Repo, sent: Sent, *, reviews: bool, now: int
) -> Submission:
    """Keep what somebody found who ran the code of a submission, and move it on.

    Args:
        conn: An open write transaction.
        caller: Who ran it.
        repo: Whose submission.
        sent: What was found.
        reviews: The caller is a reviewer.
        now: Microseconds since 1970, UTC.

    Raises:
        Forbidden: See `access.check_tests`.
        StaleParent: Another commit is submitted now.
        TooManyRequests: See `check_runs.add`.
    """
    as_reviewer = check_tests(caller, repo, reviews=reviews)
    lock_repo(conn, repo.id)
    found = find(conn, repo)
    if found.commit != sent.commit:
        raise StaleParent(
            f"The checks were run on commit {sent.commit.hex()}, but {repo.repo_id} is submitted "
            f"at {found.commit.hex()}: run them again."
        )
    check_runs.add(conn, caller, repo, sent, as_reviewer=as_reviewer, now=now)
    _after_checks(conn, found, now=now)
    return find(conn, repo)


def recheck(registry: Registry) -> list[tuple[Submission, list[Result]]]:
    """Check everything published or stale again, one after the other; for a nightly job."""
    with registry.db.read() as conn:
        states = [state.value for state in SHOWN]
        numbers = conn.execute(
            select(submission.c.repo_id).where(submission.c.state.in_(states))
        ).scalars().all()  # fmt: skip
    done = []
    for number in numbers:
        with registry.db.read() as conn:
            repo = repos.by_number(conn, number)
        if repo is None:
            continue
        try:
            results = run_checks(registry, repo)
        except RepriseError as error:  # submitted again meanwhile, or moved too often
            _log.warning("%s was not checked: %s", repo.repo_id, error)
            continue
        with registry.db.read() as conn:
            done.append((find(conn, repo), results))
    return done


def checks_of(conn: Connection, repo: Repo) -> list[Checked]:
    """Return the last results of a submission's checks, in their order.

    What the hub does not run itself is as people reported it, if they did.
    """
    rows = conn.execute(
        select(submission_check)
        .where(submission_check.c.repo_id == repo.id)
        .order_by(submission_check.c.position)
    ).all()
    reported = check_runs.latest(conn, repo, rows[0].commit_oid) if rows else {}
    found = []
    for row in rows:
        if row.name in reported:
            run, result = reported[row.name]
            who = run.author or "somebody whose account is gone"
            found.append(Checked(result, run.commit, run.created_at, who, run.as_reviewer))
        else:
            result = Result(row.name, Outcome(row.outcome), row.reason)
            found.append(Checked(result, row.commit_oid, row.checked_at))
    return found


def history(conn: Connection, repo: Repo) -> list[Event]:
    """Return what happened to a submission, oldest first."""
    rows = conn.execute(
        select(submission_event, account.c.name.label("actor"))
        .outerjoin(account, account.c.id == submission_event.c.actor_id)
        .where(submission_event.c.repo_id == repo.id)
        .order_by(submission_event.c.position)
    )
    return [
        Event(State(row.state), row.actor, row.reason, row.commit_oid, row.created_at)
        for row in rows
    ]


def move(conn: Connection, found: Submission, wanted: Move, *, now: int) -> None:
    """Write a new state and the event that led to it.

    Raises:
        InvalidInput: The submission has been moved too often.
    """
    mine = submission_event.c.repo_id == found.repo.id
    last: int = conn.execute(
        select(func.coalesce(func.max(submission_event.c.position), 0)).where(mine)
    ).scalar_one()
    if last >= MAX_EVENTS:
        raise InvalidInput(f"{found.repo.repo_id} was submitted or moved {MAX_EVENTS} times.")
    values = {"state": wanted.state.value, "updated_at": now}
    conn.execute(update(submission).where(submission.c.repo_id == found.repo.id).values(values))
    event = {
        "repo_id": found.repo.id,
        "position": last + 1,
        "state": wanted.state.value,
        "actor_id": wanted.actor,
        "reason": wanted.reason,
        "commit_oid": found.commit,
        "created_at": now,
    }
    conn.execute(insert(submission_event).values(event))


_ALL = select(submission, account.c.name.label("submitter")).join(
    account, account.c.id == submission.c.submitter_id
)


def _submission(row: Row[tuple[object, ...]], repo: Repo) -> Submission:
    return Submission(
        repo, row.commit_oid, row.submitter, State(row.state), row.created_at, row.updated_at
    )


def _may_list(caller: Caller, repo: Repo, state: State, reviews: bool) -> bool:
    if sees_submission(caller, repo, reviews=reviews):
        return True
    return state in SHOWN and not repo.private and not repo.disabled


def _keep(conn: Connection, found: Submission, results: list[Result], *, now: int) -> None:
    mine = submission_check.c.repo_id == found.repo.id
    conn.execute(delete(submission_check).where(mine))
    rows = [
        {
            "repo_id": found.repo.id,
            "name": it.name,
            "position": position,
            "outcome": it.outcome.value,
            "reason": storable(it.reason)[:MAX_REASON],
            "commit_oid": found.commit,
            "checked_at": now,
        }
        for position, it in enumerate(results)
    ]
    conn.execute(insert(submission_check), rows)


def _after_checks(conn: Connection, found: Submission, *, now: int) -> list[Result]:
    """Move a submission to where its checks lead, and return them; drafts and decided ones stay."""
    results = [it.result for it in checks_of(conn, found.repo)]
    failed = [it.name for it in results if it.outcome is Outcome.FAILED]
    reason = f"failed: {', '.join(failed)}" if failed else "all checks that were run passed"
    state = _NEXT.get((found.state, bool(failed)))
    if state is not None:
        move(conn, found, Move(state, reason), now=now)
    return results


# (state, did a check fail) -> the state after its checks
_NEXT = {
    (State.CHECKS, False): State.REVIEW,
    (State.REVIEW, True): State.CHECKS,
    (State.PUBLISHED, True): State.STALE,
    (State.STALE, False): State.PUBLISHED,
}
