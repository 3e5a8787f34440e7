"""Streams: the same methods, and exact resume through every one of them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reprise.base.errors import InvalidInput, NotSupported
from reprise.data import (
    Dataset,
    Features,
    IterableDataset,
    Value,
    concatenate_datasets,
    interleave_datasets,
    load_dataset,
)

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
    "turns": lambda s: interleave_datasets([s, s.shuffle(seed=3, buffer_size=8).take(70)]),
    "drawn": lambda s: interleave_datasets(
        [s, s.map(lambda row: {"n": -row["n"]})], [0.3, 0.7], seed=5,
        stopping_strategy="all_exhausted",
    ),
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


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_every_batch_comes_once_after_a_break(
    chain: Callable[[IterableDataset], IterableDataset],
) -> None:
    rows = list(chain(source()))
    for stop in (1, 2, 4):
        stream, seen = chain(source()), []
        for batch in stream.iter(7):
            seen.append(batch)
            if len(seen) == stop:
                break
        state = json.loads(json.dumps(stream.state_dict()))
        again, other = chain(source()), chain(source())
        again.load_state_dict(state)
        seen += again.iter(7)
        name = min(seen[0])
        assert [value for batch in seen for value in batch[name]] == [row[name] for row in rows]
        other.load_state_dict(state)  # by rows after batches
        assert list(other) == rows[7 * stop :]
        assert [len(batch[name]) for batch in seen[:-1]] == [7] * (len(seen) - 1)


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


def test_streams_of_slices_and_sums_of_splits(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("test", 100)):
        rows = Dataset.from_dict({"n": list(range(first, first + 20))})
        rows.to_csv(tmp_path / f"{split}.csv")

    def rows_of(split: str) -> list[int]:
        return [row["n"] for row in load_dataset(str(tmp_path), split=split, streaming=True)]

    assert rows_of("train[2:4]+test[:1]+test[19:]") == [2, 3, 100, 119]
    assert len(rows_of("all")) == 40
    for wrong in ("train[:10%]", "train[-3:]"):
        with pytest.raises(NotSupported, match="a stream does not know how many rows it has"):
            rows_of(wrong)
    with pytest.raises(InvalidInput, match="There is no split 'dev'; there are: train, test"):
        rows_of("dev[:1]")


def test_streams_one_after_the_other() -> None:
    both = concatenate_datasets([source().take(2), source().skip(98)])
    assert [row["n"] for row in both] == [0, 1, 98, 99]
    next(rows := iter(both))
    assert [row["n"] for row in rows] == [1, 98, 99]
    with pytest.raises(InvalidInput, match="only with streams"):
        concatenate_datasets([source(), Dataset.from_dict({"n": [1]})])


@pytest.mark.parametrize(
    ("stopping", "expected"),
    [
        ("first_exhausted", [0, 10, 1, 11]),
        ("all_exhausted", [0, 10, 1, 11, 2]),  # a data set goes on to the end of the turn
        ("all_exhausted_without_replacement", [0, 10, 1, 11, 2]),
    ],
)
def test_streams_in_turns(stopping: str, expected: list[int]) -> None:
    streams = [
        Dataset.from_dict({"n": rows}).to_iterable_dataset() for rows in ([0, 1, 2], [10, 11])
    ]
    mixed = interleave_datasets(streams, stopping_strategy=stopping)
    assert [row["n"] for row in mixed] == expected
    assert [row["n"] for row in mixed] == expected


def test_streams_that_do_not_go_together_are_named() -> None:
    other = Dataset.from_dict({"m": [1]}).to_iterable_dataset()
    with pytest.raises(InvalidInput, match="do not have the same columns: m, n"):
        list(interleave_datasets([source(), other]))
    with pytest.raises(InvalidInput, match="only with streams"):
        interleave_datasets([source(), Dataset.from_dict({"n": [1]})])
    with pytest.raises(InvalidInput, match="without rows"):
        list(interleave_datasets([source(), source().take(0)]))
    with pytest.raises(InvalidInput, match="Give 2 probabilities"):
        interleave_datasets([source(), source()], [0.5])
    with pytest.raises(InvalidInput, match="nothing to interleave"):
        interleave_datasets([])


def test_a_stream_of_a_generator_asks_for_no_more_than_it_gives() -> None:
    asked: list[int] = []

    def count(stop: int) -> Iterator[dict]:
        for n in range(stop):
            asked.append(n)
            yield {"n": n}

    stream = IterableDataset.from_generator(count, gen_kwargs={"stop": 10**12})
    assert [row["n"] for row in stream.take(3)] == [0, 1, 2]
    assert len(asked) < 100
    shuffled = IterableDataset.from_generator(count, gen_kwargs={"stop": 300}).shuffle(seed=1)
    whole = [row["n"] for row in shuffled]
    assert sorted(whole) == list(range(300))
    first = [row["n"] for _, row in zip(range(40), shuffled, strict=False)]
    shuffled.load_state_dict(shuffled.state_dict())
    assert first + [row["n"] for row in shuffled] == whole
    assert stream.n_shards == 1


def test_a_row_of_a_generator_that_does_not_fit_is_named() -> None:
    def rows() -> Iterator[dict]:
        yield from ({"n": n} for n in range(12_000))
        yield {"n": "x"}

    features = Features(n=Value("int64"))
    for make in (Dataset.from_generator, IterableDataset.from_generator):
        with pytest.raises(InvalidInput, match="Row 12000, column 'n': 'x' cannot be int64"):
            list(make(rows, features))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_of_torch_take_data_sets_and_streams(workers: int) -> None:
    torch = pytest.importorskip("torch")
    options = {"batch_size": 10, "num_workers": workers, "collate_fn": list}
    for rows in (source(), source().shuffle(seed=1), Dataset.from_dict({"n": list(range(100))})):
        loader = torch.utils.data.DataLoader(rows, **options)
        for _ in range(2):
            assert sorted(row["n"] for batch in loader for row in batch) == list(range(100))


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no state of a stream"):
        source().load_state_dict({"epoch": 0})
