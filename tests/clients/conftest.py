"""One live hub in a process of its own, and foreign clients in processes of theirs."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.processes import HubProcess, reprise

SCRIPTS = Path(__file__).parent / "scripts"
BIN = Path(sys.executable).parent
# The two ways in which clients upload large files: Xet, and LFS where Xet is switched off.
TRANSFERS = {"xet": {}, "lfs": {"HF_HUB_DISABLE_XET": "1"}}


@dataclass(frozen=True)
class LiveHub:
    """Address and credentials of the hub under test."""

    url: str
    token: str
    home: Path
    data: Path  # the hub's own folder

    def env(self, **more: str) -> dict[str, str]:
        """The environment of a client: this hub, a home of its own, nothing inherited."""
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HOME": str(self.home / uuid.uuid4().hex),  # a cold cache for every client
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "DISABLE_SAFETENSORS_CONVERSION": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "TOKENIZERS_PARALLELISM": "false",
            **more,
        }

    def run(self, *command: object, cwd: Path | None = None, **more: str) -> str:
        """Run a client; return stdout, or fail with all it printed."""
        result = subprocess.run(
            list(map(str, command)), env=self.env(**more), cwd=cwd, capture_output=True, text=True,
            check=False, timeout=280,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def script(self, name: str, *args: object, python: Path = BIN / "python", **more: str) -> str:
        """Run one of the client scripts beside this file."""
        return self.run(python, SCRIPTS / f"{name}.py", *args, **more)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHub]:
    """A hub with the user `ada`, alive for the whole run."""
    data = tmp_path_factory.mktemp("hub")
    reprise("user", "create", "ada", "--fullname", "Ada L.", "--data", data)
    token = reprise("token", "create", "ada", "--role", "write", "--data", data).strip()
    with HubProcess(data) as hub:
        yield LiveHub(hub.url, token, tmp_path_factory.mktemp("home"), data)


@pytest.fixture(scope="session")
def asked(live: LiveHub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models for every task on the live hub; returns a folder with an image and a sound."""
    from huggingface_hub import HfApi

    from tests.client_models import publish_all, write_inputs

    publish_all(HfApi(live.url, token=live.token), tmp_path_factory.mktemp("models"))
    folder = tmp_path_factory.mktemp("inputs")
    write_inputs(folder)
    return folder


@pytest.fixture
def repo_name() -> Callable[[], str]:
    """New repo names, never used before."""
    return lambda: f"ada/r{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=sorted(TRANSFERS))
def transfer(request: pytest.FixtureRequest) -> dict[str, str]:
    """Environment that makes a client upload by Xet or by LFS."""
    return TRANSFERS[request.param]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is a client test, and may take longer than a unit test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.client)
            item.add_marker(pytest.mark.timeout(300))
