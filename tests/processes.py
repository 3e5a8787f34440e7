"""Reprise as separate processes: the command line, and a hub that can be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import httpx2


def reprise(*args: object, env: dict[str, str] | None = None) -> str:
    """Run the command line and return its stdout; fail loudly with its stderr."""
    result = subprocess.run(
        [sys.executable, "-m", "reprise", *map(str, args)],
        capture_output=True, text=True, check=False, timeout=100, env=os.environ | (env or {}),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


class HubProcess:
    """A hub in its own process, on a free port."""

    def __init__(self, data: Path, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reprise", "serve", "--data", data, "--port", "0",
             "--log-level", "error", *options],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert httpx2.get(f"{self.url}/health", timeout=30).status_code == 200

    @property
    def pid(self) -> int:
        """Process id, for measuring."""
        return self._process.pid

    def kill(self) -> None:
        """Kill without warning, and wait until the process is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> "HubProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()
