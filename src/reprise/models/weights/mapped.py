"""A file's bytes, mapped into memory: nothing is read before it is looked at."""

import mmap
import os
import sys
from pathlib import Path

from reprise.base.errors import InvalidFormat, NotFound

# Without it Linux refuses a private mapping that is larger than memory. Python 3.11 has no name
# for it.
_NO_RESERVE = 0x4000 if sys.platform == "linux" else 0


class MappedFile:
    """A whole file as memory. It is unmapped when the last view of it is gone.

    The mapping is private: whoever writes into `private` changes a copy of a page, never the file.
    Other programs must not shorten the file meanwhile (reading past its end would end the process);
    replacing it by renaming, as everything here does, is harmless.

    Attributes:
        bytes: Read-only view of the file.
        private: The same memory, writable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            raise NotFound(f"There is no file {str(path)!r}.")
        if not path.is_file():
            raise InvalidFormat(f"{str(path)!r} is not a file.")
        with path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            self.private = memoryview(_map(file.fileno()) if self.size else b"")
        self.bytes = self.private.toreadonly()

    def view(self, offset: int, length: int, what: str) -> memoryview:
        """Return a read-only part of the file.

        Raises:
            InvalidFormat: The file ends before it; the message names `what`.
        """
        if offset < 0 or length < 0 or offset + length > self.size:
            raise InvalidFormat(
                f"{self.path.name} is cut short or lies: {what[:80]} would end at byte "
                f"{offset + length}, but the file has {self.size}. Download it again."
            )
        return self.bytes[offset : offset + length]


def _map(descriptor: int) -> mmap.mmap:
    return mmap.mmap(
        descriptor,
        0,
        flags=mmap.MAP_PRIVATE | _NO_RESERVE,
        prot=mmap.PROT_READ | mmap.PROT_WRITE,
    )
