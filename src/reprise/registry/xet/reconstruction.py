"""Tell clients how to rebuild a range of a file, and sign the xorb ranges that takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from reprise.base.errors import EntryNotFound, Forbidden
from reprise.formats.xet.hashes import to_text
from reprise.formats.xet.shards import Term
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry import signed, stored
from reprise.registry.db.schema import xet_file
from reprise.registry.registry import Registry
from reprise.registry.storage.store import xorb_key
from reprise.registry.xet.reading import Run, overlapping, plan
from reprise.registry.xet.rows import tables_of, unpack_terms
from reprise.registry.xet.scope import Scope

LINK_LIFETIME = 3600 * 1_000_000  # microseconds
# Ranges behind one link: its URL stays under 8 KiB.
_RANGES_PER_LINK = 256
_PURPOSE = "xet xorb"


@dataclass(frozen=True)
class KnownFile:
    """A file that the scope's repo may refer to."""

    size: int
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Chunks [start, end) of a xorb and their bytes [first, last], last included."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class Reconstruction:
    """How to rebuild a byte range of a file.

    Attributes:
        skip: Bytes of the first term that lie before the range.
        terms: Chunk runs whose bytes, one after the other, hold the range.
        pieces: What to fetch of each xorb; disjoint and sorted.
    """

    skip: int
    terms: tuple[Term, ...]
    pieces: Mapping[bytes, tuple[Piece, ...]]


def find(conn: Connection, scope: Scope, file_hash: bytes) -> KnownFile:
    """Find a file by its xet hash.

    Raises:
        EntryNotFound: The hub has no such file, or the scope's repo may not refer to it.
    """
    query = select(xet_file.c.sha256, xet_file.c.size, xet_file.c.terms).where(
        xet_file.c.hash == file_hash
    )
    row = conn.execute(query).one_or_none()
    if row is None or not stored.possess(conn, scope.repo.id, row.sha256):
        raise EntryNotFound(f"{scope.repo.repo_id} has no file with xet hash {to_text(file_hash)}.")
    return KnownFile(row.size, unpack_terms(row.terms))


def reconstruct(conn: Connection, file: KnownFile, start: int, end: int) -> Reconstruction:
    """Plan how to rebuild the bytes [start, end) of a file."""
    needed = [term.xorb for term, _ in overlapping(file.terms, start, end)]
    tables = tables_of(conn, needed)
    runs = list(plan(file.terms, tables.__getitem__, start, end))
    pieces = {
        xorb: tuple(_piece(tables[xorb], *chunks) for chunks in merged)
        for xorb, merged in _merge(runs).items()
    }
    terms = tuple(_term(run, tables[run.xorb]) for run in runs)
    return Reconstruction(runs[0].skip if runs else 0, terms, pieces)


def links(
    registry: Registry, xorb: bytes, pieces: Sequence[Piece]
) -> Iterator[tuple[str, Sequence[Piece]]]:
    """Sign the query strings of links to parts of a xorb, each with the pieces it opens.

    A link opens the byte ranges of its pieces and nothing else: the rest of the xorb may hold
    other people's bytes.
    """
    expires = registry.clock() + LINK_LIFETIME
    for start in range(0, len(pieces), _RANGES_PER_LINK):
        some = pieces[start : start + _RANGES_PER_LINK]
        ranges = "_".join(f"{piece.first}-{piece.last}" for piece in some)
        fields = {"xorb": to_text(xorb), "ranges": ranges}
        yield signed.query(registry.secret, _PURPOSE, fields, expires=expires), some


def open_link(
    registry: Registry, params: Mapping[str, str], wanted: Sequence[tuple[int, int]]
) -> str:
    """Return the store's key of the xorb that a link opens.

    Args:
        registry: The hub.
        params: Query of the link.
        wanted: Byte ranges asked for, last byte included. Clients ask for all of a link's ranges
            at once, or for one after the other.

    Raises:
        Forbidden: A link not signed here, expired, or for other ranges; clients then ask anew.
    """
    fields = signed.check(registry.secret, _PURPOSE, params, now=registry.clock())
    pairs = (pair.split("-") for pair in fields["ranges"].split("_"))
    opened = [(int(first), int(last)) for first, last in pairs]
    if len(wanted) > len(opened):
        raise Forbidden("This link is for fewer byte ranges. Ask for those it came with.")
    for first, last in wanted:
        if first > last or not any(a <= first and last <= b for a, b in opened):
            raise Forbidden("This link is for other byte ranges. Ask for those it came with.")
    return xorb_key(fields["xorb"])


def _term(run: Run, table: ChunkTable) -> Term:
    return Term(run.xorb, run.start, run.end, table.plain_length(run.start, run.end))


def _piece(table: ChunkTable, start: int, end: int) -> Piece:
    first, after = table.span(start, end)
    return Piece(start, end, first, after - 1)


def _merge(runs: Iterable[Run]) -> dict[bytes, list[tuple[int, int]]]:
    """Join overlapping and neighbouring chunk ranges of each xorb."""
    merged: dict[bytes, list[tuple[int, int]]] = {}
    for run in sorted(runs, key=lambda run: (run.start, run.end)):
        ranges = merged.setdefault(run.xorb, [])
        if ranges and run.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], run.end))
        else:
            ranges.append((run.start, run.end))
    return merged
