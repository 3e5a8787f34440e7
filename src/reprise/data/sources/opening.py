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
    try:
        with pa.input_stream(str(path), compression=kind) as file:
            yield file
    except OSError as error:
        raise InvalidFormat(f"{path} cannot be unpacked: {error}.") from None


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
