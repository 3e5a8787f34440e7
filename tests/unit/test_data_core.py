"""Rows as values: selections, columns stored once, rows as functions see them."""

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reprise.base.errors import InvalidInput
from reprise.data import (
    ClassLabel,
    Dataset,
    Features,
    Json,
    List,
    Store,
    Value,
    concatenate_datasets,
    interleave_datasets,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def data(store: Store) -> Dataset:
    rows = {"id": list(range(10)), "text": [f"t{n}" * (n + 1) for n in range(10)]}
    return Dataset.from_dict(rows).with_store(store)


def test_rows_slices_lists_and_columns(data: Dataset) -> None:
    assert data[1] == {"id": 1, "text": "t1t1"}
    assert data[-1]["id"] == 9
    assert data[2:4] == {"id": [2, 3], "text": ["t2t2t2", "t3t3t3t3"]}
    assert data[[3, 0, -1]]["id"] == [3, 0, 9]
    assert data["id"] == list(range(10))
    assert data["id"][2:4] == [2, 3]
    assert [row["id"] for row in data] == list(range(10))


def test_a_row_that_does_not_exist_is_an_index_error(data: Dataset) -> None:
    with pytest.raises(IndexError, match="There is no row 10"):
        data[10]
    with pytest.raises(IndexError):
        data[[0, 11]]


def test_a_column_that_does_not_exist_is_named_with_those_that_do(data: Dataset) -> None:
    with pytest.raises(InvalidInput, match="There is no column 'x'; there are: id, text"):
        data["x"]


def test_selections_compose(data: Dataset) -> None:
    found = data.select(range(8, 0, -2)).skip(1).select([2, 0]).repeat(2)
    assert found["id"] == [2, 6, 2, 6]
    assert data.select([5, 6, 7]).shard(2, 1)["id"] == [7]
    assert data.shard(3, 1, contiguous=False)["id"] == [1, 4, 7]


def test_a_shuffle_is_a_permutation_that_seed_and_epoch_decide(data: Dataset) -> None:
    first = data.shuffle(seed=3)
    assert sorted(first["id"]) == list(range(10))
    assert first["id"] == data.shuffle(seed=3)["id"]
    assert first["id"] != data.shuffle(seed=3, epoch=1)["id"]
    assert first.skip(4)["id"] == first[:]["id"][4:]


def test_gathering_across_many_batches_keeps_the_order() -> None:
    parts = [pa.table({"n": [n, n + 1], "s": [str(n), None]}) for n in range(0, 40, 2)]
    data = Dataset.from_arrow(pa.concat_tables(parts)).shuffle(seed=1)
    assert [int(s) for s in data["s"] if s is not None] == [n for n in data["n"] if n % 2 == 0]


def test_the_identity_does_not_depend_on_chunks() -> None:
    table = pa.table({"n": [1, None, 3], "l": [[1], None, []], "s": ["a", None, "c"]})
    cut = pa.concat_tables([table.slice(0, 1), table.slice(1, 2)])
    assert Dataset.from_arrow(table).identity == Dataset.from_arrow(cut).identity
    assert Dataset.from_arrow(table).identity != Dataset.from_arrow(table.slice(1)).identity


def test_map_stores_only_what_is_new(data: Dataset, store: Store) -> None:
    def longer(row: dict) -> dict:
        row["n"] = len(row["text"])
        return row

    mapped = data.map(longer)
    assert mapped.column_names == ["id", "text", "n"]
    assert mapped[2] == {"id": 2, "text": "t2t2t2", "n": 6}
    (entry,) = store.entries()
    with pa.memory_map(str(entry.path)) as file:
        assert pa.ipc.open_file(file).schema.names == ["n"]


def test_whole_rows_that_come_back_store_nothing_that_was_there(data: Dataset) -> None:
    mapped = data.map(lambda row: {**row, "even": row["id"] % 2 == 0})
    assert mapped[:3]["even"] == [True, False, True]
    assert [list(group.names) for group in mapped.frame.groups] == [["id", "text"], ["even"]]


def test_a_list_that_is_changed_in_place_is_stored(store: Store) -> None:
    data = Dataset.from_dict({"l": [[1], [2]]}).with_store(store)

    def append(row: dict) -> dict:
        row["l"].append(0)
        return row

    assert data.map(append)[:] == {"l": [[1, 0], [2, 0]]}
    assert data[:] == {"l": [[1], [2]]}


def test_a_column_that_first_changes_late_is_filled_up(store: Store) -> None:
    data = Dataset.from_dict({"n": list(range(10_000))}).with_store(store)
    mapped = data.map(lambda row: {"n": row["n"] if row["n"] < 9_000 else -1})
    assert mapped[:]["n"] == [n if n < 9_000 else -1 for n in range(10_000)]


def test_types_widen_on_the_way_or_the_row_is_named(store: Store) -> None:
    data = Dataset.from_dict({"n": list(range(10_000))}).with_store(store)
    widened = data.map(lambda row: {"x": None if row["n"] < 5_000 else row["n"] / 2})
    assert widened[9_999]["x"] == 4999.5
    with pytest.raises(InvalidInput, match="Row 7, column 'y': 'seven' is of another type"):
        data.map(lambda row: {"y": "seven" if row["n"] == 7 else 1})


def test_batches_may_change_the_number_of_rows(data: Dataset) -> None:
    twice = data.map(
        lambda batch: {"n": [n for n in batch["id"] for _ in range(2)]},
        batched=True, batch_size=3, remove_columns=data.column_names,
    )  # fmt: skip
    assert twice["n"] == [n for n in range(10) for _ in range(2)]
    with pytest.raises(InvalidInput, match="columns id, text keep their rows"):
        data.map(lambda batch: {"n": [1]}, batched=True)  # noqa: ARG005


def test_map_takes_indices_columns_and_arguments(data: Dataset) -> None:
    def add(a: int, index: int, more: int) -> dict:
        return {"sum": a + index + more}

    mapped = data.map(add, with_indices=True, input_columns="id", fn_kwargs={"more": 100})
    assert mapped["sum"] == [100 + 2 * n for n in range(10)]


def test_filter_keeps_numbers_of_rows(data: Dataset) -> None:
    assert data.filter(lambda row: row["id"] % 3 == 0)["id"] == [0, 3, 6, 9]
    assert data.filter(lambda b: [i > 7 for i in b["id"]], batched=True)["id"] == [8, 9]
    assert data.filter(lambda row: False).num_rows == 0  # noqa: ARG005
    with pytest.raises(InvalidInput, match="answered 1 times for 10 rows"):
        data.filter(lambda batch: [True], batched=True)  # noqa: ARG005


def test_an_error_in_a_function_names_the_row(data: Dataset) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        data.map(lambda row: {"x": 1 // (row["id"] - 4)})
    assert caught.value.__notes__ == ["in row 4, given to <lambda>"]


def test_rows_are_mappings_in_every_way(data: Dataset) -> None:
    seen = []

    def look(row: dict) -> dict:
        seen.append((dict(row), {**row}, row | {"a": 1}, len(row), "id" in row, row.get("no", 5),
                     list(row), row == {"id": 0, "text": "t0"}, row.pop("id")))  # fmt: skip
        return {}

    data.take(1).map(look, cache=False)
    whole = {"id": 0, "text": "t0"}
    assert seen == [(whole, whole, {**whole, "a": 1}, 2, True, 5, ["id", "text"], True, 0)]


def test_rows_that_a_function_keeps_stay_what_they_were(data: Dataset) -> None:
    kept, views = [], []

    def keep(row: dict) -> bool:
        kept.append(row)
        return row["id"] % 2 == 0

    def look(row: dict) -> dict:
        views.append(lambda: row["id"])  # holds on to the row by a closure
        return {"other": row["text"] if row["id"] == 4 else ""}  # asks for more in one row only

    assert data.filter(keep, cache=False)["id"] == [0, 2, 4, 6, 8]
    assert [dict(row) for row in kept] == data.to_list()
    found = data.map(look, cache=False)
    assert [view() for view in views] == list(range(10))
    assert found["other"] == ["", "", "", "", "t4" * 5, "", "", "", "", ""]


def test_what_one_call_does_to_its_row_is_not_seen_by_the_next(data: Dataset) -> None:
    def spoil(row: dict) -> dict:
        seen = (row["id"], "text" in row, "extra" in row, len(row))
        row["extra"] = 1
        row["id"] = -1
        del row["text"]
        assert row.popitem() == ("extra", 1)
        return {"seen": list(map(int, seen))}

    assert data.map(spoil, cache=False)["seen"] == [[n, 1, 0, 2] for n in range(10)]


def test_numbers_of_numpy_keep_their_type(data: Dataset) -> None:
    found = data.map(lambda row: {"f": np.float32(row["id"]), "m": np.ones((2, 1), np.int8)})
    assert found.features["f"] == Value("float32")
    assert found[9]["f"] == 9.0
    assert found[0]["m"] == [[1], [1]]


def test_sort_with_nulls_and_several_columns() -> None:
    data = Dataset.from_dict({"a": [2, None, 1, 2], "b": ["x", "y", "z", "w"]})
    assert data.sort("a")["b"] == ["z", "x", "w", "y"]
    assert data.sort(["a", "b"], reverse=[True, False])["b"] == ["w", "x", "z", "y"]
    assert data.sort("a", null_placement="at_start")["b"] == ["y", "z", "x", "w"]


def test_splits_cover_all_rows_once() -> None:
    data = Dataset.from_dict({"n": list(range(100)), "y": [n % 4 for n in range(100)]})
    parts = data.train_test_split(0.2, seed=1)
    assert (len(parts["train"]), len(parts["test"])) == (80, 20)
    assert sorted([*parts["train"]["n"], *parts["test"]["n"]]) == list(range(100))
    even = data.train_test_split(test_size=20, stratify_by_column="y", seed=1)
    assert np.bincount(even["test"][:]["y"]).tolist() == [5, 5, 5, 5]


def test_concatenating_and_interleaving(data: Dataset) -> None:
    tail = data.shuffle(seed=1).take(2)
    assert concatenate_datasets([data.take(2), tail])["id"] == [0, 1, *tail["id"]]
    beside = Dataset.from_dict({"x": list(range(10))})
    assert concatenate_datasets([data, beside], axis=1)[9] == {"id": 9, "text": "t9" * 10, "x": 9}
    turns = interleave_datasets([data.take(3), data.skip(5).take(2)])
    assert turns["id"] == [0, 5, 1, 6]
    longest = interleave_datasets(
        [data.take(3), data.skip(5).take(2)], stopping_strategy="all_exhausted"
    )
    assert longest["id"] == [0, 5, 1, 6, 2, 5]
    with pytest.raises(InvalidInput, match="does not have the columns of the first: text"):
        concatenate_datasets([data, data.remove_columns("text")])


def test_columns_are_renamed_removed_added_and_cast(data: Dataset) -> None:
    changed = data.rename_column("id", "n").add_column("x", [0.5] * 10).select_columns(["x", "n"])
    assert changed[0] == {"x": 0.5, "n": 0}
    assert changed.cast_column("n", Value("float32")).features["n"] == Value("float32")
    with pytest.raises(InvalidInput, match="Row 0, column 'text': 't0' cannot be int64"):
        data.cast_column("text", Value("int64"))


def test_labels_are_numbers_with_names() -> None:
    data = Dataset.from_dict({"y": ["no", "yes", None, "no"]}).class_encode_column("y")
    assert data.features["y"] == ClassLabel(names=("no", "yes"))
    assert data["y"] == [0, 1, None, 0]
    with pytest.raises(InvalidInput, match="Row 1, column 'y': 'maybe' is no class"):
        Dataset.from_dict({"y": ["no", "maybe"]}, Features(y=ClassLabel(names=("no",))))
    aligned = data.align_labels_with_mapping({"YES": 0, "NO": 1}, "y")
    assert aligned["y"] == [1, 0, None, 1]


def test_structs_flatten_and_json_is_decoded() -> None:
    data = Dataset.from_dict({"a": [{"x": 1, "y": {"z": "q"}}]})
    assert data.flatten()[0] == {"a.x": 1, "a.y.z": "q"}
    mixed = Dataset.from_dict({"j": [1, "a", [2]]}, Features(j=Json()))
    assert mixed["j"] == [1, "a", [2]]
    assert mixed[1] == {"j": "a"}


def test_distinct_values_come_in_the_order_of_their_first_row(store: Store) -> None:
    data = Dataset.from_dict({"a": [3, None, 1, 3, None], "l": [[1]] * 5}).with_store(store)
    assert data.unique("a") == [3, None, 1]
    assert data.select([4, 3, 2]).unique("a") == [None, 3, 1]
    with pytest.raises(InvalidInput, match="There is no column 'x'"):
        data.unique("x")


def test_rows_are_written_in_their_order(data: Dataset) -> None:
    shuffled = data.shuffle(seed=4)
    written = shuffled.flatten_indices()
    assert written[:] == shuffled[:]
    assert [type(group.selection).__name__ for group in written.frame.groups] == ["Span"]
    assert shuffled.flatten_indices().explain().startswith("write(written): reused")


def test_batch_makes_rows_of_lists(data: Dataset) -> None:
    found = data.select_columns("id").batch(4)
    assert found["id"] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert found.features == Features(id=List(Value("int64")))


def test_formats_return_arrays_of_the_right_shape() -> None:
    data = Dataset.from_dict(
        {"n": [1, 2, 3], "v": [[1.0, 2.0]] * 3, "s": ["a", "b", None], "r": [[1], [], [2]]}
    )
    batch = data.with_format("numpy")[:2]
    assert batch["n"].tolist() == [1, 2]
    assert batch["v"].shape == (2, 2)
    assert batch["s"].tolist() == ["a", "b"]
    assert [item.tolist() for item in batch["r"]] == [[1], []]
    assert data.with_format("arrow")[:1].to_pylist() == [data[0]]
    assert data.with_format("pandas", columns=["n"])[:]["n"].tolist() == [1, 2, 3]
    assert data.with_format("polars")[:]["n"].to_list() == [1, 2, 3]
    assert data.with_transform(lambda batch: {"m": [2 * n for n in batch["n"]]})[1] == {"m": 4}
    assert next(data.with_format("numpy").iter(2))["v"].tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_batches_of_texts_are_as_wide_as_their_own_longest() -> None:
    data = Dataset.from_dict({"s": ["a", "bb", "ccc", "d"], "b": [b"x", b"y", b"z", b""]})
    first, second = data.with_format("numpy").iter(2)
    assert (first["s"].dtype.str, second["s"].dtype.str) == ("<U2", "<U3")
    assert second["b"].tolist() == [b"z", b""]
    assert [len(batch["s"]) for batch in data.iter(3, drop_last_batch=True)] == [3]


def test_tensors_have_the_types_that_models_expect() -> None:
    torch = pytest.importorskip("torch")
    table = pa.table({"i": pa.array([1, 2], pa.int8()), "f": [0.5, 1.5], "t": [True, False]})
    data = Dataset.from_arrow(table).with_format("torch")
    kinds = {name: values.dtype for name, values in next(data.iter(2)).items()}
    assert kinds == {"i": torch.int64, "f": torch.float32, "t": torch.bool}
    assert data.with_format("torch", dtype=torch.float64)[0]["i"].dtype == torch.float64
    assert Dataset.from_arrow(table).with_format("numpy")[:]["i"].dtype == np.int8


def test_a_bar_is_shown_to_who_watches(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    from reprise.data import progress

    leader, follower = os.openpty()
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    monkeypatch.delenv("HF_HUB_DISABLE_PROGRESS_BARS", raising=False)
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        data.map(lambda row: {"m": row["id"]}, cache=False)
        terminal.flush()
        shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    assert "map <lambda>" in shown
    assert "10/10" in shown


def test_reading_goes_on_where_it_stopped(data: Dataset) -> None:
    order = data.shuffle(seed=5, epoch=2)
    batches = [batch["id"] for batch in order.iter(3)]
    assert [batch["id"] for batch in order.iter(3, start=6)] == batches[2:]
