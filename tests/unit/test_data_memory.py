"""Limits on memory: measured in a process of its own, and what steps do when it is short."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reprise.base.errors import InvalidInput, TooLarge
from reprise.data import Dataset, Store, load_from_disk
from reprise.data.memory import bytes_of
from reprise.data.sorting import Order, rows_in_order
from reprise.data.sorting_files import sorted_in_files

LIMIT = 64_000_000
MEASURED = """
import json, re, sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from reprise.data import Dataset, Store, load_from_disk

LIMIT, root = int(sys.argv[1]), Path(sys.argv[2])
rows, draw = 240_000, np.random.default_rng(0)
width = pa.array(draw.integers(0, 999, rows * 16))
table = pa.table({
    "s": [f"{n:064x}" * 4 for n in draw.integers(0, 2**60, rows)],
    "v": pa.FixedSizeListArray.from_arrays(width, 16).cast(pa.list_(pa.int64())),
})
Dataset.from_arrow(table).save_to_disk(root / "rows")
del table, width
pa.default_memory_pool().release_unused()
data = load_from_disk(root / "rows").with_store(Store(root / "store"))


def longer(row):
    return {"t": row["s"] + row["s"], "w": row["v"]}


def drained(rows):
    for batch in rows.iter(100):
        assert len(batch["s"]) == 100


limited = {"cache": False, "max_memory": LIMIT}
steps = {
    "first use": lambda: drained(data.take(200).map(longer, **limited).sort("s")),
    "map": lambda: data.map(longer, **limited),
    "batched": lambda: data.map(lambda b: {"t": [s + s for s in b["s"]]}, batched=True, **limited),
    "filter": lambda: data.filter(lambda row: len(row["s"]) > 3 and row["v"][0] >= 0, **limited),
    "shuffle": lambda: drained(data.shuffle(seed=1, max_memory=LIMIT)),
    "sort": lambda: drained(data.sort("s", max_memory=LIMIT)),
    "map without a limit": lambda: data.map(longer, cache=False),
}
peak = lambda name: int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
found = {}
for name, step in steps.items():
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = peak("VmRSS")
    step()
    found[name] = (peak("VmHWM") - before) * 1024
print(json.dumps(found))
"""


IS_LINUX = Path("/proc/self/clear_refs").exists()


@pytest.mark.skipif(not IS_LINUX, reason="Linux counts for us")
def test_steps_stay_within_their_limit(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURED, str(LIMIT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    grown = json.loads(done.stdout)
    assert grown.pop("map without a limit") > 2 * LIMIT  # else nothing would be shown
    assert {name: size for name, size in grown.items() if size > LIMIT} == {}


@pytest.mark.skipif(not IS_LINUX, reason="Linux counts for us")
def test_mapped_files_are_not_kept_open(tmp_path: Path) -> None:
    Dataset.from_dict({"n": list(range(100))}).save_to_disk(tmp_path / "rows", max_shard_rows=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    data = load_from_disk(tmp_path / "rows")
    assert len(data.frame.groups[0].stored.mappings) == 100
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 10
    data.frame.release()
    assert data["n"] == list(range(100))  # what was given back comes back


def test_a_function_that_keeps_what_it_saw_is_named_with_the_rows(tmp_path: Path) -> None:
    data = Dataset.from_dict({"n": list(range(40_000))}).with_store(Store(tmp_path))
    kept: list[str] = []

    def keep(row: dict) -> dict:
        kept.append(f"{row['n']}" * 2000)
        return {"m": 1}

    with pytest.raises(TooLarge, match=r"keep holds \d+ MB more in rows \d+ to \d+ than") as caught:
        data.map(keep, cache=False, max_memory="40MB")
    assert "larger max_memory" in caught.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_limit_does_not_change_results_nor_their_keys(tmp_path: Path) -> None:
    data = Dataset.from_dict({"n": list(range(9000))}).with_store(Store(tmp_path))

    def double(row: dict) -> dict:
        return {"m": 2 * row["n"]}

    assert data.map(double, max_memory="1GB", num_proc=2)["m"] == [2 * n for n in range(9000)]
    assert data.map(double).history[-1].reused
    few = data.filter(lambda row: row["n"] % 1000 == 0, max_memory=10**9)
    assert few["n"] == list(range(0, 9000, 1000))


@pytest.mark.parametrize(
    ("text", "size"), [("500MB", 5 * 10**8), ("2 GiB", 2**31), (10**9, 10**9), ("1.5g", 15 * 10**8)]
)
def test_amounts_of_memory(text: str | int, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("wrong", ["much", "-1GB", True, "5 parsecs", 1000])
def test_what_is_no_amount_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="max_memory is"):
        bytes_of(wrong)  # type: ignore[arg-type]


def test_sorting_in_files_gives_the_order_of_memory(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    n = 20_000
    floats = draw.choice([0.0, -1.5, 7.25, np.nan], n).astype(object)
    floats[draw.random(n) < 0.1] = None
    names = [None if x == 0 else f"name {x}" for x in draw.integers(0, 40, n)]
    when = pa.array(draw.integers(0, 9, n)).cast(pa.timestamp("us"))
    table = pa.table({"f": pa.array(floats, pa.float64()), "s": names, "t": when})
    frame = Dataset.from_arrow(table).shuffle(seed=2).frame
    for number, order in enumerate(
        [
            Order(("f", "s"), (False, True)),
            Order(("s", "f", "t"), (False, True, False), "at_start"),
            Order(("t",), (True,)),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        keys = frame.only(list(order.names))
        path = sorted_in_files(keys, order.numbered(keys), 400_000, folder)
        assert len(list(folder.glob("run-*.arrow"))) > 5
        expected = rows_in_order(frame, order)
        assert np.fromfile(path, np.int64).tolist() == expected.resolve(np.arange(n)).tolist()


def test_a_sorted_data_set_is_the_same_with_little_memory(tmp_path: Path) -> None:
    texts = [f"{(n * 7919) % 10**6:06d}" * 20 for n in range(120_000)]
    data = Dataset.from_dict({"s": texts}).with_store(Store(tmp_path))
    found = data.sort("s", reverse=True, max_memory="32MB")
    assert found["s"][:3] == sorted(texts, reverse=True)[:3]
    assert found.identity == data.sort("s", reverse=True).identity
    assert list((tmp_path / "steps" / "staging").iterdir()) == []
    with pytest.raises(InvalidInput, match="There is no column 'x'"):
        data.sort("x", max_memory="32MB")
