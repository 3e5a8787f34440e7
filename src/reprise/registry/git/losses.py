"""What refs leave behind when they are deleted or moved back."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from reprise.registry.db.schema import git_garbage, git_ref
from reprise.registry.db.upsert import insert
from reprise.registry.git.history import graph, reachable
from reprise.registry.git.store import GitStore


def mark_garbage(conn: Connection, repo_id: int) -> None:
    """Note that a repo may hold objects that no ref leads to."""
    conn.execute(insert(conn, git_garbage).values(repo_id=repo_id).on_conflict_do_nothing())


def note_losses(conn: Connection, repo_id: int, dropped: Collection[bytes]) -> None:
    """Note garbage, unless the present refs still lead to everything that was dropped.

    Args:
        conn: An open write transaction.
        repo_id: The repo.
        dropped: What refs pointed at before they moved or went: commits or annotated tags.
    """
    if not dropped or has_garbage(conn, repo_id):
        return
    rows = conn.execute(
        select(git_ref.c.oid, git_ref.c.peeled).where(git_ref.c.repo_id == repo_id)
    ).all()
    kept = reachable(graph(GitStore(conn, repo_id)), [row.peeled or row.oid for row in rows])
    if not set(dropped) <= kept | {row.oid for row in rows}:
        mark_garbage(conn, repo_id)


def has_garbage(conn: Connection, repo_id: int) -> bool:
    """Tell whether a repo may hold objects that no ref leads to."""
    query = select(git_garbage.c.repo_id).where(git_garbage.c.repo_id == repo_id)
    return conn.execute(query).first() is not None
