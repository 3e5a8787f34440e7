"""Isolation: what an environment, a worker, a sandbox and one round trip cost.

Round trips are timed in turn with the same call in this process. Without arguments nothing is
fetched: environments are built from wheels made here. With torch installed, tensors are sent,
else arrays.

    python -m benchmarks.isolated --requirement torch==2.13.0 --find-links /folder/of/wheels
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.rig.harness import report
from reprise.isolate import environments, housekeeping
from reprise.isolate.client import Worker
from reprise.isolate.launch import TRUSTED, UNTRUSTED, Launch
from reprise.isolate.limits import Level, Limits
from reprise.isolate.probe import probe
from reprise.isolate.requirements import Sources
from reprise.isolate.sandbox import run
from tests.wheelhouse import make_wheel

HUBCONF = """
def echo():
    return lambda x: x
def twice():
    return lambda x: x * 2
def none():
    return lambda x: None
"""
SIZES = {"8 floats": (8,), "image, 0.6 MB": (1, 3, 224, 224), "batch, 19 MB": (32, 3, 224, 224)}
ROUNDS = {"8 floats": 1000, "image, 0.6 MB": 400, "batch, 19 MB": 60}
PACKAGES, MODULES = 10, 300


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requirement", action="append", default=[])
    options.add_argument("--find-links", action="append", default=[])
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        sources = Sources(find_links=tuple(chosen.find_links))
        lines = chosen.requirement
        if not lines:
            lines, sources = tiny_packages(folder / "shelf")
        report("isolated_environments", environment_rows(folder, lines, sources))
        (folder / "repo").mkdir()
        (folder / "repo" / "hubconf.py").write_text(HUBCONF)
        levels = [level for level in Level if probe().offers(level)]
        report("isolated_starts", [start_row(level, folder / "repo") for level in levels])
        rows = [row for level in levels for row in trips(level, folder / "repo")]
        report("isolated_round_trips", rows)


def tiny_packages(shelf: Path) -> tuple[list[str], Sources]:
    """Write wheels with many modules, about as many as torch has."""
    for number in range(PACKAGES):
        name = f"package{number}"
        files = {f"{name}/m{n}.py": f"def f{n}():\n    return {n}\n" * 20 for n in range(MODULES)}
        make_wheel(shelf, name, files=files)
    names = [f"package{number}" for number in range(PACKAGES)]
    return names, Sources(find_links=(shelf,), offline=True)


def environment_rows(folder: Path, lines: list[str], sources: Sources) -> list[dict[str, object]]:
    """Build an environment, a second one that shares nearly all of it, and the first one again."""
    root = folder / "environments"
    make_wheel(folder / "more", "onemore")
    more = Sources(find_links=(*sources.find_links, folder / "more"), offline=sources.offline)
    lock, second = [], []
    rows = [
        timed("resolve", lambda: lock.append(environments.resolve(lines, sources=more))),
        timed("build, first", lambda: environments.build(lock[0], root, sources=more)),
    ]
    second.append(environments.resolve([*lines, "onemore"], sources=more))
    rows.append(timed("build, second with one more package",
                      lambda: environments.build(second[0], root, sources=more)))  # fmt: skip
    rows.append(timed("open, built before", lambda: environments.build(lock[0], root)))
    sizes = [item.size for item in housekeeping.usage(root)]
    disk = {"step": "disk: sum of both, MB", "s": sum(sizes) >> 20}
    return [*rows, disk, {"step": "disk: used, MB", "s": housekeeping.total_size(root) >> 20}]


def start_row(level: Level, repo: Path) -> dict[str, object]:
    """Time how a worker gets ready, and how an empty command runs in a sandbox."""
    ready, true = [], []
    for _ in range(5):
        with Worker(launch(level, repo)) as worker:
            ready.append(seconds(worker.start))
        true.append(seconds(lambda: run(["/bin/true"], Limits(), level=level)))
    bare = [seconds(bare_start) for _ in range(5)]
    return {
        "level": level.name.lower(),
        "worker ready s": round(statistics.median(ready), 2),
        "interpreter and import alone s": round(statistics.median(bare), 2),
        "empty command ms": round(statistics.median(true) * 1e3, 1),
    }


def bare_start() -> None:
    """Start an interpreter and import what a worker imports."""
    subprocess.run([sys.executable, "-I", "-c", f"import {library()}"], check=True)


def trips(level: Level, repo: Path) -> list[dict[str, object]]:
    """Time calls in the worker and here, in turn."""
    rows = []
    with Worker(launch(level, repo)) as worker:
        for entry, here in (("echo", lambda x: x), ("twice", lambda x: x * 2), ("none", print)):
            there = worker.load(repo, entry)
            for size, shape in SIZES.items():
                value = tensor(shape)
                bare = (lambda _: None) if entry == "none" else here
                away, local = interleaved(there, bare, value, ROUNDS[size])
                rows.append({
                    "level": level.name.lower(), "call": entry, "size": size,
                    "median us": round(statistics.median(away)),
                    "p95 us": round(away[int(len(away) * 0.95)]),
                    "in this process us": round(statistics.median(local), 1),
                })  # fmt: skip
    return rows


def interleaved(
    there: Callable[[Any], Any], here: Callable[[Any], Any], value: object, count: int
) -> tuple[list[float], list[float]]:
    """Return sorted microseconds of each."""
    away, local = [], []
    for _ in range(count):
        away.append(seconds(lambda: there(value)) * 1e6)
        local.append(seconds(lambda: here(value)) * 1e6)
    return sorted(away), sorted(local)


def launch(level: Level, repo: Path) -> Launch:
    """Return how a worker with this interpreter starts."""
    limits = TRUSTED if level is Level.NONE else UNTRUSTED
    python, base = Path(sys.executable), Path(sys.base_prefix)
    return Launch(python, base, limits, level, modules=(library(),)).with_reading(repo)


def library() -> str:
    """Return the tensor library of this environment."""
    return "torch" if find_spec("torch") else "numpy"


def tensor(shape: tuple[int, ...]) -> Any:
    """Return random values."""
    if library() == "torch":
        import torch

        return torch.rand(*shape)
    import numpy as np

    return np.random.default_rng(0).random(shape, dtype=np.float32)


def timed(step: str, work: Callable[[], object]) -> dict[str, object]:
    """Return a row with the seconds that a step takes."""
    return {"step": step, "s": round(seconds(work), 2)}


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
