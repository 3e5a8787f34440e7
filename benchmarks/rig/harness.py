"""What every benchmark shares: a hub in its own process, CPU time, medians, a printed table."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

RESULTS = Path(__file__).parents[1] / "results"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Bench:
    """A live hub with the user `ada`."""

    url: str
    token: str
    data: Path
    pid: int

    def client(self) -> httpx2.Client:
        """An HTTP client signed in as ada."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=300)

    def cpu(self) -> float:
        """CPU seconds the server has used so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def create(self, name: str, repo_type: str = "model") -> str:
        """Create a repo of ada's and return its id."""
        with self.client() as client:
            body = {"name": name, "type": repo_type}
            client.post("/api/repos/create", json=body).raise_for_status()
        return f"ada/{name}"


@contextmanager
def hub(*, core: int | None = None) -> Iterator[Bench]:
    """Run a hub on a free port; with `core`, on that processor alone."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        data = Path(folder, "hub")
        _reprise("user", "create", "ada", "--data", data)
        token = _reprise("token", "create", "ada", "--role", "write", "--data", data).strip()
        command = ["serve", "--data", data, "--port", "0", "--log-level", "warning"]
        pinned = ["taskset", "-c", str(core)] if core is not None else []
        process = subprocess.Popen(
            [*pinned, sys.executable, "-m", "reprise", *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield Bench(process.stdout.readline().strip(), token, data, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def timed(action: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def interleaved(rounds: int, **actions: Callable[[], object]) -> dict[str, list[float]]:
    """Time several actions in turn, so that a drifting machine treats them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            seconds[name].append(timed(action))
    return seconds


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def report(name: str, rows: Sequence[dict[str, object]]) -> None:
    """Print rows as a table and keep them in `results/NAME.json`."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [columns, *([_cell(row.get(key)) for key in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)))
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    body = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "rows": list(rows)}
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=1) + "\n")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _reprise(*args: object) -> str:
    command = [sys.executable, "-m", "reprise", *map(str, args)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
