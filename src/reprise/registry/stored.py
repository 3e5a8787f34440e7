"""Rows about large files: what the hub holds, and which repos may refer to it."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, or_, select

from reprise.registry.db.schema import repo_file, stored_file
from reprise.registry.db.upsert import insert


@dataclass(frozen=True)
class StoredFile:
    """A file the hub can serve by its SHA-256, however it came.

    `whole`: the store holds its bytes under one key. `xet_hash`: it can be rebuilt from xorbs, and
    clients may fetch it that way. At least one of the two is set.
    """

    sha256: bytes
    size: int
    whole: bool
    xet_hash: bytes | None


_COLUMNS = (stored_file.c.sha256, stored_file.c.size, stored_file.c.whole, stored_file.c.xet_hash)
_LINKED = (repo_file.c.repo_id == bindparam("repo_id")) & (
    repo_file.c.sha256 == bindparam("sha256")
)
_POSSESS = select(repo_file.c.repo_id).where(_LINKED)
_FIND = select(*_COLUMNS).join(repo_file, repo_file.c.sha256 == stored_file.c.sha256).where(_LINKED)


def possess(conn: Connection, repo_id: int, sha256: bytes) -> bool:
    """Tell whether a repo may refer to a file: one of its writers proved to hold every byte."""
    row = conn.execute(_POSSESS, {"repo_id": repo_id, "sha256": sha256}).first()
    return row is not None


def find(conn: Connection, repo_id: int, sha256: bytes) -> StoredFile | None:
    """Find a file by its SHA-256, only when the repo may refer to it."""
    row = conn.execute(_FIND, {"repo_id": repo_id, "sha256": sha256}).one_or_none()
    return StoredFile(*row) if row is not None else None


def record(
    conn: Connection, *, repo_id: int, sha256: bytes, size: int, whole: bool, now: int
) -> None:
    """Note that a repo's writer brought every byte of a file.

    Call it after the store holds the bytes and their SHA-256 was computed here.
    """
    file = StoredFile(sha256, size, whole, None)
    add(conn, file, now=now)
    link(conn, repo_id, sha256, now=now)


def add(conn: Connection, file: StoredFile, *, now: int) -> None:
    """Note a file the hub holds now; a second way to reach the same bytes is added to the first."""
    statement = insert(conn, stored_file).values(
        sha256=file.sha256,
        size=file.size,
        whole=file.whole,
        xet_hash=file.xet_hash,
        created_at=now,
    )
    new = statement.excluded
    merged = {
        "whole": or_(stored_file.c.whole, new.whole),
        "xet_hash": func.coalesce(stored_file.c.xet_hash, new.xet_hash),
    }
    conn.execute(statement.on_conflict_do_update(index_elements=["sha256"], set_=merged))


def link(conn: Connection, repo_id: int, sha256: bytes, *, now: int) -> None:
    """Let a repo refer to a file the hub holds."""
    values = {"repo_id": repo_id, "sha256": sha256, "created_at": now}
    conn.execute(insert(conn, repo_file).values(values).on_conflict_do_nothing())
