"""Stages that have no other source than code, or several: generators, streams in turns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.data.features import Features
from reprise.data.sources import memory
from reprise.data.streams import Chunk, Cursor, Stage

_FIRST, _MOST = 16, 1024  # rows of a generator that make a table: few at first, so that some come
_TURNS = 1024  # rows taken before their places are noted again


@dataclass(frozen=True)
class Generated:
    """Rows of a generator function, which is called anew in every iteration.

    Attributes:
        make: Returns the rows, the same ones every time.
        features: What the columns hold; None for what the first rows hold.
    """

    make: Callable[[], Iterable[Mapping[str, Any]]]
    features: Features | None = None
    pieces = 1

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:  # noqa: ARG002
        """Yield tables of rows; the cursor is how many rows came before."""
        start, size, features = cursor or 0, _FIRST, self.features
        rows = islice(iter(self.make()), start, None)
        while part := list(islice(rows, size)):
            frame = memory.from_rows(memory.checked_rows(part, start), features, first_row=start)
            yield start, frame.table()
            start, size = start + len(part), min(2 * size, _MOST)


@dataclass
class _Reader:
    """One of several streams: what is left of its present table, and where that is."""

    stage: Stage
    epoch: int
    cursor: Cursor
    row: int
    tables: list[pa.Table] = field(default_factory=list)  # all that a block has read from
    _chunks: Iterator[Chunk] | None = None

    @property
    def has_more(self) -> bool:
        """Whether there is another row; reads the next table if need be."""
        if self._chunks is None:
            self._chunks = self.stage.chunks(self.cursor, self.epoch)
            self._load(self.row)
        while self.tables and self.row >= self.tables[-1].num_rows:
            self._load(0)
        return bool(self.tables)

    def _load(self, row: int) -> None:
        assert self._chunks is not None
        self.cursor, table = next(self._chunks, (None, None))
        self.row = row
        self.tables = [] if table is None else [*self.tables, table]

    def again(self) -> None:
        """Begin from the first row."""
        self.cursor, self.row, self._chunks, self.tables = None, 0, None, []


@dataclass(frozen=True)
class Interleaved:
    """Rows of several streams in turns, or as drawn.

    Attributes:
        stages: The streams.
        chances: How likely each comes next; None for turns.
        seed: Draws.
        stopping: first_exhausted, all_exhausted or all_exhausted_without_replacement.
    """

    stages: tuple[Stage, ...]
    chances: tuple[float, ...] | None = None
    seed: int = 0
    stopping: str = "first_exhausted"

    def chunks(self, cursor: Cursor, epoch: int) -> Iterator[Chunk]:
        """Yield tables; the cursor is [block of turns, place in each stream, which are done]."""
        block, places, done = cursor or (0, [[None, 0]] * len(self.stages), [])
        readers = [
            _Reader(stage, epoch, *place) for stage, place in zip(self.stages, places, strict=True)
        ]
        ended = set(done)
        gone = ended if self.stopping == "all_exhausted_without_replacement" else set()
        if any(not reader.has_more for n, reader in enumerate(readers) if n not in gone):
            raise InvalidInput("A stream without rows cannot be interleaved.")
        while not self._is_over(ended):
            place = [block, [[r.cursor, r.row] for r in readers], sorted(ended)]
            yield place, self._block(readers, ended, self._turns(block, epoch))
            block += 1

    def _is_over(self, ended: set[int]) -> bool:
        return bool(ended) and (
            self.stopping == "first_exhausted" or len(ended) == len(self.stages)
        )

    def _turns(self, block: int, epoch: int) -> list[int]:
        """Return which stream comes next, so many times; any block can be had alone."""
        count = len(self.stages)
        if self.chances is None:
            return [(block * _TURNS + n) % count for n in range(_TURNS)]
        draw = np.random.default_rng([self.seed, epoch, block])
        drawn: list[int] = draw.choice(count, _TURNS, p=np.array(self.chances)).tolist()
        return drawn

    def _block(self, readers: list[_Reader], ended: set[int], turns: list[int]) -> pa.Table:
        """Take the rows of some turns."""
        parts: list[pa.Table] = []
        for number in turns:
            if number in ended and self.stopping == "all_exhausted_without_replacement":
                continue
            reader = readers[number]
            parts.append(reader.tables[-1].slice(reader.row, 1))
            reader.row += 1
            if not reader.has_more:
                ended.add(number)
                if self._is_over(ended):
                    break
                if self.stopping == "all_exhausted":
                    reader.again()
                    assert reader.has_more
        return together(parts)


def together(parts: list[pa.Table]) -> pa.Table:
    """Put tables with the same columns one after the other.

    Raises:
        InvalidInput: Their columns differ.
    """
    first = parts[0]
    names = set(first.column_names)
    for part in parts[1:]:
        if set(part.column_names) != names:
            odd = ", ".join(sorted(names ^ set(part.column_names)))
            raise InvalidInput(f"The streams do not have the same columns: {odd}.")
    try:
        joined = pa.concat_tables(
            [part.select(first.column_names) for part in parts], promote_options="permissive"
        )
    except pa.ArrowException as error:
        raise InvalidInput(
            f"The streams do not have the same types: {str(error).splitlines()[0]}"
        ) from None
    return joined.combine_chunks()
