"""A data set: columns and an order of rows, immutable. Every method returns another one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data import casting, joining, splitting, steps
from reprise.data.dataset_dict import DatasetDict
from reprise.data.encode import column as encoded
from reprise.data.executor import Executor
from reprise.data.features import Features
from reprise.data.formats import check_name
from reprise.data.frame import Frame
from reprise.data.iterable import IterableDataset, concatenate_streams, interleave_streams
from reprise.data.local_executor import executor_for
from reprise.data.making import Makers
from reprise.data.memory import bytes_of
from reprise.data.permutation import Permutation
from reprise.data.places import default_store
from reprise.data.reading import Format, Readable
from reprise.data.running import Place
from reprise.data.selection import Picked, Shuffled, Span, picked
from reprise.data.shuffling import shuffled_blocks
from reprise.data.sorting import Order, rows_in_order, sorted_within
from reprise.data.steps import Keeping, Step
from reprise.data.store import Store
from reprise.data.task import Task
from reprise.data.types import ClassLabel, Value
from reprise.data.writing import Writes

_SEEDS = 2**63


class Dataset(Readable, Makers, Writes):
    """Rows and columns, on disk or in memory, with the methods that users of `datasets` know.

    Selecting, sorting and shuffling copy nothing; `map` stores what is new or changed and nothing
    else. `explain()` says what was computed, what was reused, and why.
    """

    def __init__(
        self,
        frame: Frame,
        *,
        format_: Format | None = None,
        store: Store | None = None,
        history: tuple[Step, ...] = (),
        split: str | None = None,
    ) -> None:
        super().__init__(frame, format_ or Format())
        self._store = store
        self.history = history
        self.split = split

    # -- what it is -----------------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        """Columns and order, without a format."""
        return self._frame

    @property
    def features(self) -> Features:
        """What the columns hold."""
        return self._frame.features

    @property
    def column_names(self) -> list[str]:
        """The names of the columns."""
        return self._frame.columns

    @property
    def num_rows(self) -> int:
        """How many rows."""
        return self._frame.size

    @property
    def num_columns(self) -> int:
        """How many columns."""
        return len(self._frame.features)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.num_rows, self.num_columns

    @property
    def identity(self) -> str:
        """Digest of columns, rows and their order: what results are filed under."""
        return self._frame.identity

    @property
    def format(self) -> dict[str, Any]:
        """How rows are returned."""
        columns = self._shown.columns
        return {
            "type": self._format.name,
            "columns": columns,
            "format_kwargs": dict(self._format.options),
        }

    def explain(self) -> str:
        """Say, step by step, what was computed or reused, and why."""
        return "\n".join(map(str, self.history)) or "Nothing was computed."

    def __repr__(self) -> str:
        return f"Dataset({{\n    features: {self.column_names},\n    num_rows: {self.num_rows}\n}})"

    # -- rows -----------------------------------------------------------------------------------

    def select(self, indices: Any) -> "Dataset":
        """Keep rows by number, in the order given."""
        if isinstance(indices, range):
            if len(indices) and (indices[0] < 0 or max(indices[0], indices[-1]) >= self.num_rows):
                raise InvalidInput(f"{indices} reaches beyond the {self.num_rows} rows.")
            return self._with(self._frame.pick(Span(indices.start, len(indices), indices.step)))
        rows = np.asarray(list(indices) if isinstance(indices, Iterator) else indices)
        if rows.size and rows.dtype.kind not in "iu":
            raise InvalidInput("Rows are selected by whole numbers.")
        return self._with(self._frame.pick(picked(rows.astype(np.int64), self.num_rows)))

    def take(self, n: int) -> "Dataset":
        """Keep the first rows."""
        return self.select(range(min(max(n, 0), self.num_rows)))

    def skip(self, n: int) -> "Dataset":
        """Drop the first rows."""
        return self.select(range(min(max(n, 0), self.num_rows), self.num_rows))

    def repeat(self, num_times: int) -> "Dataset":
        """Return all rows several times over."""
        rows = np.tile(np.arange(self.num_rows, dtype=np.int64), max(num_times, 0))
        return self._with(self._frame.pick(Picked(rows)))

    def shuffle(
        self,
        seed: int | None = None,
        *,
        epoch: int = 0,
        generator: np.random.Generator | None = None,
        max_memory: int | str | None = None,
    ) -> "Dataset":
        """Put the rows into a drawn order, which is computed and never stored.

        The same seed and epoch give the same order on every machine; to go on in the middle,
        shuffle again and skip what was seen.

        Args:
            seed: Draws the order.
            epoch: Draws another order from the same seed.
            generator: Draws the seed.
            max_memory: For data that is larger than memory: the most that reading may hold of it,
                in bytes or as "2GB". Blocks of rows are drawn, and then rows within as many
                blocks as go into memory; another amount is another order.
        """
        drawn = generator or np.random.default_rng(seed)
        number = int(drawn.integers(_SEEDS)) if seed is None or generator else seed
        if max_memory is not None:
            return self._with(shuffled_blocks(self._frame, number, epoch, bytes_of(max_memory)))
        return self._with(self._frame.pick(Shuffled(Permutation(self.num_rows, number, epoch))))

    def sort(
        self,
        column_names: str | Sequence[str],
        reverse: bool | Sequence[bool] = False,
        null_placement: str = "at_end",
        *,
        max_memory: int | str | None = None,
    ) -> "Dataset":
        """Sort by one or several columns; rows that are equal keep their order.

        With `max_memory`, in bytes or as "2GB", columns that do not go into memory are sorted in
        files, and no more of the data than that stays in memory when the rows are read.
        """
        names = [column_names] if isinstance(column_names, str) else list(column_names)
        falling = [reverse] * len(names) if isinstance(reverse, bool) else list(reverse)
        if len(falling) != len(names):
            raise InvalidInput(f"reverse has {len(falling)} entries for {len(names)} columns.")
        order = Order(tuple(names), tuple(falling), null_placement)
        if max_memory is None:
            return self._with(self._frame.pick(rows_in_order(self._frame, order)))
        return self._with(sorted_within(self._frame, order, bytes_of(max_memory), self.store))

    def shard(self, num_shards: int, index: int, contiguous: bool = True) -> "Dataset":
        """Return one of several parts of about the same size."""
        part = splitting.shard_of(self.num_rows, num_shards, index, contiguous=contiguous)
        return self._with(self._frame.pick(part))

    def train_test_split(
        self,
        test_size: float | int | None = None,
        train_size: float | int | None = None,
        shuffle: bool = True,
        stratify_by_column: str | None = None,
        seed: int | None = None,
    ) -> DatasetDict:
        """Split the rows in two; sizes are numbers of rows (int) or parts (float)."""
        n_train, n_test = splitting.sizes_of(self.num_rows, test_size, train_size)
        number = seed if seed is not None else int(np.random.default_rng().integers(_SEEDS))
        if stratify_by_column is not None:
            labels = self._frame.only([stratify_by_column]).table()[stratify_by_column]
            train, test = splitting.stratified(labels, (n_train, n_test), number)
            return DatasetDict(train=self.select(train), test=self.select(test))
        rows = self.shuffle(number) if shuffle else self
        if shuffle:
            return DatasetDict(train=rows.skip(n_test).take(n_train), test=rows.take(n_test))
        return DatasetDict(train=rows.take(n_train), test=rows.skip(n_train).take(n_test))

    # -- columns --------------------------------------------------------------------------------

    def select_columns(self, column_names: str | Sequence[str]) -> "Dataset":
        """Keep some columns, in the order given."""
        return self._with(self._frame.only(_listed(column_names)))

    def remove_columns(self, column_names: str | Sequence[str]) -> "Dataset":
        """Drop columns."""
        return self._with(self._frame.without(_listed(column_names)))

    def rename_column(self, original_column_name: str, new_column_name: str) -> "Dataset":
        """Give a column another name."""
        return self.rename_columns({original_column_name: new_column_name})

    def rename_columns(self, column_mapping: Mapping[str, str]) -> "Dataset":
        """Give columns other names."""
        return self._with(self._frame.renamed(column_mapping))

    def add_column(self, name: str, column: Any, feature: Any = None) -> "Dataset":
        """Add a column of as many values as there are rows."""
        if name in self.features:
            raise InvalidInput(f"There is a column {name!r} already.")
        table = pa.table({name: encoded(column, feature, name=name)})
        if feature is not None:
            table = table.cast(Features({name: feature}).arrow_schema)
        return self._with(self._frame.joined(Frame.of(table)))

    def cast(self, features: Mapping[str, Any]) -> "Dataset":
        """Make the columns hold other features; all columns must be named."""
        if set(features) != set(self.features):
            odd = sorted(set(features) ^ set(self.features))
            raise InvalidInput(f"cast() names every column; these differ: {', '.join(odd)}.")
        return self._with(casting.cast(self._frame, features).only(list(features)))

    def cast_column(self, column: str, feature: Any) -> "Dataset":
        """Make a column hold another feature."""
        return self._with(casting.cast(self._frame, {column: feature}))

    def class_encode_column(self, column: str) -> "Dataset":
        """Number the distinct values of a column, sorted, as a ClassLabel."""
        values = splitting.unique_values(self._frame, column)
        names = sorted(str(value) for value in values if value is not None)
        text = (
            self
            if self.features[column] == Value("string")
            else self.cast_column(column, Value("string"))
        )
        return text.cast_column(column, ClassLabel(names=tuple(names)))

    def align_labels_with_mapping(
        self, label2id: Mapping[str, int], label_column: str
    ) -> "Dataset":
        """Number classes as a model does; names are compared without regard to case."""
        old = self.features.get(label_column)
        if not isinstance(old, ClassLabel):
            raise InvalidInput(f"Column {label_column!r} is no ClassLabel.")
        wanted = {name.lower(): number for name, number in label2id.items()}
        if missing := [name for name in old.names if name.lower() not in wanted]:
            raise InvalidInput(f"label2id does not number {missing[0]!r}.")
        ordered = sorted(label2id, key=label2id.__getitem__)
        text = self._frame.only([label_column]).table()[label_column].to_pylist()
        numbers = [
            None if n is None else n if n < 0 else wanted[old.names[n].lower()] for n in text
        ]
        feature = ClassLabel(names=tuple(name.lower() for name in ordered))
        order = self.column_names
        added = self.remove_columns(label_column).add_column(label_column, numbers, feature)
        return added.select_columns(order)

    def flatten(self) -> "Dataset":
        """Turn every struct into a column per field."""
        return self._with(casting.flattened(self._frame))

    def unique(self, column: str) -> list[Any]:
        """Return the distinct values of a column."""
        return splitting.unique_values(self._frame, column)

    # -- functions ------------------------------------------------------------------------------

    def map(  # noqa: PLR0913 - the arguments that users of `datasets` know
        self, function: Callable[..., Any] | None = None, with_indices: bool = False,
        input_columns: str | Sequence[str] | None = None, batched: bool = False,
        batch_size: int | None = 1000, *, remove_columns: str | Sequence[str] | None = None,
        features: Features | None = None, fn_kwargs: Mapping[str, Any] | None = None,
        num_proc: int | None = None, executor: Executor | None = None,
        max_memory: int | str | None = None, key: str | None = None,
        cache: bool = True, load_from_cache_file: bool = True,
    ) -> "Dataset":  # fmt: skip
        """Call a function on every row, or batch of rows, and keep the columns it returns.

        Args:
            function: Takes a row (a dict) and returns a dict of new or changed columns.
            with_indices: Pass the row's number, or the list of numbers, too.
            input_columns: Pass the values of these columns instead of a dict.
            batched: Pass a dict of lists; what comes back may have another length.
            batch_size: Rows in a batch; None for all.
            remove_columns: Drop these columns.
            features: What the new columns hold.
            fn_kwargs: Further arguments.
            num_proc: How many processes.
            executor: Where to run, in place of `num_proc` processes here: `Threads(4)`,
                `RayExecutor()`.
            max_memory: The most that the step may take beyond what is held already, in bytes or
                as "500MB"; all processes together.
            key: Names the result, in place of what the function is made of; change it when the
                function changes.
            cache: False to keep nothing.
            load_from_cache_file: False to compute again.

        Raises:
            Exception: What the function raises, with a note that names the row.
            InvalidInput: Answers of the wrong kind; or something in the function cannot be
                described, see `key` and `cache`.
            TooLarge: More than `max_memory` was needed; the message names the rows.
        """
        removed = steps.check_removed(self._frame, remove_columns)
        if function is None:
            return self._with(self._frame.without(removed))
        task = Task(
            function, batched, batch_size, with_indices, tuple(_listed(input_columns)),
            fn_kwargs or {}, removed, features, self._format.name, self._format.options,
            self._format.columns,
        )  # fmt: skip
        keeping = Keeping(self.store, cache, load_from_cache_file, key)
        place = _place(num_proc, executor, max_memory)
        return self._with(*steps.map_frame(self._frame, task, keeping, place))

    def filter(  # noqa: PLR0913 - the arguments that users of `datasets` know
        self, function: Callable[..., Any], with_indices: bool = False,
        input_columns: str | Sequence[str] | None = None, batched: bool = False,
        batch_size: int | None = 1000, *, fn_kwargs: Mapping[str, Any] | None = None,
        num_proc: int | None = None, executor: Executor | None = None,
        max_memory: int | str | None = None, key: str | None = None,
        cache: bool = True, load_from_cache_file: bool = True,
    ) -> "Dataset":  # fmt: skip
        """Keep the rows for which a function returns something true; arguments as for `map`."""
        task = Task(
            function, batched, batch_size, with_indices, tuple(_listed(input_columns)),
            fn_kwargs or {}, (), None, self._format.name, self._format.options,
            self._format.columns,
        )  # fmt: skip
        keeping = Keeping(self.store, cache, load_from_cache_file, key)
        place = _place(num_proc, executor, max_memory)
        return self._with(*steps.filter_frame(self._frame, task, keeping, place))

    def batch(self, batch_size: int, drop_last_batch: bool = False) -> "Dataset":
        """Make one row of every `batch_size` rows; each column becomes a list."""
        kept = self.num_rows - self.num_rows % batch_size if drop_last_batch else self.num_rows
        if batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more, not {batch_size}.")
        return self._with(casting.batched(self._frame.pick(Span(0, kept)), batch_size))

    def flatten_indices(self) -> "Dataset":
        """Write the rows in their present order, so that reading them is reading in a row."""
        return self._with(*steps.written(self._frame, self.store))

    # -- formats --------------------------------------------------------------------------------

    def with_format(
        self,
        type: str | None = None,  # noqa: A002 - the name that users of `datasets` know
        columns: Sequence[str] | None = None,
        **options: Any,
    ) -> "Dataset":
        """Return rows as "numpy", "torch", "pandas", "polars", "arrow" or, None, as Python."""
        if columns is not None:
            self._frame.check(columns)
        chosen = None if columns is None else tuple(columns)
        return self._with(self._frame, format_=Format(check_name(type), chosen, options))

    def with_transform(
        self,
        transform: Callable[[dict[str, Any]], Any] | None,
        columns: Sequence[str] | None = None,
    ) -> "Dataset":
        """Call a function on rows when they are read; it takes and returns a dict of lists."""
        chosen = None if columns is None else tuple(columns)
        return self._with(self._frame, format_=Format(None, chosen, {}, transform))

    @property
    def store(self) -> Store:
        """Where results of steps are kept."""
        return self._store or default_store()

    def with_store(self, store: Store) -> "Dataset":
        """Keep results of later steps elsewhere."""
        found = self._with(self._frame)
        found._store = store  # noqa: SLF001 - its own class
        return found

    def _with(
        self, frame: Frame, step: Step | None = None, *, format_: Format | None = None
    ) -> "Dataset":
        history = (*self.history, step) if step else self.history
        return Dataset(frame, format_=format_ or self._format, store=self._store, history=history,
                       split=self.split)  # fmt: skip


def _place(num_proc: int | None, executor: Executor | None, max_memory: int | str | None) -> Place:
    limit = None if max_memory is None else bytes_of(max_memory)
    return Place(executor or executor_for(num_proc), limit)


def _listed(names: str | Sequence[str] | None) -> list[str]:
    return [] if names is None else [names] if isinstance(names, str) else list(names)


def concatenate_datasets(dsets: Sequence[Any], axis: int = 0) -> Any:
    """Put data sets, or streams, one after the other (axis 0) or data sets beside each other (1).

    Raises:
        InvalidInput: Their columns, or their lengths, do not go together.
    """
    streams = [data for data in dsets if isinstance(data, IterableDataset)]
    if streams and len(streams) == len(dsets) and axis == 0:
        return concatenate_streams(streams)
    if streams:
        raise InvalidInput("Streams go one after the other, and only with streams.")
    frames = [data.frame for data in dsets]
    return Dataset(joining.concatenated(frames) if axis == 0 else joining.side_by_side(frames))


def interleave_datasets(
    datasets: Sequence[Any],
    probabilities: Sequence[float] | None = None,
    seed: int | None = None,
    *,
    stopping_strategy: str = "first_exhausted",
) -> Any:
    """Take rows of data sets, or of streams, in turns or drawn with probabilities.

    Args:
        datasets: At least one; all data sets, or all streams.
        probabilities: How likely each comes next; None for turns.
        seed: Draws.
        stopping_strategy: first_exhausted, all_exhausted (those that end begin again) or
            all_exhausted_without_replacement.

    Raises:
        InvalidInput: Their columns do not go together, or an argument is wrong.
    """
    joining.check_mix(len(datasets), probabilities, stopping_strategy)
    streams = [data for data in datasets if isinstance(data, IterableDataset)]
    if not streams:
        frames = [data.frame for data in datasets]
        return Dataset(
            joining.interleaved(
                frames, probabilities=probabilities, seed=seed, stopping=stopping_strategy
            )
        )
    if len(streams) < len(datasets):
        raise InvalidInput("Streams are interleaved only with streams.")
    number = int(np.random.default_rng().integers(_SEEDS)) if seed is None else seed
    return interleave_streams(streams, probabilities, number, stopping_strategy)
