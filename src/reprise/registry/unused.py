"""Stored bytes that nothing refers to any more: noted, kept for a while, then deleted.

Two steps, so that the database never promises bytes that are gone. First the rows go, in one
transaction that looks again whether somebody refers to them. Then the bytes go, in another that
holds the store's lock: whoever uploads the same bytes meanwhile either wrote rows before, and the
bytes stay, or finds them gone and brings them again. A run that is killed is finished by the next.
"""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass

from sqlalchemy import Connection, Select, delete, exists, select

from reprise.base.errors import InvalidFormat
from reprise.formats.xet.hashes import from_text, to_text
from reprise.registry.db.batches import batched
from reprise.registry.db.database import lock_store
from reprise.registry.db.schema import (
    account_xorb,
    mirror,
    repo_file,
    repo_xorb,
    stored_file,
    unused,
    xet_chunk,
    xet_file,
    xet_file_xorb,
    xorb,
)
from reprise.registry.db.upsert import insert
from reprise.registry.registry import Registry
from reprise.registry.storage.store import FILES, XORBS, file_key, xorb_key

DAY = 24 * 3600 * 1_000_000
GRACE = 14 * DAY  # microseconds
# Clients remember for three weeks which xorbs they uploaded, and refer to them without asking.
XORB_GRACE = 30 * DAY
_BATCH = 200


@dataclass(frozen=True)
class Freed:
    """What was deleted: how many objects of the store, and their bytes."""

    objects: int
    bytes: int


@dataclass(frozen=True)
class _Kind:
    """One kind of stored bytes: where they lie, which nobody refers to, and how rows go."""

    name: str
    folder: str
    key: Callable[[bytes], str]
    read: Callable[[str], bytes]
    known: Select[bytes]
    lost: Select[bytes]
    forget: Callable[[Connection, list[bytes]], None]


def collect_files(registry: Registry, *, grace: int = GRACE) -> Freed:
    """Delete large files that no repo and no mirrored URL has referred to for long enough.

    Their reconstructions go with them; the xorbs these used may be lost from then on.

    Args:
        registry: The hub; it may go on serving meanwhile.
        grace: How long nobody must have referred to a file, microseconds.
    """
    return _collect(registry, _FILE, grace)


def collect_xorbs(registry: Registry, *, grace: int = XORB_GRACE) -> Freed:
    """Delete xorbs that no file has been built from for long enough.

    Args:
        registry: The hub; it may go on serving meanwhile.
        grace: As for `collect_files`. Below three weeks, clients that remember a xorb may refer to
            one that is gone; they are told to clear their cache.
    """
    return _collect(registry, _XORB, grace)


def _collect(registry: Registry, kind: _Kind, grace: int) -> Freed:
    now = registry.clock()
    _note(registry, kind, now)
    with registry.db.read() as conn:
        query = select(unused.c.hash).where(unused.c.kind == kind.name)
        expired = list(conn.execute(query.where(unused.c.since <= now - grace)).scalars())
    freed = [_sweep(registry, kind, batch) for batch in batched(expired, _BATCH)]
    return Freed(sum(it.objects for it in freed), sum(it.bytes for it in freed))


def _note(registry: Registry, kind: _Kind, now: int) -> None:
    """Write down since when each is lost; what somebody refers to again is forgotten."""
    held = set(_held(registry, kind))
    with registry.db.write() as conn:
        lost = set(conn.execute(kind.lost).scalars())
        lost |= held - set(conn.execute(kind.known).scalars())  # bytes without rows
        noted = set(conn.execute(select(unused.c.hash).where(unused.c.kind == kind.name)).scalars())
        _forget_notes(conn, kind, noted - lost)
        for batch in batched(lost - noted, _BATCH):
            rows = [{"kind": kind.name, "hash": hash_, "since": now} for hash_ in batch]
            conn.execute(insert(conn, unused), rows)


def _held(registry: Registry, kind: _Kind) -> Iterator[bytes]:
    for key in registry.store.keys(kind.folder):
        try:
            yield kind.read(key.rpartition("/")[2])
        except (ValueError, InvalidFormat):
            continue  # not ours


def _sweep(registry: Registry, kind: _Kind, batch: list[bytes]) -> Freed:
    with registry.db.write() as conn:
        lock_store(conn, alone=True)
        lost = kind.lost.where(kind.lost.selected_columns[0].in_(batch))
        kind.forget(conn, list(conn.execute(lost).scalars()))
    with registry.db.write() as conn:
        lock_store(conn, alone=True)
        known = kind.known.where(kind.known.selected_columns[0].in_(batch))
        gone = set(batch) - set(conn.execute(known).scalars())
        sizes = [_delete(registry, kind.key(hash_)) for hash_ in sorted(gone)]
        _forget_notes(conn, kind, gone)
    found = [size for size in sizes if size is not None]
    return Freed(len(found), sum(found))


def _delete(registry: Registry, key: str) -> int | None:
    size = registry.store.size(key)
    registry.store.delete(key)
    return size


def _forget_notes(conn: Connection, kind: _Kind, hashes: Set[bytes]) -> None:
    for batch in batched(hashes, _BATCH):
        conn.execute(delete(unused).where(unused.c.kind == kind.name, unused.c.hash.in_(batch)))


def _forget_files(conn: Connection, digests: list[bytes]) -> None:
    rebuilt = select(xet_file.c.hash).where(xet_file.c.sha256.in_(digests))
    conn.execute(delete(xet_file_xorb).where(xet_file_xorb.c.file_hash.in_(rebuilt)))
    conn.execute(delete(xet_file).where(xet_file.c.sha256.in_(digests)))
    conn.execute(delete(stored_file).where(stored_file.c.sha256.in_(digests)))


def _forget_xorbs(conn: Connection, hashes: list[bytes]) -> None:
    for column in (repo_xorb.c.hash, account_xorb.c.hash, xet_chunk.c.xorb_hash, xorb.c.hash):
        conn.execute(delete(column.table).where(column.in_(hashes)))


_FILE = _Kind(
    name="file",
    folder=FILES,
    key=lambda digest: file_key(digest.hex()),
    read=bytes.fromhex,
    known=select(stored_file.c.sha256),
    lost=select(stored_file.c.sha256).where(
        ~exists().where(repo_file.c.sha256 == stored_file.c.sha256),
        ~exists().where(mirror.c.sha256 == stored_file.c.sha256),
    ),
    forget=_forget_files,
)
_XORB = _Kind(
    name="xorb",
    folder=XORBS,
    key=lambda hash_: xorb_key(to_text(hash_)),
    read=from_text,
    known=select(xorb.c.hash),
    lost=select(xorb.c.hash).where(~exists().where(xet_file_xorb.c.xorb_hash == xorb.c.hash)),
    forget=_forget_xorbs,
)
