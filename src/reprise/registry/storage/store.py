"""The store's contract: keys to immutable bytes."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CHUNK = 1 << 20  # bytes read or written at a time
FILES, XORBS = "sha256", "xorb"  # what the keys of whole files and of xorbs start with


class Digest(Protocol):
    """What sees all bytes of an upload in their order, perhaps in a thread of its own."""

    def update(self, data: memoryview, /) -> object:
        """Take the next bytes; they are gone when this returns."""


class Staged(Protocol):
    """Bytes on their way in, under no name yet. Leaving the block unpublished discards them."""

    size: int

    def __enter__(self) -> "Staged": ...
    def __exit__(self, *exc: object) -> None: ...

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes; they are not needed any more when this returns."""

    def truncate(self, size: int) -> None:
        """Drop what comes after so many bytes."""

    def sha256(self) -> str:
        """Hex digest of everything written so far, unless another digest was asked for."""
        ...

    def publish(self, key: str) -> bool:
        """Give the bytes their name, durably; False when the key exists and is left as it is."""
        ...


class Store(Protocol):
    """Content-addressed bytes. Keys come from digests only, never from names people choose."""

    def stage(self, digest: Digest | None = None) -> Staged:
        """Start a new upload; `digest` sees its bytes instead of SHA-256."""
        ...

    def put(self, key: str, data: bytes) -> bool:
        """Write an object durably; False when the key exists and is left as it is."""
        ...

    def size(self, key: str) -> int | None:
        """Bytes under a key, or None when there is none."""
        ...

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Read a range whole."""
        ...

    def read_into(self, buffer: memoryview, key: str, start: int, length: int) -> memoryview:
        """Read a range into a buffer of `room(length)` bytes; returns the part that holds it.

        For bytes that are wanted once: what the page cache does not hold stays out of it.
        """
        ...

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read a range in pieces of up to `CHUNK` bytes."""
        ...

    def path(self, key: str) -> Path | None:
        """A local file holding exactly these bytes, when there is one (for zero-copy sends)."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; absent keys are no error."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below a prefix, in no order."""
        ...


def room(length: int) -> int:
    """Bytes a buffer needs for `Store.read_into`, which reads whole pages."""
    return length + 2 * mmap.PAGESIZE


def file_key(sha256: str) -> str:
    """Key of a whole file by its SHA-256 in hex."""
    return f"{FILES}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def xorb_key(xorb_hash: str) -> str:
    """Key of a xorb by its hash in hex, as xet writes it."""
    return f"{XORBS}/{xorb_hash[:2]}/{xorb_hash[2:4]}/{xorb_hash}"


def evidence_key(sha256: str) -> str:
    """Key of something that a verification left, by its SHA-256 in hex."""
    return f"evidence/{sha256[:2]}/{sha256[2:4]}/{sha256}"
