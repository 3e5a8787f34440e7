"""Large files by SHA-256: the same bytes for plain GET, LFS and Xet, whichever way they came.

The rows live in `stored`; this module adds the bytes.
"""

from collections.abc import Generator, Iterator
from pathlib import Path

from reprise.registry.registry import Registry
from reprise.registry.storage.store import file_key
from reprise.registry.stored import StoredFile, find, possess, record
from reprise.registry.xet.pieces import Piece, read_pieces
from reprise.registry.xet.reading import read_range

__all__ = ["StoredFile", "find", "local_path", "open_range", "pieces", "possess", "record"]


def open_range(registry: Registry, stored: StoredFile, start: int, length: int) -> Iterator[bytes]:
    """Read `length` bytes from `start`, in pieces; both must lie inside the file."""
    if stored.whole:
        return registry.store.stream(file_key(stored.sha256.hex()), start, length)
    return read_range(registry, stored, start, length)


def pieces(
    registry: Registry, stored: StoredFile, start: int, length: int
) -> Generator[list[Piece], None, None]:
    """Describe `length` bytes from `start`, batch by batch, for sending; both inside the file."""
    if not stored.whole:
        yield from read_pieces(registry, stored, start, length)
        return
    for piece in open_range(registry, stored, start, length):
        yield [piece]


def local_path(registry: Registry, stored: StoredFile) -> Path | None:
    """A local file holding exactly these bytes, when there is one (for zero-copy sends)."""
    return registry.store.path(file_key(stored.sha256.hex())) if stored.whole else None
