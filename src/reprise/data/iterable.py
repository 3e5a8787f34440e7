"""Streams: rows that are read while they are iterated, with exact resume."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data import casting
from reprise.data.features import Features
from reprise.data.formats import check_name
from reprise.data.frame import Frame
from reprise.data.mixing import Generated, Interleaved
from reprise.data.reading import Format, Readable
from reprise.data.sources import memory
from reprise.data.sources.files import read_files
from reprise.data.splitting import shard_of
from reprise.data.streams import (
    Cut,
    Following,
    Mapped,
    Mixed,
    Shards,
    Sliced,
    Stage,
    Strided,
    filtering,
    mapping,
)
from reprise.data.task import Task

_BUFFER = 1000


@dataclass(frozen=True)
class _Plan:
    """Stages, and what leaves them."""

    stage: Stage
    features: Callable[[], Features | None]
    format: Format = field(default_factory=Format)
    epoch: int = 0


class IterableDataset:
    """A stream of rows. Methods return other streams; nothing is read before iteration.

    `state_dict()` says where the last iteration is, in a few numbers; a stream that is built the
    same way goes on there after `load_state_dict`: every row comes once, shuffled or not.

    Where torch is imported it is an iterable data set of torch's, too: a `DataLoader` takes it, and
    each of its workers reads its own part.
    """

    def __new__(cls, *_: Any) -> "IterableDataset":
        """Make one that torch knows, where torch is in use."""
        known = "torch" in sys.modules and cls is IterableDataset
        return super().__new__(_of_torch() if known else cls)

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._is_a_part = False
        self._start: dict[str, Any] = {"epoch": plan.epoch, "cursor": None, "row": 0}
        self._state = dict(self._start)

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Iterable[Mapping[str, Any]]],
        features: Features | None = None,
        gen_kwargs: Mapping[str, Any] | None = None,
    ) -> "IterableDataset":
        """Make a stream of the rows that a generator function yields, called in each iteration.

        To go on in the middle, the function is called again and what came before is passed over:
        it must yield the same rows every time.
        """
        make = partial(generator, **(gen_kwargs or {}))
        return cls(_Plan(Generated(make, features), lambda: features))

    @property
    def features(self) -> Features | None:
        """What the columns hold, where that is known before reading."""
        return self._plan.features()

    @property
    def column_names(self) -> list[str] | None:
        """The columns, where they are known before reading."""
        return None if self.features is None else list(self.features)

    @property
    def n_shards(self) -> int:
        """How many pieces it is read from."""
        stage: Any = self._plan.stage
        while not hasattr(stage, "pieces"):
            stage = stage.stages[0] if hasattr(stage, "stages") else stage.before
        return int(stage.pieces)

    num_shards = n_shards

    def __iter__(self) -> Iterator[Any]:
        self._take_part()
        for table, first in self._tables():
            shown = Readable(Frame.of(table), self._plan.format)
            for number, row in enumerate(shown, first):
                self._state["row"] = number + 1
                yield row

    def iter(self, batch_size: int, drop_last_batch: bool = False) -> Iterator[Any]:
        """Yield batches."""
        if batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more, not {batch_size}.")
        self._take_part()
        begin = self._begun()
        start = [begin["cursor"], begin["row"]]
        for place, table in Cut(self._plan.stage, batch_size).chunks(start, begin["epoch"]):
            if drop_last_batch and table.num_rows < batch_size:
                return
            cursor, gone = place
            row = gone + table.num_rows  # may lie in a later table, which going on allows for
            self._state = {"epoch": begin["epoch"], "cursor": cursor, "row": row}
            frame = self._plan.format.columns_of(self._framed(table))
            yield self._plan.format.batch(frame.table(), frame.features)

    def state_dict(self) -> dict[str, Any]:
        """Return where the last iteration is: small, and made of plain values."""
        return dict(self._state)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where a stream that was built the same way had been.

        Raises:
            InvalidInput: It is no state of a stream.
        """
        if set(state_dict) != {"epoch", "cursor", "row"} or not isinstance(state_dict["row"], int):
            raise InvalidInput("This is no state of a stream; pass what state_dict() returned.")
        self._start = dict(state_dict)
        self._state = dict(state_dict)

    def set_epoch(self, epoch: int) -> None:
        """Draw another order from the same seed, for the next iteration."""
        self._plan = replace(self._plan, epoch=epoch)
        self._start = {"epoch": epoch, "cursor": None, "row": 0}
        self._state = dict(self._start)

    def map(  # noqa: PLR0913 - the arguments that users of `datasets` know
        self, function: Callable[..., Any] | None = None, with_indices: bool = False,
        input_columns: str | Sequence[str] | None = None, batched: bool = False,
        batch_size: int | None = 1000,
        *, remove_columns: str | Sequence[str] | None = None, features: Features | None = None,
        fn_kwargs: Mapping[str, Any] | None = None,
    ) -> "IterableDataset":  # fmt: skip
        """Call a function on every row, or batch, as it passes."""
        removed = _listed(remove_columns)
        if function is None:
            return self.remove_columns(removed)
        task = Task(function, batched, batch_size, with_indices, tuple(_listed(input_columns)),
                    fn_kwargs or {}, tuple(removed), features)  # fmt: skip
        before = Cut(self._plan.stage, batch_size) if batched and batch_size else self._plan.stage
        return self._through(before, self._on_tables(mapping, task), lambda: features)

    def filter(
        self, function: Callable[..., Any], with_indices: bool = False,
        input_columns: str | Sequence[str] | None = None, batched: bool = False,
        batch_size: int | None = 1000,
        *, fn_kwargs: Mapping[str, Any] | None = None,
    ) -> "IterableDataset":  # fmt: skip
        """Keep the rows for which a function returns something true."""
        task = Task(
            function,
            batched,
            batch_size,
            with_indices,
            tuple(_listed(input_columns)),
            fn_kwargs or {},
        )
        before = Cut(self._plan.stage, batch_size) if batched and batch_size else self._plan.stage
        return self._through(before, self._on_tables(filtering, task), self._plan.features)

    def shuffle(self, seed: int | None = None, *, buffer_size: int = _BUFFER) -> "IterableDataset":
        """Draw the order of the pieces, and of the rows within windows of `buffer_size`."""
        import secrets

        number = secrets.randbits(63) if seed is None else seed
        if buffer_size < 1:
            raise InvalidInput("buffer_size must be 1 or more.")
        stage = _with_drawn_shards(self._plan.stage, number)
        return self._with(Mixed(Cut(stage, buffer_size), number))

    def take(self, n: int) -> "IterableDataset":
        """Keep the first rows."""
        return self._with(Sliced(self._plan.stage, 0, max(n, 0)))

    def skip(self, n: int) -> "IterableDataset":
        """Drop the first rows."""
        return self._with(Sliced(self._plan.stage, max(n, 0), None))

    def shard(self, num_shards: int, index: int) -> "IterableDataset":
        """Return one of several parts: whole pieces if they divide evenly, else every n-th row."""
        shard_of(num_shards, num_shards, index, contiguous=True)
        stage = self._plan.stage
        if isinstance(stage, Shards) and len(stage.readers) % num_shards == 0:
            return self._with(replace(stage, readers=stage.readers[index::num_shards]))
        return self._with(Strided(stage, num_shards, index))

    def select_columns(self, column_names: str | Sequence[str]) -> "IterableDataset":
        """Keep some columns."""
        names = _listed(column_names)
        return self._on_frames(lambda frame: frame.only(names))

    def remove_columns(self, column_names: str | Sequence[str]) -> "IterableDataset":
        """Drop columns."""
        names = _listed(column_names)
        return self._on_frames(lambda frame: frame.without(names))

    def rename_column(self, original_column_name: str, new_column_name: str) -> "IterableDataset":
        """Give a column another name."""
        return self.rename_columns({original_column_name: new_column_name})

    def rename_columns(self, column_mapping: Mapping[str, str]) -> "IterableDataset":
        """Give columns other names."""
        return self._on_frames(lambda frame: frame.renamed(column_mapping))

    def cast_column(self, column: str, feature: Any) -> "IterableDataset":
        """Make a column hold another feature."""
        return self._on_frames(lambda frame: casting.cast(frame, {column: feature}))

    def cast(self, features: Features) -> "IterableDataset":
        """Make the columns hold other features."""
        return self._on_frames(lambda frame: casting.cast(frame, features).only(list(features)))

    def batch(self, batch_size: int, drop_last_batch: bool = False) -> "IterableDataset":
        """Make one row of every `batch_size` rows."""
        if batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more, not {batch_size}.")

        def together(table: pa.Table, _row: int) -> pa.Table:
            if drop_last_batch and table.num_rows < batch_size:
                table = table.slice(0, 0)
            return casting.batched(self._framed(table), batch_size).table()

        return self._through(Cut(self._plan.stage, batch_size), together, lambda: None)

    def with_format(
        self,
        type: str | None = None,  # noqa: A002 - the name that users of `datasets` know
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> "IterableDataset":
        """Return rows as "numpy", "torch", "pandas", "polars", "arrow" or, None, as Python."""
        chosen = Format(check_name(type), None if columns is None else tuple(columns), options)
        return IterableDataset(replace(self._plan, format=chosen))

    def __repr__(self) -> str:
        facts = f"features: {self.column_names},\n    num_shards: {self.n_shards}"
        return f"IterableDataset({{\n    {facts}\n}})"

    def _take_part(self) -> None:
        """In a worker of torch's DataLoader, which has a copy of its own, keep one part."""
        if self._is_a_part or "torch" not in sys.modules:
            return
        info = import_module("torch.utils.data").get_worker_info()
        if info is not None:
            self._plan = self.shard(info.num_workers, info.id)._plan  # noqa: SLF001 - its own class
            self._is_a_part = True

    def _tables(self) -> Iterator[tuple[pa.Table, int]]:
        """Yield tables and how many rows of them were taken before."""
        begin = self._begun()
        skipped = begin["row"]
        for cursor, table in self._plan.stage.chunks(begin["cursor"], begin["epoch"]):
            if skipped >= table.num_rows > 0:
                skipped -= table.num_rows
                continue
            self._state = {"epoch": begin["epoch"], "cursor": cursor, "row": skipped}
            yield self._framed(table).table().slice(skipped), skipped
            skipped = 0

    def _begun(self) -> dict[str, Any]:
        """Return where to start; the iteration after this one starts at the beginning."""
        begin, self._start = self._start, {"epoch": self._plan.epoch, "cursor": None, "row": 0}
        return begin

    def _framed(self, table: pa.Table) -> Frame:
        known = self._plan.features()
        frame = Frame.of(table)
        if known is None or not set(frame.features) <= set(known):
            return frame
        return casting.cast(frame, {name: known[name] for name in frame.features})

    def _on_tables(self, make: Any, task: Task) -> Callable[[pa.Table, int], pa.Table]:
        def change(table: pa.Table, row: int) -> pa.Table:
            frame = self._framed(table)
            changed: pa.Table = make(task, frame.features)(frame.table(), row)
            return changed

        return change

    def _on_frames(self, change: Callable[[Frame], Frame]) -> "IterableDataset":
        def on_table(table: pa.Table, _row: int) -> pa.Table:
            return change(self._framed(table)).table()

        def features() -> Features | None:
            known = self._plan.features()
            return (
                None
                if known is None
                else change(memory.from_table(known.arrow_schema.empty_table())).features
            )

        return self._through(self._plan.stage, on_table, features)

    def _through(
        self,
        before: Stage,
        change: Callable[[pa.Table, int], pa.Table],
        features: Callable[[], Features | None],
    ) -> "IterableDataset":
        return IterableDataset(replace(self._plan, stage=Mapped(before, change), features=features))

    def _with(self, stage: Stage) -> "IterableDataset":
        return IterableDataset(replace(self._plan, stage=stage))


@cache
def _of_torch() -> type[IterableDataset]:
    base = import_module("torch.utils.data").IterableDataset
    return type("IterableDataset", (IterableDataset, base), {"__module__": __name__})


def stream_of(frame: Frame, num_shards: int = 1) -> IterableDataset:
    """Return a stream of the rows of a frame, in some pieces."""
    parts = [
        frame.pick(shard_of(frame.size, num_shards, n, contiguous=True)) for n in range(num_shards)
    ]
    readers = tuple((lambda part=part: part) for part in parts)
    return IterableDataset(_Plan(Shards(readers), lambda: frame.features))


def stream_files(
    kind: str,
    files: Sequence[Callable[[], Path]],
    options: Mapping[str, Any],
    features: Features | None,
) -> IterableDataset:
    """Return a stream of files, each fetched and read when its turn comes."""

    def reader(fetch: Callable[[], Path]) -> Callable[[], Frame]:
        return lambda: read_files(kind, fetch(), None, options)

    return IterableDataset(_Plan(Shards(tuple(map(reader, files))), lambda: features))


def concatenate_streams(streams: Sequence[IterableDataset]) -> IterableDataset:
    """Put streams one after the other."""
    first = streams[0]._plan  # noqa: SLF001 - its own class
    return IterableDataset(replace(first, stage=Following(tuple(s._plan.stage for s in streams))))  # noqa: SLF001


def interleave_streams(
    streams: Sequence[IterableDataset], probabilities: Sequence[float] | None, seed: int,
    stopping: str,
) -> IterableDataset:  # fmt: skip
    """Take rows of streams in turns, or drawn with probabilities."""
    first = streams[0]._plan  # noqa: SLF001 - its own class
    stages = tuple(s._plan.stage for s in streams)  # noqa: SLF001
    chances = None if probabilities is None else tuple(probabilities)
    return IterableDataset(replace(first, stage=Interleaved(stages, chances, seed, stopping)))


def _with_drawn_shards(stage: Stage, seed: int) -> Stage:
    if isinstance(stage, Shards):
        return replace(stage, seed=seed)
    before = getattr(stage, "before", None)
    if before is None or isinstance(stage, Sliced | Strided):
        return stage
    return replace(stage, before=_with_drawn_shards(before, seed))  # type: ignore[type-var]


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)
