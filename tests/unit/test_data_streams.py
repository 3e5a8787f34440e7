"""Streams: the same methods, and exact resume through every one of them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput
from reprise.data import Dataset, IterableDataset, Value, concatenate_datasets, load_dataset

BANKING = Path(__file__).parents[2] / "examples" / "banking77"
CHAINS: dict[str, Callable[[IterableDataset], IterableDataset]] = {
    "plain": lambda s: s,
    "map": lambda s: s.map(lambda row: {"m": -row["n"]}),
    "batched map": lambda s: s.map(
        lambda b: {"m": [n for n in b["n"] for _ in (0, 1)]},
        batched=True, batch_size=7, remove_columns=["n"],
    ),
    "filter": lambda s: s.filter(lambda row: row["n"] % 3 == 0),
    "shuffle": lambda s: s.shuffle(seed=1, buffer_size=30),
    "take and skip": lambda s: s.skip(11).take(50),
    "batch": lambda s: s.batch(8),
    "worker": lambda s: s.shard(3, 1),
    "all": lambda s: s.shuffle(seed=2, buffer_size=9).skip(3).map(lambda r: {"m": r["n"]}).take(60),
}  # fmt: skip


def source() -> IterableDataset:
    return Dataset.from_dict({"n": list(range(100))}).to_iterable_dataset(4)


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize("stop", [1, 10, 29])
def test_every_row_comes_once_after_a_break(
    chain: Callable[[IterableDataset], IterableDataset], stop: int
) -> None:
    expected = list(chain(source()))
    stream, seen = chain(source()), []
    for row in stream:
        seen.append(row)
        if len(seen) == stop:
            break
    state = json.loads(json.dumps(stream.state_dict()))
    again = chain(source())
    again.load_state_dict(state)
    assert seen + list(again) == expected


def test_a_shuffled_stream_has_every_row_and_epochs_differ() -> None:
    stream = source().shuffle(seed=1, buffer_size=25)
    first = [row["n"] for row in stream]
    assert sorted(first) == list(range(100))
    assert [row["n"] for row in stream] == first
    stream.set_epoch(1)
    assert [row["n"] for row in stream] != first


def test_workers_share_the_rows() -> None:
    parts = [[row["n"] for row in source().shard(3, index)] for index in range(3)]
    assert sorted(n for part in parts for n in part) == list(range(100))
    even = [[row["n"] for row in source().shard(2, index)] for index in range(2)]
    assert sorted(n for part in even for n in part) == list(range(100))


def test_columns_of_a_stream() -> None:
    stream = source().rename_column("n", "m").cast_column("m", Value("float32"))
    assert next(iter(stream)) == {"m": 0.0}
    assert stream.column_names == ["m"]
    assert next(iter(stream.with_format("numpy").iter(3)))["m"].tolist() == [0.0, 1.0, 2.0]


def test_a_stream_of_files_has_the_rows_of_the_files() -> None:
    whole = load_dataset(str(BANKING), split="test")
    stream = load_dataset(str(BANKING), split="test", streaming=True)
    assert list(stream) == whole.to_list()


def test_streams_one_after_the_other() -> None:
    both = concatenate_datasets([source().take(2), source().skip(98)])
    assert [row["n"] for row in both] == [0, 1, 98, 99]
    next(rows := iter(both))
    assert [row["n"] for row in rows] == [1, 98, 99]
    with pytest.raises(InvalidInput, match="only with streams"):
        concatenate_datasets([source(), Dataset.from_dict({"n": [1]})])


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no state of a stream"):
        source().load_state_dict({"epoch": 0})
