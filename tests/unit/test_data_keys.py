"""Honest keys: what is reused, what is computed again, and what has no key."""

import importlib
import os
import pickle
import sys
import textwrap
import threading
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from reprise.base.errors import InvalidInput, MissingExtra, RemoteFailure, WorkerCrashed
from reprise.data import Dataset, RayExecutor, Store, Threads


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def data(store: Store) -> Dataset:
    return Dataset.from_dict({"x": [1, 2, 3]}).with_store(store)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes a module of the user's and imports it afresh."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> Any:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        for cached in [n for n in sys.modules if n == name]:
            del sys.modules[cached]
        sys.dont_write_bytecode = True
        return importlib.import_module(name)

    return write


def reused(data: Dataset) -> list[bool]:
    return [step.reused for step in data.history]


def test_the_same_function_is_called_once(data: Dataset) -> None:
    def double(row: dict) -> dict:
        return {"y": 2 * row["x"]}

    assert reused(data.map(double)) == [False]
    assert reused(data.map(double)) == [True]
    assert reused(data.select([0, 1]).map(double)) == [False]


def test_position_comments_and_docstrings_do_not_count(data: Dataset, module: Any) -> None:
    first = module("steps", "def f(row):\n    return {'y': row['x'] + 1}\n")
    assert reused(data.map(first.f)) == [False]
    moved = module(
        "steps",
        '''


        def f(row):
          """Say something."""
          # and something more
          return {'y': row['x']    + 1}
        ''',
    )
    assert reused(data.map(moved.f)) == [True]


def test_a_helper_that_changed_is_noticed(data: Dataset, module: Any) -> None:
    code = (
        "import helper_of_steps\ndef f(row):\n    return {'y': helper_of_steps.clean(row['x'])}\n"
    )
    module("helper_of_steps", "def clean(x):\n    return x + 1\n")
    assert data.map(module("steps", code).f)["y"] == [2, 3, 4]
    module("helper_of_steps", "def clean(x):\n    return x * 100\n")
    again = data.map(module("steps", code).f)
    assert again["y"] == [100, 200, 300]
    assert "helper_of_steps.clean changed" in again.explain()


@pytest.mark.parametrize(
    "using",
    [
        "from helper_of_steps import clean\ndef f(row):\n    return {'y': clean(row['x'])}\n",
        "def f(row):\n    from helper_of_steps import clean\n    return {'y': clean(row['x'])}\n",
        (
            "import helper_of_steps as h\nclass C:\n    def __call__(self, row):\n"
            "        return {'y': h.clean(row['x'])}\nf = C()\n"
        ),
        (
            "import functools, helper_of_steps as h\n"
            "def g(row, by):\n    return {'y': by(row['x'])}\n"
            "f = functools.partial(g, by=h.clean)\n"
        ),
        "import helper_of_steps as h\nf = lambda row: {'y': [h.clean(x) for x in [row['x']]][0]}\n",
    ],
    ids=["by name", "inside", "by class", "by partial", "in a comprehension"],
)
def test_helpers_are_found_however_they_are_reached(data: Dataset, module: Any, using: str) -> None:
    module("helper_of_steps", "K = 1\ndef clean(x):\n    return x + K\n")
    assert data.map(module("steps", using).f)["y"] == [2, 3, 4]
    module("helper_of_steps", "K = 10\ndef clean(x):\n    return x + K\n")
    assert data.map(module("steps", using).f)["y"] == [11, 12, 13]


def test_closures_defaults_and_arguments_count(data: Dataset) -> None:
    def adding(n: int) -> Any:
        return lambda row, m=n: {"y": row["x"] + n + m}

    assert data.map(adding(1))["y"] == [3, 4, 5]
    assert data.map(adding(2))["y"] == [5, 6, 7]
    plus = lambda row, k: {"y": row["x"] + k}  # noqa: E731
    assert data.map(plus, fn_kwargs={"k": 1})["y"] == [2, 3, 4]
    assert data.map(plus, fn_kwargs={"k": 5})["y"] == [6, 7, 8]


def test_what_cannot_be_described_is_named_with_the_ways_out(data: Dataset) -> None:
    lock, unique = threading.Lock(), uuid.uuid4()

    def locked(row: dict) -> dict:
        with lock:
            return {"y": row["x"]}

    with pytest.raises(InvalidInput, match=r"locked -> lock is a _thread\.lock") as caught:
        data.map(locked)
    assert "key=" in caught.value.hint
    assert "cache=False" in caught.value.hint
    with pytest.raises(
        InvalidInput, match=r"unique is a uuid\.UUID, which is another one in every"
    ):
        data.map(lambda row: {"y": f"{unique}{row['x']}"})
    assert reused(data.map(locked, key="v1")) == [False]
    assert reused(data.map(locked, key="v1")) == [True]
    assert reused(data.map(locked, key="v2")) == [False]
    assert data.map(locked, cache=False)["y"] == [1, 2, 3]


