"""Repos that an older version of Reprise described: their papers and tags are read again."""

import logging

from sqlalchemy import Connection, and_, literal, select, update

from reprise.registry import cards, repos
from reprise.registry.access import Repo
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import git_ref
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.git.refs import HEADS
from reprise.registry.registry import Registry

_log = logging.getLogger(__name__)

_TIP = and_(
    git_ref.c.repo_id == repo_table.c.id,
    git_ref.c.name == literal(HEADS) + repo_table.c.default_branch,
)


def catch_up(registry: Registry, *, everything: bool = False) -> int:
    """Describe again what an older version described, and return how many repos that were.

    Opens a transaction for each; call it outside of any.

    Args:
        registry: The hub.
        everything: Those that this version described, too.
    """
    done, after = 0, 0
    while (number := _next(registry, after, everything=everything)) is not None:
        after = number
        done += 1
        try:
            _describe(registry, number)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            _log.exception("Repo number %d could not be described again", number)
            with registry.db.write() as conn:
                _settle(conn, number)
    return done


def _next(registry: Registry, after: int, *, everything: bool) -> int | None:
    query = select(repo_table.c.id).join(git_ref, _TIP).where(repo_table.c.id > after)
    if not everything:
        query = query.where(repo_table.c.described_by < cards.VERSION)
    with registry.db.read() as conn:
        return conn.execute(query.order_by(repo_table.c.id).limit(1)).scalar()


def _describe(registry: Registry, number: int) -> None:
    with registry.db.write() as conn:
        lock_repo(conn, number)
        repo = repos.by_number(conn, number)
        tip = _tip(conn, repo) if repo is not None else None
        if repo is not None and tip is not None:
            cards.refresh(conn, repo, tip)


def _tip(conn: Connection, repo: Repo) -> bytes | None:
    here = (git_ref.c.repo_id == repo.id) & (git_ref.c.name == HEADS + repo.default_branch)
    return conn.execute(select(git_ref.c.oid).where(here)).scalar()


def _settle(conn: Connection, number: int) -> None:
    """Leave a repo as it is, so that every start does not fail at it again."""
    statement = update(repo_table).where(repo_table.c.id == number)
    conn.execute(statement.values(described_by=cards.VERSION))
