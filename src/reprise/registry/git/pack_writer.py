"""Pack files out of rows: a row already is a pack entry, only its header is missing."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

from sqlalchemy import Row, Select, bindparam, func, select

from reprise.registry.db.batches import batched
from reprise.registry.db.schema import git_object
from reprise.registry.git.objects import Kind
from reprise.registry.git.pktline import Sink
from reprise.registry.git.store import BATCH, GitStore

_REF_DELTA = 7
_BUFFER = 1 << 16
# Rows may be as large as the limit for files outside of LFS.
_ROWS_AT_A_TIME = 32

_COLUMNS = (
    git_object.c.oid,
    git_object.c.kind,
    git_object.c.z,
    git_object.c.base,
    git_object.c.z_size,
)
_ALL = select(*_COLUMNS).where(git_object.c.repo_id == bindparam("repo_id"))
_COUNT = select(func.count()).where(git_object.c.repo_id == bindparam("repo_id"))
_SOME = _ALL.where(git_object.c.oid.in_(bindparam("oids", expanding=True)))

PackRow = Row[*tuple[object, ...]]


class PackWriter:
    """Writes a pack's head, entries and SHA-1 to a sink, in pieces of 64 KiB."""

    def __init__(self, sink: Sink, count: int) -> None:
        self._sink = sink
        self._hash = hashlib.sha1(usedforsecurity=False)
        self._buffer = bytearray(b"PACK" + (2).to_bytes(4, "big") + count.to_bytes(4, "big"))

    def add(self, kind: int, size: int, z: bytes, base: bytes | None = None) -> None:
        """Write an entry: inflated size, zlib stream, and the base if it is a delta."""
        self._buffer += entry_head(_REF_DELTA if base is not None else kind, size)
        self._buffer += base or b""
        self._buffer += z
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def finish(self) -> None:
        """Write what is left, and the digest of all."""
        self._flush()
        self._sink.write(self._hash.digest())

    def _flush(self) -> None:
        data = bytes(self._buffer)
        self._hash.update(data)
        self._sink.write(data)
        self._buffer.clear()


def write_everything(store: GitStore, sink: Sink, *, blobs: bool = True) -> int:
    """Write every row of a repo as a pack, and return their number.

    Args:
        store: The repo's objects.
        sink: Receives the pack.
        blobs: False leaves them out.
    """
    count, rows = _COUNT, _ALL
    if not blobs:
        not_blob = git_object.c.kind != Kind.BLOB.value
        count, rows = count.where(not_blob), rows.where(not_blob)
    number: int = store.conn.execute(count, {"repo_id": store.repo_id}).scalar_one()
    writer = PackWriter(sink, number)
    for row in _stream(store, rows):
        writer.add(row.kind, row.z_size, row.z, row.base)
    writer.finish()
    return number


def write_some(store: GitStore, oids: Iterable[bytes], sink: Sink) -> int:
    """Write the given objects as a pack that needs no other objects, and return their number."""
    chosen = set(oids)
    writer = PackWriter(sink, len(chosen))
    for batch in batched(sorted(chosen), BATCH):
        for row in _stream(store, _SOME, oids=batch):
            if row.base is None or row.base in chosen:
                writer.add(row.kind, row.z_size, row.z, row.base)
            else:
                body = store.read(row.oid).body
                writer.add(row.kind, len(body), zlib.compress(body))
    writer.finish()
    return len(chosen)


def entry_head(kind: int, size: int) -> bytes:
    """Encode a pack entry's type and inflated size."""
    byte = kind << 4 | size & 0x0F
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)


def _stream(
    store: GitStore, query: Select[*tuple[object, ...]], **parameters: object
) -> Iterator[PackRow]:
    """Read rows as they come, never all at once."""
    yield from store.conn.execute(
        query,
        {"repo_id": store.repo_id, **parameters},
        execution_options={"yield_per": _ROWS_AT_A_TIME},
    )
