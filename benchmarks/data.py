"""Data sets: Reprise against the library `datasets`, the same work in turn in one process.

100,000 rows: a text (questions of Banking77, numbered), a label, 32 numbers. Every function is
called again in every round, its result written by both. Reported are medians of the wall clock and
of CPU time, and the ratio of each round's pair. Before anything is timed, both must give the same
rows in the same types in every format that is measured.

A shuffle is read in four formats, since what is asked for decides what can be saved. As lists, both
sides make 3.2 million Python numbers: how long that takes alone, from arrays that are in memory
already, is the row "floor of lists". As Arrow, both sides copy the rows: copying all of them at
once and cutting the copy is the row "floor of arrow". Nobody can be faster; their ratios are the
most there is.

    python -m benchmarks.data
"""

import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rig.harness import report

ROUNDS = 3
ROWS = 100_000
BATCH = 32
SMALL = 5_000  # rows of the stream that is interrupted
BANKING = Path(__file__).parents[1] / "examples" / "banking77" / "train.csv"
# What the issue asks for: times faster.
AIMS = {
    "per-row map": 10, "batched map": 2, "filter": 5,
    "shuffle, then read as lists": 20, "shuffle, then read as numpy": 20,
    "shuffle, then read as torch": 20, "shuffle, then read as arrow": 20,
    "shuffle, then write in order": 20, "rows": 10,
    "numpy batches": 30, "torch batches": 30, "random access": 8, "csv": 2, "jsonl": 3,
}  # fmt: skip


def length(row: dict[str, Any]) -> dict[str, Any]:
    """One new column from one old one."""
    return {"n": len(row["text"])}


