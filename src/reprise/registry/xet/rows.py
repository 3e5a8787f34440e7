"""Rows of xorbs and of files rebuilt from them."""

from collections.abc import Iterable, Iterator
from struct import Struct

from sqlalchemy import Connection, select

from reprise.formats.xet.shards import Term
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry.db.schema import xet_file, xorb

_TERM = Struct("<32sIII")
# Values in one IN (…): far below what any database allows in a statement.
BATCH = 500


def batches(hashes: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Cut a list of hashes into pieces that fit one statement."""
    every = list(hashes)
    for start in range(0, len(every), BATCH):
        yield every[start : start + BATCH]


def pack_terms(terms: Iterable[Term]) -> bytes:
    """Write a file's terms for `xet_file.terms`."""
    return b"".join(_TERM.pack(term.xorb, term.start, term.end, term.length) for term in terms)


def unpack_terms(packed: bytes) -> tuple[Term, ...]:
    """Read what `pack_terms` wrote."""
    return tuple(Term(*values) for values in _TERM.iter_unpack(packed))


def terms_of(conn: Connection, file_hash: bytes) -> tuple[Term, ...] | None:
    """Return the terms of a file by its xet hash, or None when the hub has no such file."""
    query = select(xet_file.c.terms).where(xet_file.c.hash == file_hash)
    packed = conn.execute(query).scalar_one_or_none()
    return unpack_terms(packed) if packed is not None else None


def tables_of(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, ChunkTable]:
    """Return the chunk tables of those xorbs that the hub has."""
    found = {}
    for some in batches(dict.fromkeys(hashes)):
        query = select(xorb.c.hash, xorb.c.chunks).where(xorb.c.hash.in_(some))
        found.update({hash_: ChunkTable.unpack(packed) for hash_, packed in conn.execute(query)})
    return found
