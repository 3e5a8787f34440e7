"""Steps that compute: run a task over a frame, keep its results, remember what was done and why."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput
from reprise.data.features import Features
from reprise.data.frame import Frame, Group
from reprise.data.identity import parts_of
from reprise.data.mapped import Opened, open_mapped
from reprise.data.running import Place, run_filter, run_map
from reprise.data.selection import Picked, picked, whole
from reprise.data.store import Recipe, Store
from reprise.data.stored import Stored
from reprise.data.task import Task

_TOGETHER = 64 << 20  # bytes written at once


@dataclass(frozen=True)
class Step:
    """What one step did.

    Attributes:
        op: map or filter.
        name: The function's name.
        reused: Whether its result was in the store.
        reason: Why it was not.
        seconds: What it took, wall clock.
        bytes: What its result takes in the store.
        key: Of the result.
    """

    op: str
    name: str
    reused: bool
    reason: str
    seconds: float
    bytes: int
    key: str

    def __str__(self) -> str:
        what = "reused" if self.reused else self.reason
        return f"{self.op}({self.name}): {what}; {self.seconds:.2f} s, {self.bytes} bytes stored"


@dataclass(frozen=True)
class Keeping:
    """Whether and under which key a step's result is kept.

    Attributes:
        store: Where.
        cache: False to compute it now and keep nothing.
        reuse: False to compute it again even though it is there.
        key: Given by the caller in place of the function's own description.
    """

    store: Store
    cache: bool = True
    reuse: bool = True
    key: str | None = None

    def recipe(self, op: str, frame: Frame, task: Task) -> Recipe | None:
        """Describe a step; None when nothing is kept.

        Raises:
            InvalidInput: The function cannot be described.
        """
        if not self.cache:
            return None
        if self.key is None:
            parts = parts_of(task.function)
            parts |= {
                f"argument {n}: {k}": v
                for n in task.kwargs
                for k, v in parts_of(_Argument(task.kwargs[n])).items()
            }
        else:
            parts = {"key": sha256_hex(self.key.encode())}
        parts["parameters"] = sha256_hex(canonical_json(task.parameters()))
        return Recipe(op, task.name, frame.identity, parts, frame.label)


class _Argument:
    """Wraps an argument, so that it is described like everything else that a function reaches."""

    def __init__(self, value: Any) -> None:
        self.value = value


def map_frame(frame: Frame, task: Task, keeping: Keeping, place: Place) -> tuple[Frame, Step]:
    """Run a function over all rows; store what is new or changed, and nothing else."""
    frame.check([*task.removed, *task.input_columns])

    def make(path: Path) -> None:
        run_map(frame, task, path, place)

    opened, step = _made("map", frame, task, keeping, make)
    table, stored = opened.table, _stored(opened, step, keeping.store, frame.label)
    features = Features.from_arrow_schema(table.schema)
    names = {name: name for name in features}
    groups = (Group(stored, whole(table.num_rows), names),) if names else ()
    kept = frame.without([name for name in task.removed if name not in features])
    if not names:
        return kept, step  # the function returned nothing new
    if table.num_rows != frame.size:
        return Frame(features, groups, table.num_rows), step
    return kept.joined(Frame(features, groups, table.num_rows)), step


def filter_frame(frame: Frame, task: Task, keeping: Keeping, place: Place) -> tuple[Frame, Step]:
    """Keep the rows for which a function says yes; what is stored is their numbers."""
    frame.check(task.input_columns)

    def make(path: Path) -> None:
        run_filter(frame, task, path, place)

    opened, step = _made("filter", frame, task, keeping, make)
    rows = opened.table["row"].to_numpy() if opened.table.num_rows else np.array([], np.int64)
    return frame.pick(picked(rows, frame.size) if len(rows) else Picked(rows)), step


def written(frame: Frame, store: Store) -> tuple[Frame, Step]:
    """Write rows in their present order, so that reading them is reading in a row."""
    task = Task(written)
    keeping = Keeping(store, key=frame.identity)

    def make(path: Path) -> None:
        schema = frame.features.arrow_schema
        with pa.ipc.new_file(str(path), schema) as file:
            for table in frame.windows(frame.rows_within(_TOGETHER, 1 << 16)):
                file.write_table(
                    table.cast(schema.remove_metadata()).replace_schema_metadata(schema.metadata)
                )

    opened, step = _made("write", frame, task, keeping, make)
    stored = _stored(opened, step, store, frame.label)
    group = Group(stored, whole(frame.size), {name: name for name in frame.columns})
    return Frame(frame.features, (group,), frame.size), step


def _made(
    op: str, frame: Frame, task: Task, keeping: Keeping, make: Callable[[Path], None]
) -> tuple[Opened, Step]:
    """Find a step's result, or make it; a result that is not kept lives in an unnamed file."""
    started, recipe = time.perf_counter(), keeping.recipe(op, frame, task)
    store = keeping.store
    if recipe and keeping.reuse and (found := store.find(recipe.key)) is not None:
        size = store.path(recipe.key).stat().st_size
        return found, Step(op, task.name, True, "", time.perf_counter() - started, size, recipe.key)
    reason = store.why(recipe) if recipe else "not kept: cache=False"
    staged = store.staging()
    try:
        make(staged)
        size = staged.stat().st_size
        opened = store.keep(recipe, staged) if recipe else open_mapped(staged)
    finally:
        staged.unlink(missing_ok=True)
    key = recipe.key if recipe else ""
    return opened, Step(op, task.name, False, reason, time.perf_counter() - started, size, key)


def _stored(opened: Opened, step: Step, store: Store, label: str) -> Stored:
    path = store.path(step.key) if step.key else None
    table = opened.table.replace_schema_metadata(None)
    return Stored(table, step.key, path, opened.mappings, label)


def check_removed(frame: Frame, names: Any) -> tuple[str, ...]:
    """Read `remove_columns`: a name or several.

    Raises:
        InvalidInput: A column does not exist.
    """
    if names is None:
        return ()
    listed = [names] if isinstance(names, str) else list(names)
    if not all(isinstance(name, str) for name in listed):
        raise InvalidInput(f"Columns are named by texts, not {listed!r}.")
    frame.check(listed)
    return tuple(listed)
