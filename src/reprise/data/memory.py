"""How much memory a step may take: stated in bytes, divided among its parts, and checked.

Pages of mapped files are left out of the count, since the kernel drops them when it wants to; they
are given back behind the reader all the same, see `reprise.data.mapped`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import InvalidInput, TooLarge

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}  # fmt: skip
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*", re.IGNORECASE)
LEAST = 32 * 10**6  # bytes; Python and Arrow need some room for anything at all
_STATM = Path("/proc/self/statm")


def bytes_of(value: int | str) -> int:
    """Read an amount of memory: a number of bytes, or "500MB", "2 GiB".

    Raises:
        InvalidInput: It is no amount, or less than any step needs.
    """
    match = _SIZE.fullmatch(str(value))
    if isinstance(value, bool) or match is None:
        raise InvalidInput(f'max_memory is a number of bytes or "500MB", "2GB", not {value!r}.')
    found = int(float(match[1]) * _UNITS[(match[2] or "").lower()])
    if found < LEAST:
        raise InvalidInput(f"max_memory is {found} bytes; no step does with less than {LEAST}.")
    return found


def used() -> int:
    """Return the bytes of memory that this process alone holds, mapped files left out."""
    try:
        _, resident, shared, *_ = map(int, _STATM.read_bytes().split())
    except FileNotFoundError:  # not Linux: nothing to check with
        return 0
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Budget:
    """What a step may take beyond what the process held when it began.

    Attributes:
        total: Bytes.
        before: Bytes that the process held.
    """

    total: int
    before: int

    @classmethod
    def of(cls, total: int) -> "Budget":
        """Begin to count now."""
        return cls(total, used())

    @property
    def pages(self) -> int:
        """Bytes of mapped files that may stay."""
        return self.total // 4

    @property
    def waiting(self) -> int:
        """Bytes of results that may wait to be written; written, they are there twice."""
        return self.total // 16

    @property
    def window(self) -> int:
        """Bytes of rows looked at together; as Python values they take several times as much."""
        return self.total // 32

    def check(self, name: str, first: int, last: int) -> None:
        """Complain when more is held than was allowed.

        Raises:
            TooLarge: The message names the step and the rows.
        """
        grown = used() - self.before
        if grown > self.total - self.pages:
            raise TooLarge(
                f"{name} holds {grown >> 20} MB more in rows {first} to {last} than when it began, "
                f"more than max_memory={self.total} allows.",
                hint="Does the function keep what it saw? Else: smaller batches, fewer processes, "
                "or a larger max_memory.",
            )
