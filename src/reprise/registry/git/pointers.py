"""Blobs that are LFS pointers, remembered so that listings need not parse them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from reprise.formats import lfs_pointer
from reprise.formats.lfs_pointer import Pointer
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import git_pointer
from reprise.registry.db.upsert import insert

_BATCH = 500

_BY_OID = select(git_pointer).where(
    git_pointer.c.repo_id == bindparam("repo_id"),
    git_pointer.c.oid.in_(bindparam("oids", expanding=True)),
)


class PointerRow(NamedTuple):
    """A pointer and the blob that holds it."""

    oid: bytes
    pointer: Pointer


def pointer_row(oid: bytes, body: bytes) -> PointerRow | None:
    """Parse a blob; None when it is an ordinary file."""
    pointer = lfs_pointer.parse(body)
    return PointerRow(oid, pointer) if pointer is not None else None


def save_pointers(conn: Connection, repo_id: int, rows: Sequence[PointerRow]) -> None:
    """Remember pointers of a repo; known ones are left as they are."""
    values = [
        {
            "repo_id": repo_id,
            "oid": row.oid,
            "sha256": bytes.fromhex(row.pointer.sha256),
            "size": row.pointer.size,
        }
        for row in rows
    ]
    if values:
        conn.execute(insert(conn, git_pointer).on_conflict_do_nothing(), values)


def pointers_of(conn: Connection, repo_id: int, oids: Iterable[bytes]) -> dict[bytes, Pointer]:
    """Look up which of these blobs are pointers."""
    found = {}
    for batch in batched(oids, _BATCH):
        for row in conn.execute(_BY_OID, {"repo_id": repo_id, "oids": batch}):
            found[row.oid] = Pointer(row.sha256.hex(), row.size)
    return found
