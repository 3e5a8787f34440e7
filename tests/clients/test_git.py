"""Unmodified git and git-lfs, alone and mixed with the Hub's own clients."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import LiveHub

if shutil.which("git-lfs") is None and "REPRISE_ALL_TOOLS" not in os.environ:
    pytest.skip("git-lfs is not installed", allow_module_level=True)

WHO = {
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.org",
}  # fmt: skip


def remote(live: LiveHub, repo: str) -> str:
    return f"{live.url.replace('http://', f'http://ada:{live.token}@')}/{repo}"


def git(live: LiveHub, cwd: Path, *args: object) -> str:
    return live.run("git", *args, cwd=cwd, **WHO)


@pytest.fixture
def cloned(live: LiveHub, repo_name: Callable[[], str], tmp_path: Path) -> tuple[str, Path]:
    """A new private repo and a clone of it with git-lfs set up."""
    repo = repo_name()
    live.run("hf", "repos", "create", repo, "--private")
    git(live, tmp_path, "clone", remote(live, repo), "clone")
    git(live, tmp_path / "clone", "lfs", "install", "--local")
    return repo, tmp_path / "clone"


def test_a_push_with_large_files_is_read_by_the_hub_client(
    live: LiveHub, cloned: tuple[str, Path], tmp_path: Path
) -> None:
    repo, folder = cloned
    weights = os.urandom(12_000_000)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "notes.txt").write_text("by git\n")
    git(live, folder, "add", "-A")
    git(live, folder, "commit", "-qm", "Add weights")
    git(live, folder, "push", "-q")
    live.run("hf", "download", repo, "--local-dir", tmp_path / "down")
    assert (tmp_path / "down" / "model.safetensors").read_bytes() == weights
    assert (tmp_path / "down" / "notes.txt").read_text() == "by git\n"


def test_an_upload_by_the_hub_client_is_cloned_by_git(
    live: LiveHub, cloned: tuple[str, Path], tmp_path: Path, transfer: dict[str, str]
) -> None:
    repo, folder = cloned
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(os.urandom(12_000_000))
    live.run("hf", "upload", repo, weights, "w.safetensors", **transfer)
    git(live, folder, "pull", "-q")
    assert (folder / "w.safetensors").read_bytes() == weights.read_bytes()
    git(live, folder, "fsck", "--strict")
    git(live, folder, "lfs", "fsck")


def test_a_large_blob_outside_lfs_is_refused_with_the_way_out(
    live: LiveHub, cloned: tuple[str, Path]
) -> None:
    _, folder = cloned
    (folder / "big.txt").write_bytes(b"x" * (11 << 20))
    git(live, folder, "add", "-A")
    git(live, folder, "commit", "-qm", "Too big")
    with pytest.raises(AssertionError, match="git lfs"):
        git(live, folder, "push", "-q")


def test_a_clone_can_be_shallow_or_partial(
    live: LiveHub, cloned: tuple[str, Path], tmp_path: Path
) -> None:
    repo, folder = cloned
    for number in range(5):
        (folder / f"{number}.txt").write_text(str(number))
        git(live, folder, "add", "-A")
        git(live, folder, "commit", "-qm", f"Commit {number}")
    git(live, folder, "push", "-q")
    git(live, tmp_path, "clone", "-q", "--depth", "1", remote(live, repo), "shallow")
    git(live, tmp_path, "clone", "-q", "--filter=blob:none", remote(live, repo), "partial")
    assert git(live, tmp_path / "shallow", "rev-list", "--count", "HEAD") == "1\n"
    assert git(live, tmp_path / "partial", "rev-list", "--count", "HEAD") == "6\n"
    assert (tmp_path / "partial" / "4.txt").read_text() == "4"