def lengths(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The same for a batch."""
    return {"n": [len(text) for text in batch["text"]]}


def is_even(row: dict[str, Any]) -> bool:
    """Half of the rows."""
    return row["label"] % 2 == 0


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        os.environ["HF_HOME"] = os.environ["XDG_CACHE_HOME"] = folder
        work = Path(folder)
        ours, theirs = tables(work)
        check(ours, theirs)
        rows = [compared(name, *pair) for name, pair in pairs(ours, theirs, work).items()]
        rows += floors(ours, rows)
        rows.append(disk(ours, theirs, work))
        rows.append(resume(ours, theirs))
        report("data", rows)


def tables(folder: Path) -> tuple[Any, Any]:
    """The same rows in both, from the same Parquet file."""
    import datasets
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from reprise.data import Dataset

    datasets.disable_progress_bars()
    texts = Dataset.from_csv(BANKING)["text"][:]
    table = pa.table({
        "text": [f"{number} {texts[number % len(texts)]}" for number in range(ROWS)],
        "label": np.arange(ROWS) % 77,
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(np.arange(ROWS * 32) % 997), 32).cast(
            pa.list_(pa.int64())
        ),
    })  # fmt: skip
    path = folder / "rows.parquet"
    pq.write_table(table, path)
    plain = Dataset.from_parquet(path)
    plain.remove_columns("vector").to_csv(folder / "rows.csv")
    plain.remove_columns("vector").to_json(folder / "rows.jsonl")
    plain.save_to_disk(folder / "saved")  # both map the same Arrow file
    from reprise.data import load_from_disk

    return load_from_disk(folder / "saved"), datasets.load_from_disk(str(folder / "saved"))


def pairs(ours: Any, theirs: Any, folder: Path) -> dict[str, tuple[Callable[[], Any], ...]]:
    """What is compared: ours, theirs."""
    return {**steps(ours, theirs), **reads(ours, theirs), **loads(folder)}


def both(action: Callable[[Any], Any], ours: Any, theirs: Any) -> tuple[Callable[[], Any], ...]:
    """The same call for both."""
    return (lambda: action(ours), lambda: action(theirs))


def steps(ours: Any, theirs: Any) -> dict[str, tuple[Callable[[], Any], ...]]:
    """Functions over rows, called anew each time."""
    again = {"load_from_cache_file": False}
    return {
        "per-row map": both(lambda data: data.map(length, **again), ours, theirs),
        "batched map": both(lambda data: data.map(lengths, batched=True, **again), ours, theirs),
        "filter": both(lambda data: data.filter(is_even, **again), ours, theirs),
    }


def reads(ours: Any, theirs: Any) -> dict[str, tuple[Callable[[], Any], ...]]:
    """Rows in one order or another."""
    picks = [(n * 7919) % ROWS for n in range(2_000)]
    numbers, seeds = ["label", "vector"], iter(range(10**6))

    def batches(name: str | None, columns: list[str] | None = None) -> Callable[[Any], int]:
        return lambda data: drained(data.with_format(name, columns=columns).iter(BATCH))

    def shuffled(name: str | None) -> tuple[Callable[[], Any], ...]:
        return both(lambda data: batches(name)(data.shuffle(seed=1)), ours, theirs)

    return {
        "shuffle, then read as lists": shuffled(None),
        "shuffle, then read as numpy": shuffled("numpy"),
        "shuffle, then read as torch": shuffled("torch"),
        "shuffle, then read as arrow": shuffled("arrow"),
        "shuffle, then write in order": both(
            lambda data: data.shuffle(seed=next(seeds)).flatten_indices(), ours, theirs
        ),
        "rows": both(drained, ours, theirs),
        "numpy batches": both(batches("numpy", numbers), ours, theirs),
        "torch batches": both(batches("torch", numbers), ours, theirs),
        "random access": both(lambda data: [data[n] for n in picks], ours, theirs),
    }


def loads(folder: Path) -> dict[str, tuple[Callable[[], Any], ...]]:
    """Files, read anew each time."""
    import datasets

    from reprise.data import Dataset

    fresh = iter(range(10**6))

    def theirs(kind: str, name: str) -> Callable[[], Any]:
        return lambda: datasets.load_dataset(
            kind, data_files=str(folder / name), cache_dir=str(folder / f"cache-{next(fresh)}"),
            split="train",
        )  # fmt: skip

    return {
        "csv": (lambda: Dataset.from_csv(folder / "rows.csv"), theirs("csv", "rows.csv")),
        "jsonl": (lambda: Dataset.from_json(folder / "rows.jsonl"), theirs("json", "rows.jsonl")),
    }


def check(ours: Any, theirs: Any) -> None:
    """Compare rows and types of both, format by format, before their times are."""
    few = range(5 * BATCH)
    for name in (None, "numpy", "torch", "arrow"):
        mine_, others = (d.select(few).with_format(name).iter(BATCH) for d in (ours, theirs))
        for mine, other in zip(mine_, others, strict=True):
            assert described(mine) == described(other), name
        orders = [d.shuffle(seed=1).with_format(name)[: 3 * BATCH] for d in (ours, theirs)]
        kinds = [[kind for _, kind, *_ in described(rows)] for rows in orders]
        assert kinds[0] == kinds[1], name
    assert list(ours.select(few)) == list(theirs.select(few))
    assert [ours[n] for n in few] == [theirs[n] for n in few]
    texts = [sorted(d.shuffle(seed=1)["text"]) for d in (ours, theirs)]
    assert texts[0] == texts[1]
    kept = [d.filter(is_even)["label"][:] for d in (ours, theirs)]
    assert kept[0] == kept[1]


def described(batch: Any) -> list[tuple[Any, ...]]:
    """What is in a batch: columns, the types of what holds them, and the values as lists."""
    if hasattr(batch, "to_pydict"):
        return [("table", str(batch.schema.remove_metadata()), batch.to_pydict())]
    found = []
    for name, values in batch.items():
        kind = str(getattr(values, "dtype", type(values[0]))).split("U")[0]
        plain = values.tolist() if hasattr(values, "tolist") else values
        found.append((name, f"{type(values).__name__} of {kind}", plain))
    return found


def floors(ours: Any, measured: list[dict[str, object]]) -> list[dict[str, object]]:
    """What cannot be saved: making Python objects of rows in memory, copying rows in memory."""
    import numpy as np

    table = ours.with_format("arrow")[:].combine_chunks()
    texts = table["text"].combine_chunks()
    numbers = [ours.with_format("numpy")[name][:] for name in ("label", "vector")]
    order = np.random.default_rng(1).permutation(ROWS)

    def objects() -> None:
        for start in range(0, ROWS, BATCH):
            texts.slice(start, BATCH).to_pylist()
            for values in numbers:
                values[start : start + BATCH].tolist()

    def copies() -> None:
        copied = table.take(order)
        for start in range(0, ROWS, BATCH):
            copied.slice(start, BATCH)

    return [bound("lists", objects, measured), bound("arrow", copies, measured)]


def bound(
    name: str, action: Callable[[], None], measured: list[dict[str, object]]
) -> dict[str, object]:
    """Compare the other side's time with that of the least that has to be done."""
    action()
    times = [clocked(action) for _ in range(ROUNDS)]
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    other = next(row for row in measured if row["what"] == f"shuffle, then read as {name}")
    return {
        "what": f"floor of {name}", "reprise s": round(wall, 4),
        "datasets s": other["datasets s"],
        "times faster": round(float(str(other["datasets s"])) / wall, 1),
        "reprise cpu s": round(cpu, 4), "datasets cpu s": other["datasets cpu s"],
        "times less cpu": round(float(str(other["datasets cpu s"])) / cpu, 1),
    }  # fmt: skip


def drained(rows: Any) -> int:
    """Read everything and count it."""
    return sum(1 for _ in rows)


def compared(name: str, ours: Callable[[], Any], theirs: Callable[[], Any]) -> dict[str, object]:
    """Time two actions in turn."""
    wall: list[tuple[float, float]] = []
    cpu: list[tuple[float, float]] = []
    for action in (ours, theirs):
        action()
    for _ in range(ROUNDS):
        pair = [clocked(ours), clocked(theirs)]
        wall.append((pair[0][0], pair[1][0]))
        cpu.append((pair[0][1], pair[1][1]))
    times = statistics.median(b / a for a, b in wall)
    return {
        "what": name,
        "reprise s": round(statistics.median(a for a, _ in wall), 4),
        "datasets s": round(statistics.median(b for _, b in wall), 4),
        "times faster": round(times, 1),
        "reprise cpu s": round(statistics.median(a for a, _ in cpu), 4),
        "datasets cpu s": round(statistics.median(b for _, b in cpu), 4),
        "times less cpu": round(statistics.median(b / max(a, 1e-4) for a, b in cpu), 1),
        "aim": AIMS[name],
        "met": "yes" if times >= AIMS[name] else "no",
    }


def clocked(action: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def disk(ours: Any, theirs: Any, folder: Path) -> dict[str, object]:
    """Bytes that a map of one new integer column writes."""
    from reprise.data import Store

    store = Store(folder / "measured")
    ours.with_store(store).map(length)
    written = sum(entry.bytes for entry in store.entries())
    target = folder / "measured.arrow"
    theirs.map(length, cache_file_name=str(target), load_from_cache_file=False)
    part = written / target.stat().st_size
    return {
        "what": "disk of a one-column map", "reprise bytes": written,
        "datasets bytes": target.stat().st_size, "part": round(part, 4), "aim": 0.05,
        "met": "yes" if part < 0.05 else "no",
    }  # fmt: skip


def resume(ours: Any, theirs: Any) -> dict[str, object]:
    """Rows that come exactly once when a shuffled stream is stopped and goes on."""
    return {
        "what": "resume: rows seen exactly once",
        "reprise": once(ours.take(SMALL).to_iterable_dataset(4).shuffle(seed=1, buffer_size=500)),
        "datasets": once(
            theirs.take(SMALL).to_iterable_dataset(4).shuffle(seed=1, buffer_size=500)
        ),
        "aim": SMALL,
    }


def once(stream: Any) -> int:
    """Stop after 1,000 rows, go on, count the rows that came once."""
    seen: list[str] = []
    for number, row in enumerate(stream, 1):
        seen.append(row["text"])
        if number == 1000:
            break
    state = stream.state_dict()
    stream.load_state_dict(state)
    seen += [row["text"] for row in stream]
    return sum(count == 1 for count in Counter(seen).values())


if __name__ == "__main__":
    main()
