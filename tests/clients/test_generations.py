"""Three generations of huggingface_hub, each unmodified and in an environment of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import BIN, LiveHub

# The last release before httpx, and one of the generation between.
GENERATIONS = ["0.36.0", "1.10.0"]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=GENERATIONS)
def old_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter beside which only one old client is installed."""
    folder = tmp_path_factory.mktemp("old") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    wanted = [f"huggingface_hub=={request.param}", "hf-xet"]
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-q", *wanted]
    subprocess.run(pip, check=True, timeout=240)
    return folder / "bin" / "python"


def test_the_current_generation_works(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str], tmp_path: Path
) -> None:
    printed = live.script("hub_flow", repo_name(), tmp_path, python=BIN / "python", **transfer)
    assert printed.startswith("ok 2.")


def test_an_older_generation_works(
    live: LiveHub,
    repo_name: Callable[[], str],
    transfer: dict[str, str],
    tmp_path: Path,
    old_python: Path,
) -> None:
    printed = live.script("hub_flow", repo_name(), tmp_path, python=old_python, **transfer)
    assert printed.split()[1] in GENERATIONS


def test_an_older_generation_runs_models(live: LiveHub, asked: Path, old_python: Path) -> None:
    printed = live.script("inference_flow", live.url, asked, python=old_python)
    assert printed.split()[1] in GENERATIONS
