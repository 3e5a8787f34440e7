import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprise.base.errors import InvalidId, InvalidInput
from reprise.hub.folder import collect


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def paths(root: Path) -> list[str]:
    return [file.path for file in collect(root).files]


def as_git_sees_it(root: Path) -> list[str]:
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q", root], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, check=True,
    )  # fmt: skip
    return sorted(listed.stdout.decode().split("\0")[:-1])


def test_files_are_listed_with_their_sizes(tmp_path: Path) -> None:
    write(tmp_path, {"b.txt": "12", "a/c.txt": "3"})
    found = collect(tmp_path)
    assert [(file.path, file.size) for file in found.files] == [("a/c.txt", 1), ("b.txt", 2)]
    assert (found.size, found.skipped) == (3, ())


def test_what_tools_leave_behind_is_left_out(tmp_path: Path) -> None:
    junk = [".git/config", "a/.git/x", "__pycache__/a.pyc", "a/__pycache__/b.pyc", ".DS_Store",
            ".ipynb_checkpoints/n.ipynb", ".cache/huggingface/x"]  # fmt: skip
    write(tmp_path, dict.fromkeys([*junk, "a/b.py", ".gitattributes"], ""))
    assert paths(tmp_path) == [".gitattributes", "a/b.py"]


def test_nested_gitignore_files_are_obeyed_as_git_obeys_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            ".gitignore": "*.log\n/build\nsecret/\n!keep.log\n",
            "sub/.gitignore": "!*.log\n*.tmp\n",
            "sub/deep/.gitignore": "*.log\n",
        }
        | dict.fromkeys(
            ["a.log", "keep.log", "build/x", "sub/build/x", "sub/a.log", "sub/a.tmp", "a.tmp",
             "sub/deep/a.log", "sub/deep/keep.log", "secret/x", "sub/secret/y"],
            "",
        ),
    )  # fmt: skip
    assert paths(tmp_path) == as_git_sees_it(tmp_path)


NAMES = st.sampled_from(["a", "b", "a.log", "b.py", "x y", "é", "d1", "d2"])
PATTERNS = st.sampled_from(
    [
        "a",
        "*.log",
        "/a",
        "d1/",
        "!a",
        "**/b.py",
        "d1/*",
        "!d1/a",
        "d*/",
        "d1/**",
        "!*.log",
        "x y",
        "é",
    ]
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    files=st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=8),
    rules=st.dictionaries(st.sampled_from(["", "d1/", "d1/d2/"]), st.lists(PATTERNS, max_size=4)),
)
def test_any_gitignore_means_what_git_means(
    files: list[list[str]], rules: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("any")
    for parts in files:
        path = root.joinpath(*parts)
        if not path.exists() and not any(p.is_file() for p in path.parents):
            write(root, {"/".join(parts): ""})
    for folder, patterns in rules.items():
        if not any(p.is_file() for p in [root / folder, *(root / folder).parents]):
            write(root, {f"{folder}.gitignore": "\n".join(patterns) + "\n"})
    expected = as_git_sees_it(root)
    if not expected:
        with pytest.raises(InvalidInput, match="holds no files"):
            collect(root)
        return
    assert paths(root) == expected


def test_links_to_files_are_followed_and_links_to_folders_are_reported(tmp_path: Path) -> None:
    write(tmp_path, {"blobs/1": "weights", "net/hubconf.py": ""})
    (tmp_path / "net/model.bin").symlink_to("../blobs/1")
    (tmp_path / "net/data").symlink_to("../blobs")
    os.mkfifo(tmp_path / "net/pipe")
    found = collect(tmp_path / "net")
    assert [(file.path, file.size) for file in found.files] == [("hubconf.py", 0), ("model.bin", 7)]
    assert found.skipped == ("data", "pipe")


def test_a_dangling_link_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "model.bin").symlink_to("nowhere")
    with pytest.raises(InvalidInput, match=r"model\.bin cannot be read: No such file"):
        collect(tmp_path)


@pytest.mark.parametrize("name", [b"bad\xff.txt", b"a\\b", b"a\nb", b"git~1"])
def test_a_name_that_no_repo_takes_is_an_error_or_left_out(tmp_path: Path, name: bytes) -> None:
    (tmp_path / "good.txt").touch()
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).touch()
    if name == b"git~1":
        assert paths(tmp_path) == ["good.txt"]
        return
    with pytest.raises(InvalidId, match="holds a backslash, a control or an invalid character"):
        collect(tmp_path)


@pytest.mark.parametrize("missing", ["nothing", "file"])
def test_a_folder_must_exist(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="There is no folder"):
        collect(tmp_path / missing)
