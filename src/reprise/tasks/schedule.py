"""Which rows run together: rows of one length, under a budget, in any order.

Measured on a CPU (MiniLM), a token takes the least in batches of 256 to 512: larger ones leave the
caches of the processor, smaller ones leave its units idle. A run takes about 40 tokens' time beside
its tokens, so rows of much different lengths run apart rather than padded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any, TypeVar

import numpy as np

from reprise.base.errors import InvalidInput

T = TypeVar("T")
WINDOW = 1000  # inputs that are looked at before the first batch is made of them
_LARGEST = 100_000  # rows of a batch that anybody may ask for


@dataclass(frozen=True)
class Room:
    """What a batch may hold.

    Attributes:
        budget: Tokens, padding included. A row that is longer runs alone.
        start: What a run takes beside its tokens, in tokens.
        step: Lengths are padded to multiples of it.
    """

    budget: int
    start: int
    step: int = 1

    def width(self, length: int) -> int:
        """Give the length of a padded row."""
        return max(1, -(-length // self.step) * self.step)


ON_CPU = Room(budget=512, start=40)
ON_GPU = Room(budget=16_384, start=2_048)
# Writing takes as many steps whatever the number of rows, so as few batches as possible.
WRITING = Room(budget=1024, start=1 << 24)


def read_batch(batch: int | str | None) -> int | None:
    """Read `batch`: a number of rows, or None for "auto".

    Raises:
        InvalidInput: It is neither.
    """
    if batch is None or batch == "auto":
        return None
    if isinstance(batch, bool) or not isinstance(batch, int) or not 0 < batch <= _LARGEST:
        raise InvalidInput(f"batch is {batch!r}; use 'auto', or a number from 1 to {_LARGEST}.")
    return batch


def windows(items: Iterable[T], batch: int | None) -> Iterator[list[T]]:
    """Split inputs into windows; with one row per batch nothing is looked at ahead."""
    source = iter(items)
    while window := list(islice(source, 1 if batch == 1 else WINDOW)):
        yield window


def batches(
    costs: Sequence[int], room: Room = ON_CPU, *, rows: int | None = None, alike: bool = False
) -> list[list[int]]:
    """Group rows, the longest first, so that padding and starts together take the least.

    Args:
        costs: Tokens of each row.
        room: What a batch may hold, and what starting one takes.
        rows: Rows of a batch, whatever they hold; None: as the room allows.
        alike: Whether only rows of the very same length may meet.

    Example:
        >>> batches([3, 9, 4, 1], Room(budget=8, start=1))
        [[1], [2, 0], [3]]
    """
    order = sorted(range(len(costs)), key=lambda index: -costs[index])
    widths = [room.width(costs[index]) for index in order]
    if alike:
        edges = [at for at in range(len(order)) if at and costs[order[at]] != costs[order[at - 1]]]
    else:
        edges = []
    groups: list[list[int]] = []
    for begin, end in pairwise([0, *edges, len(order)]):
        for first, last in _parts(widths[begin:end], room, rows):
            groups.append(order[begin + first : begin + last])
    return groups


def _parts(widths: list[int], room: Room, rows: int | None) -> Iterator[tuple[int, int]]:
    """Cut widths, the largest first, into batches: first and last place of each."""
    if rows is not None:
        yield from ((at, min(at + rows, len(widths))) for at in range(0, len(widths), rows))
        return
    ends, at = _cheapest(np.array(widths, np.int64), room), 0
    for end in ends:
        yield at, end
        at = end


def _cheapest(widths: Any, room: Room) -> list[int]:
    """Find the ends of batches that take the least together: the best of all ways to cut."""
    best = np.zeros(len(widths) + 1, np.int64)
    before = np.zeros(len(widths) + 1, np.int64)
    low = 0
    for end in range(1, len(widths) + 1):
        while low < end - 1 and widths[low] * (end - low) > room.budget:
            low += 1
        taken = best[low:end] + room.start + widths[low:end] * (end - np.arange(low, end))
        chosen = int(taken.argmin())
        best[end], before[end] = taken[chosen], low + chosen
    ends, at = [], len(widths)
    while at:
        ends.append(at)
        at = int(before[at])
    return ends[::-1]