def test_what_cannot_change_the_result_is_not_part_of_the_key(data: Dataset) -> None:
    def double(row: dict) -> dict:
        return {"y": 2 * row["x"]}

    assert reused(data.map(double)) == [False]
    assert reused(data.map(double, batch_size=7)) == [True]
    assert reused(data.map(double, num_proc=2)) == [True]


def test_results_that_were_removed_are_made_again(data: Dataset, store: Store) -> None:
    kept = data.map(lambda row: {"y": row["x"]})
    assert [entry.rows for entry in store.make_room(0)] == [3]
    assert kept["y"] == [1, 2, 3]
    again = data.map(lambda row: {"y": row["x"]})
    assert reused(again) == [False]
    assert store.entries()[0].recipe.op == "map"


def test_the_store_keeps_what_was_used_last(tmp_path: Path) -> None:
    data = Dataset.from_dict({"x": list(range(1000))})
    for add in range(4):
        found = data.with_store(Store(tmp_path / "s", limit=20_000))
        found.map(lambda row, k: {"y": row["x"] + k}, fn_kwargs={"k": add})
    sizes = [entry.bytes for entry in Store(tmp_path / "s").entries()]
    assert len(sizes) == 2
    assert sum(sizes) <= 20_000


def test_a_damaged_result_is_made_again(data: Dataset, store: Store) -> None:
    data.map(lambda row: {"y": row["x"]})
    (entry,) = store.entries()
    entry.path.write_bytes(b"broken")
    assert data.map(lambda row: {"y": row["x"]})["y"] == [1, 2, 3]


def test_workers_give_the_same_rows(store: Store) -> None:
    data = Dataset.from_dict({"x": list(range(9000))}).with_store(store).shuffle(seed=1)
    here = data.map(lambda row: {"y": row["x"] * 2}, cache=False)
    there = data.map(lambda row: {"y": row["x"] * 2}, num_proc=2)
    assert there[:] == here[:]
    kept = data.filter(lambda row: row["x"] % 2 == 0, num_proc=2)
    assert kept[:] == data.filter(lambda row: row["x"] % 2 == 0, cache=False)[:]


def test_threads_give_the_same_rows_under_the_same_keys(store: Store) -> None:
    data = Dataset.from_dict({"x": list(range(9000))}).with_store(store).with_format("arrow")

    def double(batch: pa.Table) -> pa.Table:
        return pa.table({"y": pc.multiply(batch["x"], 2)})

    there = data.map(double, batched=True, executor=Threads(3))
    assert there.with_format()["y"] == [2 * x for x in range(9000)]
    assert reused(data.map(double, batched=True)) == [True]
    kept = data.with_format().filter(lambda row: row["x"] > 8990, executor=Threads(2))
    assert kept["x"] == list(range(8991, 9000))


def test_a_failure_in_a_thread_ends_the_others_and_leaves_nothing(store: Store) -> None:
    data = Dataset.from_dict({"x": list(range(40_000))}).with_store(store)
    with pytest.raises(ZeroDivisionError) as caught:
        data.map(lambda row: {"y": 1 // (row["x"] - 100)}, executor=Threads(2))
    assert caught.value.__notes__ == ["in row 100, given to <lambda>"]
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_ray_is_asked_for_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"pip install 'reprise\[scale\]'"):
        RayExecutor()


def test_a_failure_in_a_worker_names_the_row_and_leaves_nothing(store: Store) -> None:
    data = Dataset.from_dict({"x": list(range(9000))}).with_store(store)
    with pytest.raises(RemoteFailure, match=r"ZeroDivisionError.*in row 5000, given to") as caught:
        data.map(lambda row: {"y": 1 // (row["x"] - 5000)}, num_proc=2)
    assert "Traceback" in caught.value.trace
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_worker_that_ends_is_an_error_and_leaves_nothing(store: Store) -> None:
    data = Dataset.from_dict({"x": list(range(9000))}).with_store(store)

    def end(row: dict) -> dict:
        if row["x"] == 5000:
            os._exit(3)
        return {"y": 1}

    with pytest.raises(WorkerCrashed, match="A worker ended with code 3 before its rows"):
        data.map(end, num_proc=2)
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_a_data_set_travels_with_its_rows_even_when_its_file_is_gone(
    data: Dataset, store: Store
) -> None:
    mapped = data.map(lambda row: {"y": row["x"]})
    assert pickle.loads(pickle.dumps(mapped))["y"] == [1, 2, 3]
    store.make_room(0)
    assert pickle.loads(pickle.dumps(mapped))["y"] == [1, 2, 3]
    assert mapped.map(lambda row: {"z": row["y"]}, num_proc=2)["z"] == [1, 2, 3]
