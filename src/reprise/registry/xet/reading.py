"""Read bytes of a file out of its xorbs."""

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from reprise.base.errors import NotFound, RangeNotSatisfiable
from reprise.formats.xet import xorbs
from reprise.formats.xet.chunks import Bytes
from reprise.formats.xet.hashes import to_text
from reprise.formats.xet.shards import Term
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry.registry import Registry
from reprise.registry.storage.store import Store, room, xorb_key
from reprise.registry.stored import StoredFile
from reprise.registry.xet.rows import tables_of, terms_of

BATCH = 4 << 20  # bytes read from the store at a time
_PIECE = 1 << 20  # bytes handed on at a time: fewer, larger pieces cost less on their way out
_TABLES = 32  # chunk tables kept while streaming one file, up to 320 KiB each

TableOf = Callable[[bytes], ChunkTable]


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring chunks [start, end) of a xorb.

    `skip` bytes at their start lie before the wanted range, because chunks are read whole.
    """

    xorb: bytes
    start: int
    end: int
    skip: int = 0


def read_range(registry: Registry, stored: StoredFile, start: int, length: int) -> Iterator[bytes]:
    """Stream `length` bytes of a file from `start`, decoding only the chunks it takes.

    Raises:
        NotFound: The hub cannot rebuild the file.
        RangeNotSatisfiable: The range leaves the file.
    """
    runs, table_of = find_runs(registry, stored, start, length)
    return _pieces(_chunks(registry.store, runs, table_of), length)


def find_runs(
    registry: Registry, stored: StoredFile, start: int, length: int
) -> tuple[Iterator[Run], TableOf]:
    """Find the chunks that hold a range of a file, and where to look their places up.

    Raises:
        NotFound: The hub cannot rebuild the file.
        RangeNotSatisfiable: The range leaves the file.
    """
    if start < 0 or length < 0 or start + length > stored.size:
        raise RangeNotSatisfiable(f"The file has {stored.size} bytes; asked for {start}+{length}.")
    with registry.db.read() as conn:
        terms = terms_of(conn, stored.xet_hash) if stored.xet_hash else None
    if terms is None:
        raise NotFound(f"The hub holds no bytes of the file {stored.sha256.hex()}.")
    table_of = _tables_from(registry)
    return plan(terms, table_of, start, start + length), table_of


def plan(terms: tuple[Term, ...], table_of: TableOf, start: int, end: int) -> Iterator[Run]:
    """Find the chunks that hold the bytes [start, end) of a file, in order."""
    for term, before in overlapping(terms, start, end):
        yield _trim(term, table_of(term.xorb), start - before, end - before)


def overlapping(terms: tuple[Term, ...], start: int, end: int) -> Iterator[tuple[Term, int]]:
    """Find the terms that hold bytes [start, end) of a file, each with its place in the file."""
    ends = list(accumulate(term.length for term in terms))
    for index in range(bisect_right(ends, start), len(terms)):
        before = ends[index] - terms[index].length
        if before >= end:
            return
        yield terms[index], before


def _trim(term: Term, table: ChunkTable, start: int, end: int) -> Run:
    """Drop the chunks of a term outside [start, end), counted from the term's first byte."""
    base = table.plain_start(term.start)
    first, last = term.start, term.end
    if start > 0:
        first = bisect_right(table.plain_ends, base + start)
    if end < term.length:
        last = bisect_left(table.plain_ends, base + end) + 1
    return Run(term.xorb, first, last, max(0, base + start - table.plain_start(first)))


def spans(run: Run, table: ChunkTable) -> Iterator[tuple[int, int]]:
    """Split a run into byte ranges of the serialised xorb, whole chunks each."""
    start = run.start
    while start < run.end:
        limit = table.span(start, start + 1)[0] + BATCH
        end = min(max(bisect_right(table.ends, limit), start + 1), run.end)
        yield table.span(start, end)
        start = end


def decode_span(
    store: Store, xorb: bytes, span: tuple[int, int], buffer: memoryview
) -> list[Bytes]:
    """Read and decode whole chunks of a stored xorb; some of them lie in the buffer then."""
    key, (start, end) = xorb_key(to_text(xorb)), span
    length = end - start
    if room(length) > len(buffer):  # a chunk that is no good, but was let in: it is short unpacked
        return list(xorbs.chunks(store.read(key, start, length)))
    return list(xorbs.chunks(store.read_into(buffer, key, start, length)))


def new_buffer() -> memoryview:
    """Make a buffer for `decode_span`."""
    return memoryview(mmap.mmap(-1, room(BATCH)))


def _tables_from(registry: Registry) -> TableOf:
    @lru_cache(maxsize=_TABLES)
    def table_of(xorb: bytes) -> ChunkTable:
        with registry.db.read() as conn:
            return tables_of(conn, [xorb])[xorb]

    return table_of


def _chunks(store: Store, runs: Iterable[Run], table_of: TableOf) -> Iterator[Bytes]:
    for run in runs:
        skip = run.skip
        for start, end in spans(run, table_of(run.xorb)):
            key = xorb_key(to_text(run.xorb))
            for chunk in xorbs.chunks(store.read(key, start, end - start)):
                yield chunk[skip:] if skip else chunk
                skip = 0


def _pieces(chunks: Iterable[Bytes], length: int) -> Iterator[bytes]:
    """Join chunks into larger pieces and stop after `length` bytes."""
    waiting: list[Bytes] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk[:length] if len(chunk) > length else chunk)
        size += len(waiting[-1])
        length -= len(waiting[-1])
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
        if not length:
            break
    if waiting:
        yield b"".join(waiting)
