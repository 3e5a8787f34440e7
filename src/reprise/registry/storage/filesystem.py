"""A store in a local folder: staged in `tmp/`, flushed, then linked into place."""

import errno
import fcntl
import hashlib
import mmap
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path

from reprise.base.errors import NotFound
from reprise.base.files import fsync_folder
from reprise.registry.storage.store import CHUNK, Digest

# Blocks from this size on are hashed by one processor while another writes them, and pass by the
# page cache where they may: filling fresh pages costs more than hashing what goes into them.
_LARGE = 1 << 20
_DIRECT = getattr(os, "O_DIRECT", 0)  # Linux
_NO_WAIT: int | None = getattr(os, "RWF_NOWAIT", None)  # Linux


class StagedFile:
    """A temporary file; a digest, if there is one, sees what is written."""

    def __init__(self, root: Path, digest: Digest | None, threads: Executor) -> None:
        self._root = root
        self._path = root / "tmp" / uuid.uuid4().hex
        self._file = self._path.open("xb", buffering=0)
        self._digest = digest
        self._threads = threads
        self._direct = False
        self._may_be_direct = bool(_DIRECT)
        self.size = 0

    def __enter__(self) -> "StagedFile":
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        view = memoryview(data)
        if self._digest is None:
            self._append(view)
        elif len(view) < _LARGE:
            self._append(view)
            self._digest.update(view)
        else:
            self._append_while(self._threads.submit(self._digest.update, view), view)
        self.size += len(view)

    def truncate(self, size: int) -> None:
        """Drop the end."""
        self._file.truncate(size)
        self.size = size

    def _append_while(self, other: Future[object], view: memoryview) -> None:
        try:
            self._append(view)
        finally:
            wait([other])  # whatever happened: the bytes are not ours after we return
        other.result()

    def _append(self, view: memoryview) -> None:
        self._go_direct(self._may_be_direct and len(view) >= _LARGE)
        while view:
            try:
                view = view[self._file.write(view) :]
            except OSError as error:
                if error.errno != errno.EINVAL or not self._direct:
                    raise
                # The end of a file, or memory that does not start with a page.
                self._may_be_direct = False
                self._go_direct(False)

    def _go_direct(self, wanted: bool) -> None:
        """Let writes pass by the page cache, or not; not every file system knows how."""
        if wanted == self._direct:
            return
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._file, fcntl.F_SETFL, flags | _DIRECT if wanted else flags & ~_DIRECT)
        except OSError:
            self._may_be_direct = False
            return
        self._direct = wanted

    def sha256(self) -> str:
        """Hex digest of everything written so far."""
        assert isinstance(self._digest, type(hashlib.sha256())), "asked for another digest"
        return self._digest.hexdigest()

    def publish(self, key: str) -> bool:
        """Link the flushed bytes to their key."""
        os.fsync(self._file.fileno())
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self._path, target)
        except FileExistsError:
            return False  # somebody else was first
        fsync_folder(target.parent)
        return True


class FilesystemStore:
    """`Store` in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="digest")
        (root / "tmp").mkdir(parents=True, exist_ok=True)

    def stage(self, digest: Digest | None = None) -> StagedFile:
        """Start a new upload."""
        return StagedFile(self.root, digest or hashlib.sha256(), self._threads)

    def put(self, key: str, data: bytes) -> bool:
        """Write an object durably."""
        with StagedFile(self.root, None, self._threads) as staged:
            staged.write(data)
            return staged.publish(key)

    def size(self, key: str) -> int | None:
        """Bytes under a key, or None."""
        try:
            return (self.root / key).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Read a range whole."""
        path = self.path(key)
        if path is None:
            raise NotFound(f"The store holds nothing under {key}.")
        with path.open("rb") as file:
            file.seek(start)
            return file.read(length)

    def read_into(self, buffer: memoryview, key: str, start: int, length: int) -> memoryview:
        """Read a range once."""
        path = self.path(key)
        if path is None:
            raise NotFound(f"The store holds nothing under {key}.")
        skip = start % mmap.PAGESIZE
        whole = buffer[: -(-(skip + length) // mmap.PAGESIZE) * mmap.PAGESIZE]
        if not _read_cached(path, whole, start - skip, skip + length):
            _read_pages(path, whole, start - skip, skip + length)
        return buffer[skip : skip + length]

    def stream(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Read a range in pieces of up to `CHUNK` bytes."""
        path = self.path(key)
        if path is None:
            raise NotFound(f"The store holds nothing under {key}.")
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            left = path.stat().st_size - start if length is None else length
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def path(self, key: str) -> Path | None:
        """The file behind a key."""
        path = self.root / key
        return path if path.is_file() else None

    def delete(self, key: str) -> None:
        """Remove a key."""
        (self.root / key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below a prefix."""
        for path in (self.root / prefix).rglob("*"):
            if path.is_file():
                yield path.relative_to(self.root).as_posix()


def _read_cached(path: Path, pages: memoryview, start: int, wanted: int) -> bool:
    """Read what the page cache holds; tell whether that was all."""
    if _NO_WAIT is None:
        return False
    with path.open("rb", buffering=0) as file:
        try:
            return os.preadv(file.fileno(), [pages[:wanted]], start, _NO_WAIT) == wanted
        except OSError:  # not there, or not on this file system
            return False


def _read_pages(path: Path, pages: memoryview, start: int, wanted: int) -> None:
    """Read whole pages past the page cache, or through it where that is the only way."""
    for flags in (os.O_RDONLY | _DIRECT, os.O_RDONLY):
        try:
            fd = os.open(path, flags)
        except OSError as error:
            if error.errno == errno.EINVAL:
                continue
            raise
        try:
            if os.preadv(fd, [pages], start) >= wanted:
                return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(fd)
    raise OSError(f"{path} is shorter than the hub recorded")
