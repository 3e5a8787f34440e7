"""The large files of a repo: listed, and removed for good."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, func, select

from reprise.registry import rewriting
from reprise.registry.access import Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import entry, git_pointer, repo_file, stored_file
from reprise.registry.git.store import BATCH
from reprise.registry.registry import Registry


@dataclass(frozen=True)
class LargeFileInfo:
    """A large file of a repo. `path` is one of those at the tip of the default branch, or empty.

    `since` is when it came, in microseconds since 1970, UTC.
    """

    sha256: bytes
    size: int
    since: int
    path: str


def list_page(
    conn: Connection, repo: Repo, *, limit: int, after: bytes | None = None
) -> list[LargeFileInfo]:
    """List the large files a repo may refer to, whether or not a commit does, by digest."""
    full = func.min(entry.c.folder + "/" + entry.c.name)
    query = (
        select(repo_file.c.sha256, stored_file.c.size, repo_file.c.created_at, full.label("path"))
        .join(stored_file, stored_file.c.sha256 == repo_file.c.sha256)
        .outerjoin(
            git_pointer,
            and_(git_pointer.c.repo_id == repo.id, git_pointer.c.sha256 == repo_file.c.sha256),
        )
        .outerjoin(entry, and_(entry.c.repo_id == repo.id, entry.c.oid == git_pointer.c.oid))
        .where(repo_file.c.repo_id == repo.id)
        .group_by(repo_file.c.sha256, stored_file.c.size, repo_file.c.created_at)
        .order_by(repo_file.c.sha256)
        .limit(limit)
    )
    if after is not None:
        query = query.where(repo_file.c.sha256 > after)
    return [
        LargeFileInfo(row.sha256, row.size, row.created_at, (row.path or "").removeprefix("/"))
        for row in conn.execute(query)
    ]


def remove(
    conn: Connection, registry: Registry, repo: Repo, digests: list[bytes], *, rewrite: bool
) -> None:
    """Remove large files from a repo. The bytes go once no other repo refers to them.

    Args:
        conn: An open write transaction.
        registry: The hub.
        repo: The repo.
        digests: SHA-256 of the files; unknown ones are passed over.
        rewrite: Whether to remove their pointers from the whole history too. Otherwise old
            commits keep pointers that lead nowhere.

    Raises:
        TooLarge: The history is too long to be rewritten.
    """
    lock_repo(conn, repo.id)
    if rewrite:
        rewriting.without_blobs(conn, registry, repo, _pointers(conn, repo, digests))
    for batch in batched(digests, BATCH):
        here = and_(repo_file.c.repo_id == repo.id, repo_file.c.sha256.in_(batch))
        conn.execute(delete(repo_file).where(here))


def _pointers(conn: Connection, repo: Repo, digests: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for batch in batched(digests, BATCH):
        query = select(git_pointer.c.oid).where(
            git_pointer.c.repo_id == repo.id, git_pointer.c.sha256.in_(batch)
        )
        found.update(conn.execute(query).scalars())
    return found
