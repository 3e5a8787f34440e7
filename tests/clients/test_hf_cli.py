"""The unmodified `hf` command."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import LiveHub

GB = 1 << 30


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def random_file(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(os.urandom(min(size - file.tell(), 1 << 24)))
    return path


def test_whoami_names_the_account(live: LiveHub) -> None:
    assert "ada" in live.run("hf", "auth", "whoami")


def test_a_repo_is_created_once_and_again_only_if_allowed(
    live: LiveHub, repo_name: Callable[[], str]
) -> None:
    repo = repo_name()
    live.run("hf", "repos", "create", repo)
    live.run("hf", "repos", "create", repo, "--exist-ok")
    with pytest.raises(AssertionError, match="409"):
        live.run("hf", "repos", "create", repo)


def test_a_file_and_a_folder_come_back_as_they_went(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str], tmp_path: Path
) -> None:
    repo, folder = repo_name(), tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "notes.txt").write_text("plain text\n")
    random_file(folder / "weights.safetensors", 12_000_000)
    single = random_file(tmp_path / "single.bin", 3_000_000)
    live.run("hf", "upload", repo, folder, **transfer)
    live.run("hf", "upload", repo, single, "extra/single.bin", **transfer)
    live.run("hf", "download", repo, "--local-dir", tmp_path / "down", **transfer)
    for sent, path in [
        (folder / "deep" / "notes.txt", "deep/notes.txt"),
        (folder / "weights.safetensors", "weights.safetensors"),
        (single, "extra/single.bin"),
    ]:
        assert sha256(sent) == sha256(tmp_path / "down" / path)


@pytest.mark.parametrize("back", ["xet", "plain"])
def test_a_file_of_one_gigabyte_comes_back_as_it_went(
    live: LiveHub, repo_name: Callable[[], str], transfer: dict[str, str], tmp_path: Path, back: str
) -> None:
    repo, big = repo_name(), random_file(tmp_path / "big.bin", GB)
    live.run("hf", "upload", repo, big, **transfer)
    download = {} if back == "xet" else {"HF_HUB_DISABLE_XET": "1"}
    live.run("hf", "download", repo, "big.bin", "--local-dir", tmp_path / "down", **download)
    assert sha256(big) == sha256(tmp_path / "down" / "big.bin")


def test_the_cache_verifies_against_the_hub(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo, home = repo_name(), tmp_path / "hf-home"
    live.run("hf", "upload", repo, random_file(tmp_path / "w.bin", 11_000_000), "w.bin")
    live.run("hf", "download", repo, HF_HOME=str(home))
    assert "verified" in live.run("hf", "cache", "verify", repo, HF_HOME=str(home)).lower()


def test_branches_and_tags_are_made_listed_and_removed(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo = repo_name()
    live.run("hf", "repos", "create", repo)
    live.run("hf", "repos", "branch", "create", repo, "dev")
    live.run("hf", "repos", "tag", "create", repo, "v1", "-m", "first")
    assert "v1" in live.run("hf", "repos", "tag", "list", repo)
    live.run(
        "hf", "upload", repo, random_file(tmp_path / "x.bin", 10), "x.bin", "--revision", "dev"
    )
    live.run("hf", "repos", "tag", "delete", repo, "v1", "-y")
    live.run("hf", "repos", "branch", "delete", repo, "dev")
    assert "v1" not in live.run("hf", "repos", "tag", "list", repo)


def test_a_moved_repo_is_found_under_both_names_until_deleted(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    old, new = repo_name(), repo_name()
    (tmp_path / "a.txt").write_text("a")
    live.run("hf", "upload", old, tmp_path / "a.txt", "a.txt")
    live.run("hf", "repos", "move", old, new)
    for name in (old, new):
        live.run("hf", "download", name, "a.txt", "--local-dir", tmp_path / name)
        assert (tmp_path / name / "a.txt").read_text() == "a"
    live.run("hf", "repos", "delete", new, "-y")
    with pytest.raises(AssertionError, match="not found"):
        live.run("hf", "download", new, "a.txt")


def test_settings_make_a_repo_private_and_hide_it(
    live: LiveHub, repo_name: Callable[[], str], tmp_path: Path
) -> None:
    repo = repo_name()
    (tmp_path / "a.txt").write_text("a")
    live.run("hf", "upload", repo, tmp_path / "a.txt", "a.txt")
    live.run("hf", "repos", "settings", repo, "--private")
    live.run("hf", "download", repo, "a.txt")
    with pytest.raises(AssertionError, match="not found"):
        live.run("hf", "download", repo, "a.txt", HF_TOKEN="")


def test_listings_find_what_was_uploaded(live: LiveHub, repo_name: Callable[[], str]) -> None:
    repo = repo_name()
    live.run("hf", "repos", "create", repo)
    found = live.run(
        "hf", "models", "list", "--author", "ada", "--search", repo, "--format", "json"
    )
    assert [item["id"] for item in json.loads(found)] == [repo]
