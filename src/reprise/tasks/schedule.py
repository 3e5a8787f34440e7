"""Which rows run together: rows of one length, under a budget, in any order.

Measured on a CPU, batches of about a thousand tokens beat both larger and smaller ones: larger
ones leave the caches of the processor, smaller ones leave its units idle.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from reprise.base.errors import InvalidInput

T = TypeVar("T")
WINDOW = 1000  # inputs that are looked at before the first batch is made of them
CPU_TOKENS = 1024
GPU_TOKENS = 16_384
_LARGEST = 100_000  # rows of a batch that anybody may ask for


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
    costs: Sequence[int], *, rows: int | None = None, budget: int = CPU_TOKENS, alike: bool = False
) -> list[list[int]]:
    """Group rows, the longest first.

    Args:
        costs: Tokens of each row.
        rows: Rows of a batch; None: as many as the budget allows.
        budget: Tokens of a batch, padding included. A row that is longer runs alone.
        alike: Whether only rows of the very same length may meet.

    Example:
        >>> batches([3, 9, 4, 1], budget=8)
        [[1], [2, 0], [3]]
    """
    groups: list[list[int]] = []
    width = room = 0
    for index in sorted(range(len(costs)), key=lambda index: -costs[index]):
        if room == 0 or (alike and costs[index] != width):
            groups.append([])
            width = costs[index]
            room = rows or max(1, budget // max(1, width))
        groups[-1].append(index)
        room -= 1
    return groups
