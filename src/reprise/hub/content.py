"""What a file must be: its digest as the hub's listing states it, checked on this machine."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from reprise.base.digests import is_sha256
from reprise.base.errors import CorruptContent, TooLarge
from reprise.base.ids import check_path

MAX_FILES = 100_000  # more than any honest repo; a hostile listing could go on for ever
_CODE_SUFFIXES = frozenset(".py .pyi .txt .toml .cfg .ini .yml .yaml .json .md".split()) | {""}
_MAX_CODE = 1 << 20  # bytes of one file; a listing of entry points never needs larger ones
_BLOCK = 1 << 20
_OID_LENGTH = 40


@dataclass(frozen=True)
class ListedFile:
    """One file of a commit, as the hub lists it."""

    path: str
    size: int
    oid: str = ""  # git's SHA-1 of the blob, for files kept in git itself
    sha256: str = ""  # of the bytes, for large files
    mode: int = 0o644

    @property
    def is_large(self) -> bool:
        """Whether the file lives outside git (LFS or Xet): weights, mostly."""
        return bool(self.sha256)

    @property
    def is_code(self) -> bool:
        """Whether listing entry points could need the file."""
        suffix = Path(self.path).suffix.lower()
        return not self.is_large and self.size <= _MAX_CODE and suffix in _CODE_SUFFIXES

    def matches(self, local_path: Path) -> bool:
        """Tell whether a file on disk has the listed size and digest."""
        if local_path.stat().st_size != self.size:
            return False
        if self.is_large:
            return _digest(local_path, hashlib.sha256()) == self.sha256
        header = f"blob {self.size}\0".encode()
        return _digest(local_path, hashlib.sha1(header, usedforsecurity=False)) == self.oid


def git_blob_id(data: bytes) -> str:
    """Return the id that git gives these bytes as a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def check_listing(files: list[ListedFile]) -> list[ListedFile]:
    """Return the files that a snapshot will hold.

    Compiled Python (`__pycache__`) is left out: it could run in place of the source that people
    read and agreed to.

    Raises:
        CorruptContent: No honest git tree has such a listing.
        InvalidId: A path would leave the snapshot's folder.
        TooLarge: More than `MAX_FILES` files.
    """
    if len(files) > MAX_FILES:
        raise TooLarge(f"The repo has more than {MAX_FILES} files.")
    folders: set[str] = set()
    names: set[str] = set()
    for file in files:
        check_path(file.path)
        if file.path in names or file.size < 0 or not _has_digest(file):
            raise CorruptContent(f"The hub's listing is broken at {file.path!r}.")
        names.add(file.path)
        parts = file.path.split("/")
        folders.update("/".join(parts[:n]) for n in range(1, len(parts)))
    if clash := sorted(names & folders):
        raise CorruptContent(f"The hub lists {clash[0]!r} as a file and as a folder.")
    return [file for file in files if "__pycache__" not in file.path.split("/")]


def _has_digest(file: ListedFile) -> bool:
    if file.is_large:
        return is_sha256(file.sha256)
    return len(file.oid) == _OID_LENGTH and set(file.oid) <= set("0123456789abcdef")


def _digest(path: Path, state: "hashlib._Hash") -> str:
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()
