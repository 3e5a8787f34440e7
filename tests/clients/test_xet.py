"""Chunk-level storage as the unmodified `hf` command sees it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import LiveHub
from tests.clients.test_hf_cli import random_file, sha256
from tests.processes import reprise

MIB = 1 << 20


@pytest.fixture
def stranger(live: LiveHub) -> str:
    """The access token of somebody who owns nothing."""
    reprise("user", "create", "eve", "--data", live.data)
    return reprise("token", "create", "eve", "--role", "write", "--data", live.data).strip()


def stored_bytes(live: LiveHub) -> int:
    return sum(path.stat().st_size for path in live.data.glob("store/xorb/**/*") if path.is_file())


def change(path: Path, start: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(length))


def test_a_new_version_with_one_percent_changed_is_stored_as_little_more(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo, path = repo_name(), random_file(tmp_path / "weights.bin", 30 * MIB)
    live.run("hf", "upload", repo, path)
    before = stored_bytes(live)
    change(path, 17 * MIB, 300_000)
    live.run("hf", "upload", repo, path)  # from a cold cache
    # A chunk has at most 131,072 bytes; behind the change cuts may take two to fall in step again.
    assert stored_bytes(live) - before < 300_000 + 4 * 131_072
    live.run("hf", "download", repo, "weights.bin", "--local-dir", tmp_path / "down")
    assert sha256(tmp_path / "down" / "weights.bin") == sha256(path)


def test_a_repo_may_be_deleted_and_uploaded_again_from_a_warm_cache(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo, path, home = repo_name(), random_file(tmp_path / "w.bin", 5 * MIB), str(tmp_path / "hf")
    live.run("hf", "upload", repo, path, "--private", HF_HOME=home)
    live.run("hf", "repos", "delete", repo, "-y", HF_HOME=home)
    before = stored_bytes(live)
    live.run("hf", "upload", repo, path, "--private", HF_HOME=home)
    assert stored_bytes(live) == before
    live.run("hf", "download", repo, "w.bin", "--local-dir", tmp_path / "down")
    assert sha256(tmp_path / "down" / "w.bin") == sha256(path)


def test_a_folder_of_many_files_shares_xorbs(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo, folder = repo_name(), tmp_path / "up"
    folder.mkdir()
    for number in range(60):
        random_file(folder / f"part-{number}.bin", 20_000 + 1000 * number)
    before = len(list(live.data.glob("store/xorb/**/*")))
    live.run("hf", "upload", repo, folder)
    assert len(list(live.data.glob("store/xorb/**/*"))) - before <= 6  # two xorbs, their folders
    live.run("hf", "download", repo, "--local-dir", tmp_path / "down")
    for path in folder.iterdir():
        assert sha256(tmp_path / "down" / path.name) == sha256(path)


def test_a_pull_request_brings_large_files_from_somebody_else(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path, stranger: str
) -> None:
    repo, path = repo_name(), random_file(tmp_path / "w.bin", 3 * MIB)
    live.run("hf", "repos", "create", repo)
    live.run("hf", "upload", repo, path, "--create-pr", HF_TOKEN=stranger)
    live.run(
        "hf", "download", repo, "w.bin", "--revision", "refs/pr/1", "--local-dir", tmp_path / "down"
    )
    assert sha256(tmp_path / "down" / "w.bin") == sha256(path)
