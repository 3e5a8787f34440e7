"""What repos claim, read from the tip of the default branch after it moved, and kept in rows.

A commit only notes that claims are due; reading them happens after the transaction, in whatever
thread calls `catch_up`. A claim that is gone from the tip is kept as withdrawn, with its verdicts.
"""

import json
import logging
from typing import Any

from sqlalchemy import Connection, delete, exists, insert, select, update

from reprise.base.digests import canonical_json
from reprise.base.errors import InvalidId
from reprise.base.ids import RepoId, RepoType
from reprise.formats import claim
from reprise.formats.card_claims import Claims, Found
from reprise.formats.claim import Claim
from reprise.registry import claim_texts, repos
from reprise.registry.access import Repo
from reprise.registry.claim_texts import Texts
from reprise.registry.db import claim_tables
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.git import refs
from reprise.registry.manifests import storable
from reprise.registry.registry import Registry

MAX_CLAIMS = 2_000  # of one repo
_MAX_WITHDRAWN = 500  # of one repo, besides those that somebody ran
_MAX_NAME = 200  # characters of a name that claims are found by
_MAX_PROBLEMS = 50
_MAX_PROBLEM = 500  # characters
_SOURCES = {"claim": "claims"}  # an origin of `card_claims` -> how the API calls it
_IS_MODEL = repo_table.c.type == RepoType.MODEL.value
_log = logging.getLogger(__name__)


def catch_up(registry: Registry) -> int:
    """Read the claims of every repo whose tip moved, and return how many there were.

    Opens transactions of its own; call it outside of any.
    """
    done = 0
    while (number := _next_due(registry)) is not None:
        done += 1
        try:
            _bring_up_to_date(registry, number)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            _log.exception("The claims of repo number %d could not be read", number)
            with registry.db.write() as conn:
                _settle(conn, number, ("the hub failed on these claims; its log says why",))
    return done


def note_all(conn: Connection) -> None:
    """Note that the claims of every model are to be read again."""
    conn.execute(update(repo_table).where(_IS_MODEL).values(claims_due=True))


def _next_due(registry: Registry) -> int | None:
    due = select(repo_table.c.id).where(repo_table.c.claims_due)
    with registry.db.read() as conn:
        return conn.execute(due.order_by(repo_table.c.id).limit(1)).scalar()


def _bring_up_to_date(registry: Registry, number: int) -> None:
    with registry.db.read() as conn:
        repo = repos.by_number(conn, number)
        tip = _tip(conn, repo) if repo is not None else None
        texts = claim_texts.read(conn, repo) if repo is not None and tip else Texts()
    found = claim_texts.claims_in(texts, repo, tip) if repo is not None and tip else Claims()
    with registry.db.write() as conn:
        lock_repo(conn, number)
        repo = repos.by_number(conn, number)
        if repo is None or _tip(conn, repo) != tip:  # gone, or due again
            return
        found = _own(conn, repo, found)
        if tip is not None:
            _keep(conn, repo, tip, found, texts.files_digest, now=registry.clock())
        else:
            _withdraw(conn, repo, set(), now=registry.clock())
        _settle(conn, number, (*texts.problems, *found.problems))


# -- what may be kept -------------------------------------------------------------------------


def _own(conn: Connection, repo: Repo, found: Claims) -> Claims:
    """Leave out what is about other repos, what no row can hold, and what is said twice."""
    kept: dict[str, Found] = {}
    problems = list(found.problems)
    for it in found.found:
        problem = _about_another(conn, repo, it.claim) or _too_long(it.claim)
        if problem:
            problems.append(f"{it.path}: {problem}")
        elif len(kept) < MAX_CLAIMS:
            kept.setdefault(it.claim.digest, it)
    if len(found.found) > MAX_CLAIMS:
        problems.append(f"only {MAX_CLAIMS} claims of a repo are kept")
    return Claims(tuple(kept.values()), tuple(problems))


def _about_another(conn: Connection, repo: Repo, stated: Claim) -> str:
    try:
        target = repos.lookup(conn, RepoType.MODEL, RepoId.parse(stated.model.repo))
    except InvalidId:  # on another hub: `host:owner/name`
        target = None
    if target is not None and target.id == repo.id:
        return ""
    return f"is about {stated.model.repo}; a repo states claims about itself"


def _too_long(stated: Claim) -> str:
    texts = (
        stated.task, stated.data.repo, stated.data.config, stated.data.split, stated.metric.id,
        stated.metric.value, stated.metric.signature, stated.result.value,
    )  # fmt: skip
    if any("\0" in (text or "") for text in texts):
        return "holds a NUL character"
    if any(len(text or "") > _MAX_NAME for text in texts[:6]):
        return f"names a task, data or metric with more than {_MAX_NAME} characters"
    return ""


# -- keeping ----------------------------------------------------------------------------------


