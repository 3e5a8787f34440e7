"""Run a task over rows from … to, here or in other processes, into Arrow files."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.executor import Executor
from reprise.data.features import Features
from reprise.data.frame import WINDOW, Frame, rows_only
from reprise.data.local_executor import Local
from reprise.data.mapped import open_arrow
from reprise.data.memory import Budget
from reprise.data.progress import Advance, row_meter
from reprise.data.row_numbers import RowNumbers
from reprise.data.task import Calls, Task
from reprise.data.types import arrow_of
from reprise.data.writer import BUFFER, Writer

if TYPE_CHECKING:
    from reprise.data.stored import Stored

_WINDOW_BYTES = 256 << 20  # of rows looked at together, if nobody asks for less
_FIRST = 256  # rows looked at first, when memory is short and nobody knows what they become


@dataclass(frozen=True)
class Shard:
    """One piece of work: rows start … stop of a frame, into a file. It travels to a worker.

    Attributes:
        op: map or filter.
        width: How many rows are looked at together.
        memory: Bytes that this piece may take; None for no limit.
    """

    op: str
    frame: Frame
    task: Task
    start: int
    stop: int
    width: int
    path: str
    memory: int | None = None

    def __call__(self, advance: Advance) -> str:
        """Do it, and return the path of the file that was written."""
        work = map_rows if self.op == "map" else filter_rows
        work(self, advance)
        return self.path


@dataclass(frozen=True)
class Place:
    """Where a task runs.

    Attributes:
        executor: Runs its pieces.
        memory: Bytes that all of them together may take; None for no limit.
    """

    executor: Executor
    memory: int | None = None


def run_map(frame: Frame, task: Task, path: Path, place: Place) -> None:
    """Write the new and changed columns of all rows to a file."""
    _run("map", frame, task, path, place)


def run_filter(frame: Frame, task: Task, path: Path, place: Place) -> None:
    """Write the numbers of the rows that a filter keeps to a file, as column `row`."""
    _run("filter", frame, task, path, place)


def _run(op: str, frame: Frame, task: Task, path: Path, place: Place) -> None:
    width, executor = task.window_size(frame.size), place.executor
    ranges = _ranges(frame.size, executor.workers, width)
    share = None if place.memory is None else place.memory // len(ranges)
    shards = [
        Shard(op, frame, task, start, stop, width, str(path.with_suffix(f".{start}.part")), share)
        for start, stop in ranges
    ]
    with row_meter(f"{op} {task.name}", frame.size) as advance:
        if len(shards) == 1 and (executor.is_here or isinstance(executor, Local)):
            replace(shards[0], path=str(path))(advance)
            return
        try:
            if not executor.is_here:
                grounded = _on_disk(frame, path)
                shards = [replace(shard, frame=grounded) for shard in shards]
            executor.run(shards, advance)
            _join(frame, task, shards, path)
        finally:
            for part in path.parent.glob(f"{path.stem}.*.part"):
                part.unlink(missing_ok=True)


def _on_disk(frame: Frame, path: Path) -> Frame:
    """Put the tables of a frame where other processes can map them."""
    known: dict[int, Stored] = {}
    for number, group in enumerate(frame.groups):
        if id(group.stored) not in known:
            target = path.with_suffix(f".in{number}.part")
            known[id(group.stored)] = group.stored.on_disk(target)
    groups = tuple(replace(group, stored=known[id(group.stored)]) for group in frame.groups)
    return replace(frame, groups=groups)


def _ranges(size: int, workers: int, width: int) -> list[tuple[int, int]]:
    """Cut rows into a range per worker, at the bounds of batches: results must not change."""
    batches = -(-size // width)
    workers = max(1, min(workers, batches))
    bounds = [min(size, (batches * n // workers) * width) for n in range(workers + 1)]
    return list(pairwise(bounds))


def _join(frame: Frame, task: Task, shards: list[Shard], path: Path) -> None:
    if shards[0].op == "filter":
        with RowNumbers(path) as kept:
            for shard in shards:
                kept.add(open_arrow(Path(shard.path))["row"].to_numpy())
        return
    writer = _writer(path, frame, task, _waiting(shards[0].memory))
    try:
        for shard in shards:
            table = open_arrow(Path(shard.path)).replace_schema_metadata(None)
            if not table.num_columns:
                table = rows_only(shard.stop - shard.start)
            for batch in table.to_batches() if table.num_columns else [table]:
                writer.write(pa.table(batch) if isinstance(batch, pa.RecordBatch) else batch)
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def map_rows(shard: Shard, advance: Advance) -> None:
    """Call a function on rows and write what it returns.

    Raises:
        Exception: Whatever the function raises; nothing is left behind.
    """
    frame, task = shard.frame, shard.task
    writer = _writer(Path(shard.path), frame, task, _waiting(shard.memory))
    try:
        _each_window(shard, advance, lambda answers: _write(answers, frame, task, writer))
        writer.close()
    except BaseException:
        writer.abandon()
        raise


def filter_rows(shard: Shard, advance: Advance) -> None:
    """Call a function on rows and write the numbers of those it keeps."""
    with RowNumbers(Path(shard.path)) as kept:

        def note(answers: Any) -> int:
            kept.add(np.flatnonzero(answers.flags(shard.task)) + answers.first_row)
            return 0

        _each_window(shard, advance, note)


def _each_window(shard: Shard, advance: Advance, use: Callable[[Any], int]) -> None:
    """Call a function on window after window; `use` returns the bytes that the answers take."""
    task = shard.task
    seen = task.input_columns or task.seen
    needed = shard.frame if seen is None else shard.frame.only(seen)
    budget = None if shard.memory is None else Budget.of(shard.memory)
    if budget is not None:
        needed = needed.keeping(budget.pages)
    calls, start, width = Calls(task), shard.start, _first_width(shard, needed, budget)
    while start < shard.stop:
        table = needed.window(start, min(width, shard.stop - start))
        made = use(calls.run(table, needed.features, start))
        last = start + table.num_rows
        if budget is not None:
            budget.check(task.name, start, last - 1)
            if not task.batched:
                row_bytes = (table.nbytes + made) / max(table.num_rows, 1)
                width = _next_width(width, budget.window, row_bytes)
        start = last
        advance(table.num_rows)


def _first_width(shard: Shard, frame: Frame, budget: Budget | None) -> int:
    """Return how many rows to look at first; batches are what they were asked to be."""
    if shard.task.batched:
        return shard.width
    if budget is None:
        return frame.rows_within(_WINDOW_BYTES, shard.width)
    return frame.rows_within(budget.window, _FIRST)


def _next_width(width: int, wanted: int, row_bytes: float) -> int:
    fitting = int(wanted / max(row_bytes, 1.0))
    return max(1, min(fitting, 2 * width, WINDOW))


def _waiting(memory: int | None) -> int:
    return BUFFER if memory is None else min(BUFFER, Budget(memory, 0).waiting)


def _write(answers: Any, frame: Frame, task: Task, writer: Writer) -> int:
    table = answers.table(task)
    size = answers.window.table.num_rows
    if table is None or not table.num_columns:
        table = rows_only(size)
    if table.num_rows != size:
        _check_resized(table, frame, task)
    writer.write(table)
    return int(table.nbytes)


def _check_resized(table: pa.Table, frame: Frame, task: Task) -> None:
    left = [n for n in frame.columns if n not in table.column_names and n not in task.removed]
    if left:
        raise InvalidInput(
            f"{task.name} returned {table.num_rows} rows for a batch of another size, but columns "
            f"{', '.join(left)} keep their rows.",
            hint="Pass remove_columns=dataset.column_names when a batch changes its size.",
        )


def _backfill(frame: Frame) -> Callable[[str, int, int], pa.Array]:
    def fill(name: str, start: int, length: int) -> pa.Array:
        if name not in frame.features:
            return pa.nulls(length)
        return frame.only([name]).window(start, length)[name].combine_chunks()

    return fill


def _writer(path: Path, frame: Frame, task: Task, most: int) -> Writer:
    def annotate(schema: pa.Schema) -> pa.Schema:
        """Say what the columns hold, where their types alone do not."""
        features = Features.from_arrow_schema(schema)
        for name in features:
            stated = (task.features or Features()).get(name) or frame.features.get(name)
            if stated is not None and arrow_of(stated) == schema.field(name).type:
                features[name] = stated
        return schema.with_metadata(features.metadata)

    return Writer(path, _backfill(frame), annotate, step=task.name, most=most)
