"""Objects that no ref leads to any more: kept for a while, then deleted.

The wait is what makes this safe. Backups that copy the database first and large files later stay
consistent, and a commit that somebody pinned by its id survives an accidental force push.
"""

from collections.abc import Iterable, Set

from sqlalchemy import Connection, Table, delete, select

from reprise.registry.db.batches import batched
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import (
    git_commit,
    git_garbage,
    git_object,
    git_pointer,
    git_unreachable,
)
from reprise.registry.db.upsert import insert
from reprise.registry.git.history import graph
from reprise.registry.git.refs import list_refs
from reprise.registry.git.selection import Bounds, select_objects, sort_wants
from reprise.registry.git.store import BATCH, GitStore

_DAY = 24 * 3600 * 1_000_000
GRACE = 14 * _DAY  # microseconds


def repos_to_collect(conn: Connection) -> list[int]:
    """List repos that may hold unreachable objects."""
    return list(conn.execute(select(git_garbage.c.repo_id)).scalars())


def collect(conn: Connection, repo_id: int, *, now: int, grace: int = GRACE) -> int:
    """Note which objects are unreachable, delete those that were for long enough, count these.

    Whatever refers to an unreachable object is unreachable itself, and for at least as long; so
    nothing that stays ever refers to something that was deleted.

    Args:
        conn: An open write transaction.
        repo_id: The repo.
        now: Microseconds since 1970, UTC.
        grace: How long an object must have been unreachable, microseconds.
    """
    lock_repo(conn, repo_id)
    store = GitStore(conn, repo_id)
    lost = _unreachable(store)
    since = _since(store)
    _forget(store, git_unreachable, since.keys() - lost)
    _note(store, lost - since.keys(), now)
    expired = {oid for oid in lost if since.get(oid, now) <= now - grace}
    if expired:
        _free_from_bases(store, expired)
        for table in (git_object, git_commit, git_pointer, git_unreachable):
            _forget(store, table, expired)
    if lost == expired:
        conn.execute(delete(git_garbage).where(git_garbage.c.repo_id == repo_id))
    return len(expired)


def _unreachable(store: GitStore) -> set[bytes]:
    every = select(git_object.c.oid).where(git_object.c.repo_id == store.repo_id)
    tips = {ref.oid for ref in list_refs(store.conn, store.repo_id)}
    kept = select_objects(store, graph(store), sort_wants(store, tips), Bounds())
    return set(store.conn.execute(every).scalars()) - kept


def _since(store: GitStore) -> dict[bytes, int]:
    query = select(git_unreachable).where(git_unreachable.c.repo_id == store.repo_id)
    return {row.oid: row.since for row in store.conn.execute(query)}


def _note(store: GitStore, oids: Iterable[bytes], now: int) -> None:
    for batch in batched(oids, BATCH):
        values = [{"repo_id": store.repo_id, "oid": oid, "since": now} for oid in batch]
        store.conn.execute(insert(store.conn, git_unreachable), values)


def _forget(store: GitStore, table: Table, oids: Iterable[bytes]) -> None:
    for batch in batched(oids, BATCH):
        store.conn.execute(
            delete(table).where(table.c.repo_id == store.repo_id, table.c.oid.in_(batch))
        )


def _free_from_bases(store: GitStore, expired: Set[bytes]) -> None:
    """Store objects whole that stay but are deltas against ones that go."""
    query = select(git_object.c.oid, git_object.c.base).where(
        git_object.c.repo_id == store.repo_id, git_object.c.base.is_not(None)
    )
    rows = store.conn.execute(query).all()
    store.rewrite_whole(oid for oid, base in rows if base in expired and oid not in expired)
