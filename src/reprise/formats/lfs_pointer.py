"""LFS pointers: the few lines that stand in for a large file inside git."""

import re
from dataclasses import dataclass

from reprise.base.digests import is_sha256
from reprise.base.errors import InvalidFormat

VERSION = "https://git-lfs.github.com/spec/v1"
# git-lfs reads no further when it looks for a pointer.
MAX_POINTER = 1024
_PREFIX = b"version "
_POINTER = re.compile(
    rb"version (?:https://git-lfs\.github\.com/spec/v1|https://hawser\.github\.com/spec/v1)\n"
    rb"((?:ext-[0-9]-[a-z0-9.-]+ sha256:[0-9a-f]{64}\n)*)"
    rb"oid sha256:([0-9a-f]{64})\n"
    rb"size (0|[1-9][0-9]{0,18})\n?"
)


@dataclass(frozen=True)
class Pointer:
    """A large file's SHA-256 in hex and its size in bytes."""

    sha256: str
    size: int


def parse(data: bytes) -> Pointer | None:
    """Parse a blob as a pointer; None when it is an ordinary file.

    Follows the git-lfs specification: UTF-8 lines `key value`, `version` first, the other keys in
    alphabetical order, LF line ends. Extension lines (`ext-…`) are read over.

    Example:
        >>> parse(serialise(Pointer("0" * 64, 7)))
        Pointer(sha256='0000000000000000000000000000000000000000000000000000000000000000', size=7)
        >>> parse(b"version 2 of my notes")
    """
    if len(data) >= MAX_POINTER or not data.startswith(_PREFIX):
        return None
    found = _POINTER.fullmatch(data)
    if found is None:
        return None
    return Pointer(found[2].decode(), int(found[3]))


def serialise(pointer: Pointer) -> bytes:
    """Write a pointer in its one canonical form.

    Raises:
        InvalidFormat: The digest is not 64 lower-case hex digits, or the size is negative.
    """
    if not is_sha256(pointer.sha256) or pointer.size < 0:
        raise InvalidFormat(f"Not the digest and size of a file: {pointer}.")
    return f"version {VERSION}\noid sha256:{pointer.sha256}\nsize {pointer.size}\n".encode()
