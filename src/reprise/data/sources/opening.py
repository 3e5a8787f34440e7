"""Files, compressed or not, and errors that name them."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import EntryNotFound, InvalidFormat, TooLarge

_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_MOST = 8 << 30  # characters read into memory; a small file could unpack to more than there is
_SURELY = 1 << 28  # bytes that any packed file may hold
_RATIO = 200  # times its own size; texts that repeat themselves reach 50
_BLOCK = 1 << 20


def suffix_of(path: Path) -> str:
    """Return the suffix that says what a file holds: `.csv` of `a.csv.gz`."""
    name = path.with_suffix("") if path.suffix.lower() in _COMPRESSED else path
    return name.suffix.lower()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a file for Arrow's readers, unpacked on the way."""
    _check(path)
    kind = _COMPRESSED.get(path.suffix.lower())
    if kind is None:
        with pa.memory_map(str(path)) if path.stat().st_size else pa.BufferReader(b"") as file:
            yield file
        return
    most = most_unpacked(path)
    try:
        with (
            pa.input_stream(str(path), compression=kind) as packed,
            pa.PythonFile(_Limited(packed, path, most), "r") as file,
        ):
            yield file
    except OSError as error:
        raise InvalidFormat(f"{path} cannot be unpacked: {error}.") from None


def most_unpacked(path: Path) -> int:
    """Return how many bytes a packed file may hold: a few bytes can say that they are very many."""
    return min(_MOST, max(_SURELY, _RATIO * path.stat().st_size))


class _Limited(io.RawIOBase):
    """What comes out of a packed file, up to a limit: a few bytes may hold more than any memory."""

    def __init__(self, packed: Any, path: Path, most: int) -> None:
        super().__init__()
        self._packed, self._path, self._left, self._most = packed, path, most, most

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            TooLarge: More came out than the file's size makes likely.
        """
        data: bytes = self._packed.read(None if size is None or size < 0 else size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge(
                f"{self._path} unpacks to more than {self._most >> 20} MB, far more than texts do.",
                hint="If you trust it, unpack it yourself and load what comes out.",
            )
        return data


@contextmanager
def opened_text(path: Path, encoding: str = "utf-8") -> Iterator[io.TextIOBase]:
    """Open a file as text, line ends as they are."""
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline="") as text:
        try:
            yield text
        except (UnicodeDecodeError, LookupError) as error:
            raise InvalidFormat(
                f"{path} is not {encoding} text: {error}.", hint="Pass encoding=."
            ) from None


def read_text(path: Path, encoding: str = "utf-8") -> str:
    """Read a whole file as text."""
    with opened_text(path, encoding) as file:
        parts, size = [], 0
        while part := file.read(_BLOCK):
            parts.append(part)
            size += len(part)
            if size > _MOST:
                raise TooLarge(
                    f"{path} is larger than {_MOST >> 30} GB; cut it into several files."
                )
        return "".join(parts)


def _check(path: Path) -> None:
    if not path.exists():
        raise EntryNotFound(f"There is no file {path}.")
    if path.is_dir():
        raise InvalidFormat(f"{path} is a folder, not a file.")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn errors of readers into one that names the file."""
    try:
        yield
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
        RecursionError,
        MemoryError,
    ) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidFormat(f"{path} cannot be read: {line[:300]}") from None
