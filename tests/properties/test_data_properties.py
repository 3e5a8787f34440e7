"""What holds for all data: permutations, selections, round trips, resume."""

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.data import Dataset
from reprise.data.permutation import Permutation
from reprise.data.selection import compose, picked, resolve_all, whole
from reprise.data.shuffling import Blocks

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
rows = st.lists(
    st.fixed_dictionaries(
        {"n": st.none() | st.integers(-(2**63), 2**63 - 1), "s": st.none() | texts,
         "l": st.none() | st.lists(st.integers(-9, 9), max_size=3)}
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(0, 2**70), st.integers(0, 50))
def test_a_permutation_takes_every_row_once(size: int, seed: int, epoch: int) -> None:
    found = Permutation(size, seed, epoch).apply(np.arange(size, dtype=np.int64))
    assert sorted(found.tolist()) == list(range(size))


@settings(deadline=None)
@given(st.integers(1, 2**50), st.integers(0, 9), st.lists(st.integers(0, 2**50), max_size=20))
def test_any_part_of_a_permutation_can_be_had_alone(
    size: int, seed: int, wanted: list[int]
) -> None:
    positions = np.array([n % size for n in wanted], np.int64)
    together = Permutation(size, seed).apply(positions)
    alone = [
        int(Permutation(size, seed).apply(positions[n : n + 1])[0]) for n in range(len(wanted))
    ]
    assert together.tolist() == alone
    assert all(0 <= value < size for value in alone)


@settings(deadline=None)
@given(st.integers(0, 3000), st.integers(1, 40), st.integers(0, 2**63), st.integers(0, 5))
def test_drawn_blocks_take_every_row_once(size: int, block: int, seed: int, epoch: int) -> None:
    order = Blocks(size, min(block, max(size, 1)), seed, epoch)
    found = resolve_all(order)
    assert sorted(found.tolist()) == list(range(size))
    some = np.arange(0, size, 7, dtype=np.int64)[::-1].copy()
    assert order.resolve(some).tolist() == found[some].tolist()


@settings(deadline=None)
@given(st.data(), st.integers(1, 60))
def test_composed_selections_are_selections_of_selections(data: st.DataObject, size: int) -> None:
    selection, expected = whole(size), list(range(size))
    for _ in range(data.draw(st.integers(1, 4))):
        if not expected:
            break
        chosen = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=20))
        selection = compose(selection, picked(np.array(chosen, np.int64), len(expected)))
        expected = [expected[n] for n in chosen]
        assert resolve_all(selection).tolist() == expected


@settings(deadline=None)
@given(rows, st.lists(st.integers(1, 7), max_size=6))
def test_the_identity_depends_on_rows_and_nothing_else(found: list[dict], cuts: list[int]) -> None:
    schema = pa.schema([("n", pa.int64()), ("s", pa.string()), ("l", pa.list_(pa.int64()))])
    table = pa.Table.from_pylist(found, schema)
    parts, start = [], 0
    for size in [*cuts, len(found)]:
        parts.append(table.slice(start, size))
        start += size
    assert (
        Dataset.from_arrow(pa.concat_tables(parts)).identity == Dataset.from_arrow(table).identity
    )
    other = [{**found[0], "s": f"{found[0]['s']}!"}, *found[1:]]
    changed = Dataset.from_arrow(pa.Table.from_pylist(other, schema))
    assert changed.identity != Dataset.from_arrow(table).identity


wide_rows = st.lists(
    st.fixed_dictionaries(
        {"n": st.integers(-(2**63), 2**63 - 1), "small": st.integers(0, 255), "s": texts,
         "l": st.lists(st.integers(0, 9000), min_size=2, max_size=2),
         "f": st.floats(allow_nan=False), "x": st.none() | st.lists(texts, max_size=2),
         "d": st.fixed_dictionaries({"a": st.none() | st.booleans()})}
    ),
    min_size=1, max_size=30,
)  # fmt: skip
WIDE = pa.schema(
    [("n", pa.int64()), ("small", pa.uint8()), ("s", pa.string()), ("l", pa.list_(pa.int64())),
     ("f", pa.float64()), ("x", pa.list_(pa.string())), ("d", pa.struct([("a", pa.bool_())]))]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(wide_rows, st.integers(1, 8), st.integers(0, 3), st.data())
def test_rows_are_the_same_however_they_are_read(
    found: list[dict], chunk: int, start: int, data: st.DataObject
) -> None:
    whole_table = pa.Table.from_pylist(found, WIDE).slice(min(start, len(found) - 1))
    expected = whole_table.to_pylist()
    cut = [whole_table.slice(at, chunk) for at in range(0, len(expected), chunk)]
    rows_ = Dataset.from_arrow(pa.concat_tables(cut))
    chosen = data.draw(st.lists(st.integers(0, len(expected) - 1), min_size=1, max_size=20))
    assert rows_.to_list() == expected
    assert list(rows_) == expected
    assert [rows_[n] for n in chosen] == [expected[n] for n in chosen]
    assert rows_.select(chosen).to_list() == [expected[n] for n in chosen]
    assert rows_.select(chosen)[-1] == expected[chosen[-1]]
    batches = [batch["x"] for batch in rows_.select(chosen).iter(3)]
    assert [x for batch in batches for x in batch] == [expected[n]["x"] for n in chosen]
    assert rows_.select(chosen).to_arrow().schema.types == WIDE.types


@settings(deadline=None, max_examples=30)
@given(rows)
def test_files_give_back_what_was_written(found: list[dict]) -> None:
    schema = pa.schema([("n", pa.int64()), ("s", pa.string()), ("l", pa.list_(pa.int64()))])
    data = Dataset.from_arrow(pa.Table.from_pylist(found, schema))
    with tempfile.TemporaryDirectory() as folder:
        data.to_parquet(Path(folder, "a.parquet"))
        data.to_json(Path(folder, "a.jsonl"))
        assert Dataset.from_parquet(Path(folder, "a.parquet")).to_list() == found
        assert Dataset.from_json(Path(folder, "a.jsonl")).to_list() == found


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 300), st.integers(1, 5), st.integers(1, 50), st.integers(0, 5), st.data())
def test_a_stream_goes_on_exactly_where_it_stopped(
    size: int, shards: int, buffer: int, seed: int, data: st.DataObject
) -> None:
    def stream():
        source = Dataset.from_dict({"n": list(range(size))}).to_iterable_dataset(min(shards, size))
        shuffled = source.map(lambda row: {"m": row["n"] * 2}).shuffle(seed, buffer_size=buffer)
        return shuffled.filter(lambda row: row["n"] % 3 != 1)

    expected = [row["m"] for row in stream()]
    assert sorted(expected) == [2 * n for n in range(size) if n % 3 != 1]
    stop = data.draw(st.integers(0, len(expected)))
    first, seen = stream(), []
    for row in first if stop else ():
        seen.append(row["m"])
        if len(seen) == stop:
            break
    second = stream()
    second.load_state_dict(first.state_dict())
    assert seen + [row["m"] for row in second] == expected
