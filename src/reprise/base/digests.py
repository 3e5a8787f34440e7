"""Digests: hashing while streaming, and canonical JSON for anything that is hashed."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: str) -> bool:
    """Tell whether `text` is 64 lower-case hex digits."""
    return _SHA256.fullmatch(text) is not None


def canonical_json(value: Any) -> bytes:
    """Encode a JSON value in the one form that is hashed: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


class Hashing:
    """Pass chunks through while counting and hashing them.

    Example:
        >>> chunks = Hashing([b"re", b"prise"])
        >>> b"".join(chunks), chunks.size
        (b'reprise', 7)
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.size += len(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """Hex digest of all that passed so far."""
        return self._hash.hexdigest()
