"""The `Range` header: one byte range of a file (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

from reprise.base.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Bytes `start` up to `end`, exclusive, of a file of `size` bytes."""

    start: int
    end: int
    size: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """Value of the `Content-Range` header."""
        return f"bytes {self.start}-{self.end - 1}/{self.size}"


def parse(header: str, size: int) -> ByteRange | None:
    """Read a `Range` header; None means: send the whole file.

    Headers that are malformed, use another unit or ask for several ranges are ignored, as the RFC
    allows. So is a range that starts an empty file.

    Raises:
        RangeNotSatisfiable: The range lies outside the file.
    """
    match = _ONE_RANGE.fullmatch(header)
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = min(int(match[2]), size)
        start, end = size - length, size
    else:
        start = int(match[1])
        end = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None  # malformed, says the RFC
    if size == 0 and start == 0:
        return None
    if start >= end:
        raise RangeNotSatisfiable(f"The file has {size} bytes; nothing starts at byte {start}.")
    return ByteRange(start, end, size)
