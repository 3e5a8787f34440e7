"""Unmodified transformers, datasets and sentence-transformers."""

from collections.abc import Callable
from pathlib import Path

from tests.clients.conftest import LiveHub

CSV = Path(__file__).parents[2] / "examples" / "banking77" / "test.csv"


def test_transformers_pushes_loads_and_runs_a_model(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str], tmp_path: Path
) -> None:
    assert live.script("transformers_flow", repo_name(), tmp_path, **transfer).startswith("ok")


def test_datasets_pushes_loads_and_streams(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str], tmp_path: Path
) -> None:
    assert live.script("datasets_flow", repo_name(), tmp_path, CSV, **transfer).strip() == "ok"


def test_sentence_transformers_loads_and_pushes_real_weights(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str]
) -> None:
    printed = live.script("sentence_transformers_flow", repo_name(), **transfer)
    assert printed.strip() == "ok (3, 384)"
