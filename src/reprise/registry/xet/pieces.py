"""A file out of its xorbs as pieces to send: places in local files where chunks lie as they are.

Chunks that are compressed, and those of stores without local files, come decoded.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reprise.formats.xet import xorbs
from reprise.formats.xet.chunks import HEADER_SIZE, SCHEME_AT, Bytes, Scheme
from reprise.formats.xet.hashes import to_text
from reprise.formats.xet.xorbs import ChunkTable
from reprise.registry.registry import Registry
from reprise.registry.storage.store import Store, xorb_key
from reprise.registry.stored import StoredFile
from reprise.registry.xet.reading import Run, TableOf, find_runs

_CHUNKS = 1024  # in one batch: 64 MiB where chunks have the usual size
_PLAIN = bytes([Scheme.NONE])
_DECODED = 64  # the same where they have to be held in memory


class FileRange(NamedTuple):
    """`length` bytes from `start` of a local file, given by path or by open descriptor."""

    file: Path | int
    start: int
    length: int


Piece = FileRange | Bytes


def read_pieces(
    registry: Registry, stored: StoredFile, start: int, length: int
) -> Iterator[list[Piece]]:
    """Describe `length` bytes of a file from `start`, batch by batch.

    Raises:
        NotFound: The hub cannot rebuild the file.
        RangeNotSatisfiable: The range leaves the file.
    """
    runs, table_of = find_runs(registry, stored, start, length)
    return _cut(_batches(registry.store, runs, table_of), length)


def _batches(store: Store, runs: Iterator[Run], table_of: TableOf) -> Iterator[list[Piece]]:
    for run in runs:
        table, key, skip = table_of(run.xorb), xorb_key(to_text(run.xorb)), run.skip
        path, at = store.path(key), run.start
        while at < run.end:
            end = min(at + _CHUNKS, run.end)
            batch: list[Piece] | None = None
            if path is not None:
                batch = _as_they_are(path, table, at, end)
            if batch is None:
                end = min(at + _DECODED, run.end)
                first, last = table.span(at, end)
                batch = list(xorbs.chunks(store.read(key, first, last - first)))
            if skip:
                batch[0], skip = _drop(batch[0], skip), 0
            yield batch
            at = end


def _as_they_are(path: Path, table: ChunkTable, start: int, end: int) -> list[Piece] | None:
    """Find the chunks [start, end) in the file, unless one of them is compressed."""
    if table.size_of(start, end) != table.plain_length(start, end) + HEADER_SIZE * (end - start):
        return None
    found: list[Piece] = []
    with path.open("rb", buffering=0) as file:
        fd, at = file.fileno(), table.span(start, end)[0]
        for chunk_end in table.ends[start:end]:
            # A compressed chunk may have the size of a plain one; only its header tells.
            if os.pread(fd, 1, at + SCHEME_AT) != _PLAIN:
                return None
            found.append(FileRange(path, at + HEADER_SIZE, chunk_end - at - HEADER_SIZE))
            at = chunk_end
    return found


def _cut(batches: Iterator[list[Piece]], length: int) -> Iterator[list[Piece]]:
    """Stop after `length` bytes."""
    for batch in batches:
        kept: list[Piece] = []
        for piece in batch:
            size = size_of(piece)
            kept.append(piece if size <= length else _take(piece, length))
            length -= min(size, length)
            if not length:
                break
        yield kept
        if not length:
            return


def size_of(piece: Piece) -> int:
    """Bytes of a piece."""
    return piece.length if isinstance(piece, FileRange) else len(piece)


def _drop(piece: Piece, count: int) -> Piece:
    if isinstance(piece, FileRange):
        return FileRange(piece.file, piece.start + count, piece.length - count)
    return piece[count:]


def _take(piece: Piece, count: int) -> Piece:
    if isinstance(piece, FileRange):
        return FileRange(piece.file, piece.start, count)
    return piece[:count]
