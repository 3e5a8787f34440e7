"""Arrow files in memory, and giving back the pages of them that were read.

Pages of a mapped file that were touched count as memory of the process, although the kernel can
drop them at any time. Whoever reads through a large file gives them back behind itself; pages that
are wanted again come from the kernel's cache.
"""

import ctypes
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.permutation import Indices

_AROUND = 2 << 20  # bytes that the kernel may map at once around a page that is asked for
KEPT = 256 << 20  # bytes of a mapped table that stay when nobody asks for less


@dataclass(frozen=True)
class Opened:
    """A table in a mapped file.

    Attributes:
        table: The rows.
        mappings: The whole of each file that they are mapped from, as buffers.
    """

    table: pa.Table
    mappings: tuple[pa.Buffer, ...] = ()

    def release(self) -> None:
        """Give the pages back that were read."""
        give_back(self.mappings)


def open_mapped(path: Path, *, is_stream: bool = False) -> Opened:
    """Map an Arrow file into memory; nothing is read before it is used.

    Args:
        path: The file.
        is_stream: Whether it has Arrow's other form, a stream.

    Raises:
        OSError, pyarrow.ArrowException: It is not there, or no Arrow file.
    """
    if not path.stat().st_size:
        raise pa.ArrowInvalid(f"{path} is empty")
    with pa.memory_map(str(path)) as file:  # the map stays, the file is closed: there may be many
        mapping = file.read_buffer(file.size())
    source = pa.BufferReader(mapping)
    opened = pa.ipc.open_stream(source) if is_stream else pa.ipc.open_file(source)
    return Opened(opened.read_all(), (mapping,))


def open_arrow(path: Path) -> pa.Table:
    """Map an Arrow file into memory and return its table."""
    return open_mapped(path).table


def give_back(mappings: Sequence[pa.Buffer]) -> None:
    """Tell the kernel that no page of mapped files is needed now; those asked for come back.

    Args:
        mappings: As `open_mapped` made them: read-only maps of whole files, and nothing else, since
            memory that lies in no file would be lost.
    """
    for mapping in mappings if hasattr(mmap, "MADV_DONTNEED") else ():
        address, size = ctypes.c_void_p(mapping.address), ctypes.c_size_t(mapping.size)
        _libc().madvise(address, size, mmap.MADV_DONTNEED)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@dataclass
class Pages:
    """Which parts of mapped columns were read, about, and letting go of them.

    Attributes:
        mappings: The files.
        widths: Bytes of a row, by column.
        size: Rows.
    """

    mappings: Sequence[pa.Buffer]
    widths: dict[str, float]
    size: int
    _seen: dict[str, "np.ndarray[Any, Any]"] = field(default_factory=dict)

    @property
    def is_small(self) -> bool:
        """Whether all of it may stay when nobody asks for less."""
        return not self.mappings or sum(mapping.size for mapping in self.mappings) <= KEPT

    def read(self, rows: Indices, names: Sequence[str], kept: int) -> None:
        """Note that rows were read; give everything back when more than `kept` bytes are there."""
        bytes_ = 0
        for name in names:
            seen = self._seen.get(name)
            width = self.widths[name]
            if seen is None:
                seen = self._seen[name] = np.zeros(int(self.size * width) // _AROUND + 2, bool)
            parts = (rows * width).astype(np.int64) // _AROUND
            seen[parts] = True
            seen[((rows + 1) * width).astype(np.int64) // _AROUND] = True
            bytes_ += int(np.count_nonzero(seen)) * _AROUND
        if bytes_ > kept:
            self.release()

    def cuts(self, rows: Indices, names: Sequence[str], kept: int) -> Indices:
        """Return where to pause and give pages back when rows, ascending, are read in turn."""
        if not self.mappings:
            return np.array([], np.int64)
        bytes_ = np.zeros(len(rows), np.int64)
        for name in names:
            width = self.widths[name]
            first = (rows * width).astype(np.int64) // _AROUND
            last = ((rows + 1) * width).astype(np.int64) // _AROUND
            before = np.r_[-1, last[:-1]]
            bytes_ += last - np.maximum(before, first - 1)
        parts = np.cumsum(bytes_) * _AROUND // max(kept, 1)
        return np.flatnonzero(np.diff(parts)) + 1

    def release(self) -> None:
        """Give all pages back."""
        give_back(self.mappings)
        self._seen.clear()
