"""The demo's hub: `reprise serve` as a process of its own, as anybody would start it."""

import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import HubUnreachable

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_LOG_LINES = 15


@dataclass(frozen=True)
class HubProcess:
    """A running hub."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    def wait(self) -> None:
        """Wait until the hub ends.

        Raises:
            HubUnreachable: It ended; nobody but the demo may stop it.
        """
        code = self.process.wait()
        raise HubUnreachable(f"The hub stopped with exit code {code}.\n{last_lines(self.log)}")


def serve_command(data: Path, port: int) -> list[str]:
    """Return the command that starts the hub."""
    return [sys.executable, "-m", "reprise", "serve", "--data", str(data), "--port", str(port)]


@contextmanager
def running_hub(data: Path, *, port: int, log: Path, env: dict[str, str]) -> Iterator[HubProcess]:
    """Start a hub, wait until it is healthy, and stop it at the end.

    Raises:
        HubUnreachable: It did not start; the message ends with its log.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            serve_command(data, port), stdout=subprocess.PIPE, stderr=errors, text=True, env=env
        )
    try:
        url = _first_line(process)
        if not url or not _is_healthy(url):
            raise HubUnreachable(f"The hub did not start.\n{last_lines(log)}")
        yield HubProcess(url, process, log)
    finally:
        _stop(process)


def last_lines(log: Path) -> str:
    """Return the end of a log, without the requests that went well."""
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join([line for line in lines if '"status": 2' not in line][-_LOG_LINES:])


def _first_line(process: subprocess.Popen[str]) -> str:
    """Return the address that the hub prints when it listens; empty when it does not in time."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    return process.stdout.readline().strip() if ready else ""


def _is_healthy(url: str) -> bool:
    """Ask until the hub says it is ready."""
    import httpx2

    deadline = time.monotonic() + _START_SECONDS
    with httpx2.Client(trust_env=False, timeout=5) as client:
        while time.monotonic() < deadline:
            with suppress(httpx2.HTTPError):
                if client.get(f"{url}/health").is_success:
                    return True
            time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask the hub to stop; kill it when it does not."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
