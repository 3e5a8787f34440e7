"""Sorting rows that do not go into memory: sorted runs in files, cut at splitters, sorted again.

Every comparison is made by the same function of Arrow as in memory, so that null, NaN, directions
and equal rows come out the same. The last key is the number of the row: no two rows are equal, and
the parts between splitters are of about the same size whatever the values are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.frame import Frame
from reprise.data.mapped import Opened, open_mapped
from reprise.data.permutation import Indices

_SPARSE = 512  # one of so many sorted rows is a sample
_RUN_ROWS = 1 << 22
_PART = 16  # a run takes so small a part of the memory: it is sorted, taken and written

# Returns the order of a table's rows: keys k0, k1 … and `row`.
Sort = Callable[[pa.Table], pa.Array]


@dataclass(frozen=True)
class _Run:
    """Sorted rows in a file, and every n-th of them."""

    opened: Opened
    samples: pa.Table

    @property
    def table(self) -> pa.Table:
        return self.opened.table


def sorted_in_files(keys: Frame, sort: Sort, memory: int, folder: Path) -> Path:
    """Sort, and return a file of row numbers, 8 bytes each.

    Args:
        keys: The columns to sort by.
        sort: Sorts a table of keys.
        memory: Bytes that may be taken.
        folder: Where files go; it must exist.
    """
    step = max(_SPARSE, int(keys.size * keys.row_bytes * 4 / memory))
    runs = list(_runs(keys, sort, memory // _PART, folder, step))
    samples = pa.concat_tables([
        run.samples.append_column("run", pa.array(np.full(len(run.samples), number)))
        for number, run in enumerate(runs)
    ])  # fmt: skip
    samples = samples.take(sort(samples))
    path = folder / "order"
    with path.open("wb") as file:
        starts = np.zeros(len(runs), np.int64)
        for chosen in [*_chosen(len(samples), len(runs)), None]:
            stops = _stops(runs, samples, chosen, sort, step)
            file.write(_part(runs, starts, stops, sort).data)
            starts = stops
    pa.default_memory_pool().release_unused()
    return path


def _runs(keys: Frame, sort: Sort, size: int, folder: Path, step: int) -> Iterator[_Run]:
    """Write rows as sorted runs of about `size` bytes."""
    start = 0
    for number, table in enumerate(keys.windows(keys.rows_within(size, _RUN_ROWS))):
        rows = pa.array(np.arange(start, start + table.num_rows, dtype=np.int64))
        named = pa.table([*table.columns, rows], names=[*_names(table), "row"])
        ordered = named.take(sort(named))
        path = folder / f"run-{number}.arrow"
        with pa.ipc.new_file(str(path), ordered.schema) as file:
            file.write_table(ordered, max_chunksize=1 << 13)
        every = pa.array(np.arange(step - 1, table.num_rows, step))
        yield _Run(open_mapped(path), ordered.take(every).combine_chunks())
        start += table.num_rows


def _names(table: pa.Table) -> list[str]:
    return [f"k{number}" for number in range(table.num_columns)]


def _chosen(samples: int, parts: int) -> list[int]:
    """Return which samples are splitters: at even distances among all that were sorted."""
    return sorted({samples * number // parts for number in range(1, parts)} - {samples})


def _stops(
    runs: list[_Run], samples: pa.Table, chosen: int | None, sort: Sort, step: int
) -> Indices:
    """Return, for each run, how many of its rows come no later than a splitter; None is the end."""
    if chosen is None:
        return np.array([len(run.table) for run in runs], np.int64)
    splitter = samples.slice(chosen, 1).drop_columns("run")
    before = samples["run"].slice(0, chosen + 1).to_numpy()
    counts = np.bincount(before, minlength=len(runs)) * step
    found = np.empty(len(runs), np.int64)
    for number, run in enumerate(runs):
        near = run.table.slice(int(counts[number]), step)  # the splitter lies among these
        place = sort(pa.concat_tables([near, splitter])).to_numpy()
        found[number] = counts[number] + np.flatnonzero(place == len(near))[0]
        run.opened.release()
    return found


def _part(runs: list[_Run], starts: Indices, stops: Indices, sort: Sort) -> Indices:
    """Return the numbers of the rows from … to of all runs, sorted."""
    parts = []
    for run, start, stop in zip(runs, starts.tolist(), stops.tolist(), strict=True):
        for batch in run.table.slice(start, stop - start).to_batches():
            rows = pa.array(np.arange(batch.num_rows))
            parts.append(pa.Table.from_batches([batch.take(rows)]))  # a copy: its pages can go
        run.opened.release()
    together = pa.concat_tables(parts)
    numbers: Indices = together["row"].to_numpy()[sort(together).to_numpy()]
    return np.ascontiguousarray(numbers)
