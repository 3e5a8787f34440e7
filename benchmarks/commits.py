"""Commits per second: 16 writers, one branch, every commit durable. And what they cost to clone.

Peer for the clone: git itself reading the same history from a local bare repository.
"""

import base64
import json
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.rig.harness import Bench, hub, interleaved, median, report

WRITERS = 16
COMMITS = 1000
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    with hub() as bench, tempfile.TemporaryDirectory() as folder:
        repo = bench.create("busy")
        rows = [commits(bench, repo), *clones(bench, repo, Path(folder))]
    report("commits", rows)


def commits(bench: Bench, repo: str) -> dict[str, object]:
    """Let the writers commit ten small files each time; nobody may be turned away."""
    before, started = bench.cpu(), time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        numbers = [range(writer, COMMITS, WRITERS) for writer in range(WRITERS)]
        list(pool.map(lambda batch: write(bench, repo, batch), numbers))
    seconds, cpu = time.perf_counter() - started, bench.cpu() - before
    return {
        "what": f"{COMMITS} commits of 10 files, {WRITERS} writers",
        "per second": COMMITS / seconds,
        "server cpu ms": cpu / COMMITS * 1000,
    }


def write(bench: Bench, repo: str, numbers: range) -> None:
    """One writer: commit after commit over one connection."""
    with bench.client() as client:
        for number in numbers:
            answer = client.post(f"/api/models/{repo}/commit/main", content=body(number))
            answer.raise_for_status()


def body(number: int) -> bytes:
    """A commit that edits ten of a hundred files."""
    lines: list[dict[str, object]] = [{"key": "header", "value": {"summary": f"Edit {number}"}}]
    for i in range(10):
        content = f"{number} {i} {'x' * 580}".encode()
        value = {
            "path": f"folder{(number + i) % 10}/file{i}.txt",
            "content": base64.b64encode(content).decode(),
            "encoding": "base64",
        }
        lines.append({"key": "file", "value": value})
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def clones(bench: Bench, repo: str, folder: Path) -> list[dict[str, object]]:
    """Clone the result from us and, as a bare repository, from git's own server program."""
    clone(f"{bench.url}/{repo}", folder / "local", "--bare")
    before = bench.cpu()
    seconds = interleaved(
        ROUNDS,
        ours=lambda: clone(f"{bench.url}/{repo}", new(folder)),
        git=lambda: clone(f"file://{folder}/local", new(folder)),
    )
    cpu = (bench.cpu() - before) / ROUNDS
    ours, git = median(seconds["ours"]), median(seconds["git"])
    return [
        {"what": "clone, ours over HTTP", "seconds": ours, "server cpu ms": cpu * 1000,
         "git's time / ours": git / ours},
        {"what": "clone, git over file://", "seconds": git},
    ]  # fmt: skip


def clone(url: str, target: Path, *options: str) -> None:
    """Clone quietly."""
    subprocess.run(["git", "clone", "-q", *options, url, target], check=True)


def new(folder: Path) -> Path:
    """A folder name that is free."""
    return folder / f"clone{time.perf_counter_ns()}"


if __name__ == "__main__":
    main()