def _keep(
    conn: Connection, repo: Repo, tip: bytes, found: Claims, files_digest: str, *, now: int
) -> None:
    """Bring the rows up to date with what the tip claims."""
    known = _known(conn, repo)
    same = {_statement(json.loads(row.body), row.path): row for row in known.values()
            if row.source != "claims" and row.files_digest == files_digest}  # fmt: skip
    standing: set[int] = set()
    for position, it in enumerate(found.found):
        row = known.get(it.claim.digest)
        if it.origin != "claim":
            # The model is as it was when somebody verified this: a new card is no new claim.
            row = same.get(_statement(claim.to_dict(it.claim), it.path), row)
        values = {"position": position, "name": it.id, "path": it.path, "withdrawn_at": None}
        if row is None:
            said = {**values, "files_digest": files_digest, "stated_at": now}
            standing.add(_add(conn, repo, tip, it, said))
            continue
        names = {"repo_id": repo.id, "repo_name": str(repo.repo_id), "repo_key": repo.repo_id.key}
        mine = claim_tables.claim.c.id == row.id
        conn.execute(update(claim_tables.claim).where(mine).values(**values, **names))
        standing.add(row.id)
    _withdraw(conn, repo, standing, now=now)


def _known(conn: Connection, repo: Repo) -> dict[str, Any]:
    """Find the rows of a repo by digest, and those of one of its name that was deleted.

    Who deletes a repo and creates it again gets the old verdicts back.
    """
    table = claim_tables.claim
    orphans = (
        table.c.repo_id.is_(None)
        & (table.c.repo_type == repo.type.value)
        & (table.c.repo_key == repo.repo_id.key)
    )
    rows = conn.execute(select(table).where((table.c.repo_id == repo.id) | orphans))
    found = sorted(rows, key=lambda row: (row.repo_id is not None, row.id))
    return {row.digest: row for row in found}


def _add(conn: Connection, repo: Repo, tip: bytes, it: Found, values: dict[str, Any]) -> int:
    stated, data, metric = it.claim, it.claim.data, it.claim.metric
    row = {
        **values,
        "repo_id": repo.id,
        "repo_type": repo.type.value,
        "repo_name": str(repo.repo_id),
        "repo_key": repo.repo_id.key,
        "hidden": False,
        "commit_oid": bytes.fromhex(stated.model.commit) if stated.model.commit else tip,
        "digest": stated.digest,
        "source": _SOURCES.get(it.origin, it.origin),
        "task": stated.task,
        "data_repo": data.repo,
        "data_key": data.repo.lower(),
        "data_config": data.config,
        "data_split": data.split,
        "data_revision": data.commit,
        "metric": metric.id,
        "metric_value": metric.value,
        "signature": metric.signature,
        "unit": metric.unit,
        "value": stated.result.value,
        "n": stated.result.n,
        "pins": stated.pins,
        "body": canonical_json(claim.to_dict(stated)).decode(),
    }
    statement = insert(claim_tables.claim).values(row).returning(claim_tables.claim.c.id)
    number: int = conn.execute(statement).scalar_one()
    return number


def _withdraw(conn: Connection, repo: Repo, standing: set[int], *, now: int) -> None:
    table = claim_tables.claim
    mine = (table.c.repo_id == repo.id) & table.c.withdrawn_at.is_(None)
    gone = mine & table.c.id.not_in(standing)
    if conn.execute(update(table).where(gone).values(withdrawn_at=now)).rowcount:
        _prune(conn, repo)


def _prune(conn: Connection, repo: Repo) -> None:
    """Forget the oldest withdrawn claims that nobody ever ran: each push may withdraw hundreds."""
    table = claim_tables.claim
    was_run = exists().where(claim_tables.run.c.claim_id == table.c.id)
    idle = (table.c.repo_id == repo.id) & table.c.withdrawn_at.is_not(None) & ~was_run
    newest = select(table.c.id).where(idle).order_by(table.c.withdrawn_at.desc(), table.c.id.desc())
    kept = conn.execute(newest.limit(_MAX_WITHDRAWN)).scalars().all()
    if len(kept) == _MAX_WITHDRAWN:
        conn.execute(delete(table).where(idle, table.c.id.not_in(kept)))


def _statement(body: dict[str, Any], path: str) -> bytes:
    """Return a claim of a card without what every commit changes."""
    return canonical_json([path, {**body, "model": None}])


def _settle(conn: Connection, number: int, problems: tuple[str, ...]) -> None:
    said = [storable(problem)[:_MAX_PROBLEM] for problem in problems[:_MAX_PROBLEMS]]
    values = {"claims_due": False, "claim_problems": json.dumps(said)}
    conn.execute(update(repo_table).where(repo_table.c.id == number).values(values))


def _tip(conn: Connection, repo: Repo) -> bytes | None:
    return refs.read(conn, repo.id, refs.HEADS + repo.default_branch)
