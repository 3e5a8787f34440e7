"""The order of rows by columns: in memory, or in files where memory is too small."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.frame import Frame
from reprise.data.selection import Picked, Selection, picked
from reprise.data.sorting_files import sorted_in_files
from reprise.data.store import Store

_PLACES = {"at_end": "at_end", "last": "at_end", "at_start": "at_start", "first": "at_start"}


@dataclass(frozen=True)
class Order:
    """What to sort by.

    Attributes:
        names: Columns, the most important first.
        falling: For each, whether the largest comes first.
        nulls: at_end or at_start.
    """

    names: tuple[str, ...]
    falling: tuple[bool, ...]
    nulls: str = "at_end"

    def __post_init__(self) -> None:
        if self.nulls not in _PLACES:
            raise InvalidInput(f"null_placement is 'at_end' or 'at_start', not {self.nulls!r}.")
        object.__setattr__(self, "nulls", _PLACES[self.nulls])

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """The form that Arrow takes."""
        last = () if self.nulls == "at_end" else ("at_start",)  # at the end they go by themselves
        return [
            (name, "descending" if falls else "ascending", *last)
            for name, falls in zip(self.names, self.falling, strict=True)
        ]

    def numbered(self, keys: Frame) -> Callable[[pa.Table], pa.Array]:
        """Return what sorts a table of these columns, named k0, k1 …, and at last by `row`."""
        listed = [(f"k{keys.columns.index(name)}", *rest) for name, *rest in self.keys]
        return lambda table: _sorted(table, [*listed, ("row", "ascending")])


def rows_in_order(frame: Frame, order: Order) -> Selection:
    """Return the rows sorted by columns; rows that are equal keep their order.

    Raises:
        InvalidInput: A column does not exist, or cannot be sorted by.
    """
    rows = _sorted(_keys(frame, order).table(), order.keys)
    return picked(rows.to_numpy().astype(np.int64), frame.size)


def sorted_within(frame: Frame, order: Order, memory: int, store: Store) -> Frame:
    """Sort with a limit on memory; the order itself is a mapped file, 8 bytes a row.

    Args:
        frame: The rows.
        order: What to sort by.
        memory: Bytes.
        store: Where the files are while they are needed.

    Raises:
        InvalidInput: A column does not exist, or cannot be sorted by.
    """
    keys, kept = _keys(frame, order), frame.keeping(memory // 8)
    if 3 * (keys.row_bytes + 16) * frame.size < memory:
        return kept.pick(rows_in_order(frame, order))
    folder = store.staging().with_suffix(".sorting")
    folder.mkdir()
    try:
        path = sorted_in_files(keys.keeping(memory // 8), order.numbered(keys), memory, folder)
        rows = np.memmap(path, np.int64, "r")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return kept.pick(Picked(rows))


def _keys(frame: Frame, order: Order) -> Frame:
    frame.check(order.names)
    return frame.only(list(dict.fromkeys(order.names)))


def _sorted(table: pa.Table, keys: list[tuple[str, ...]]) -> pa.Array:
    try:
        return pc.sort_indices(table, sort_keys=keys)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InvalidInput(f"These columns cannot be sorted by: {error}.") from None
