"""`.gitattributes` and `.gitignore` mean to us what they mean to git."""

import random
import re
import subprocess
from pathlib import Path

import pytest

from reprise.base.errors import InvalidFormat
from reprise.base.ids import RepoType
from reprise.formats import gitattributes, gitignore
from reprise.formats.wildmatch import MAX_WILDCARDS

PIECES = (
    "a b * ** ? [ab] [!a] [a-c] c.txt a*b *.txt \\* [[:alpha:]] [ ab []a] x[^b]* \\a [/b]".split()
)
NAMES = "a b c ab c.txt a.txt xcb * aab".split()
SETTINGS = " filter=lfs| -filter| filter=x| text| filter| !filter| big".split("|")


def random_pattern(chance: random.Random) -> str:
    parts = [
        "".join(chance.choices(PIECES, k=chance.choice([1, 1, 1, 2])))
        for _ in range(chance.randint(1, 4))
    ]
    pattern = "/".join(parts)
    # Git's code reads two stars beside a letter in a way its manual denies; leave those out.
    while re.search(r"[^/]\*\*|\*\*[^/]", pattern):
        pattern = re.sub(r"([^/])\*\*+", r"\1*", re.sub(r"\*\*+([^/])", r"*\1", pattern))
    start, end = chance.choice(["", "", "", "/"]), chance.choice(["", "", "", "/"])
    return start + pattern + end


def random_paths(chance: random.Random) -> list[str]:
    return sorted({"/".join(chance.choices(NAMES, k=chance.randint(1, 4))) for _ in range(60)})


def git(folder: Path, *args: str, stdin: str) -> list[str]:
    command = ["git", "-C", str(folder), *args, "-z", "--stdin"]
    result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    return result.stdout.split("\0")[:-1]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


@pytest.mark.parametrize("seed", range(25))
def test_ignored_paths_are_those_git_ignores(repo: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [chance.choice(["", "", "!"]) + random_pattern(chance) for _ in range(4)]
    text, paths = "\n".join(lines) + "\n", random_paths(chance)
    (repo / ".gitignore").write_text(text)
    expected = git(repo, "check-ignore", "--no-index", stdin="\0".join(paths))
    rules = gitignore.parse(text)
    assert [path for path in paths if rules.ignores(path)] == expected


@pytest.mark.parametrize("seed", range(25))
def test_lfs_paths_are_those_git_filters(repo: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = [random_pattern(chance) + chance.choice(SETTINGS) for _ in range(5)]
    text, paths = "\n".join(["[attr]big filter=lfs -text", *lines, ""]), random_paths(chance)
    (repo / ".gitattributes").write_text(text)
    answer = git(repo, "check-attr", "filter", stdin="\0".join(paths))
    expected = [
        path for path, value in zip(answer[::3], answer[2::3], strict=True) if value == "lfs"
    ]
    rules = gitattributes.parse(text.encode())
    assert [path for path in paths if rules.is_lfs(path)] == expected


@pytest.mark.parametrize(
    "path", ["plain", "a/b c", 'q"uote', "st*r", "#a", "[x]", "ünï/co", "!b", "w\\ b"]
)
def test_a_tracked_path_means_that_file_and_no_other(repo: Path, path: str) -> None:
    data = gitattributes.track(b"*.txt -text", [path], per_extension=20)
    (repo / ".gitattributes").write_bytes(data)
    asked = [path, f"other/{path}", f"{path}x", "star"]
    answer = git(repo, "check-attr", "filter", stdin="\0".join(asked))
    assert answer[2::3] == ["lfs", "unspecified", "unspecified", "unspecified"]
    assert [gitattributes.parse(data).is_lfs(p) for p in asked] == [True, False, False, False]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("model.safetensors", True), ("a/b/c.bin", True), ("saved_model/x/y", True),
     ("x.tfevents.1", True), ("config.json", False), ("README.md", False), ("bin", False)],
)  # fmt: skip
def test_new_repos_keep_weights_in_lfs(path: str, expected: bool) -> None:
    assert gitattributes.parse(gitattributes.default(RepoType.MODEL)).is_lfs(path) is expected


def test_only_datasets_keep_images_in_lfs() -> None:
    lists = {kind: gitattributes.parse(gitattributes.default(kind)) for kind in RepoType}
    assert {kind.value for kind, rules in lists.items() if rules.is_lfs("a.png")} == {"dataset"}


def test_many_paths_of_one_extension_get_one_line() -> None:
    paths = [*(f"{n}.raw" for n in range(3)), "a/b.dat", ".hidden", "c.dat", "LICENSE"]
    expected = ["*.raw", "a/b.dat", "/c.dat", "/.hidden", "/LICENSE"]
    data = gitattributes.track(b"", paths, per_extension=2)
    assert sorted(line.split()[0] for line in data.decode().splitlines()) == sorted(expected)


def test_the_last_line_wins() -> None:
    rules = gitattributes.parse(b"*.bin filter=lfs\nsmall.bin !filter\n")
    assert [rules.is_lfs(path) for path in ("a.bin", "small.bin")] == [True, False]


def test_nothing_in_an_ignored_folder_can_be_taken_back() -> None:
    rules = gitignore.parse("build/\n!build/keep\n")
    assert rules.ignores("build/keep")


def test_a_kept_space_belongs_to_the_pattern() -> None:
    rules = gitignore.parse("a\\ \nb  \n")
    assert [rules.ignores(path) for path in ("a ", "a", "b")] == [True, False, True]


@pytest.mark.parametrize("path", ["a" * 1000, "/".join(["a" * 100] * 9)])
def test_hostile_patterns_do_not_stall_the_matcher(path: str) -> None:
    stars = "\n".join(
        [("*a" * 500) + "b", "**/a*/" * 150 + "b", "/".join(["**", "*a*"] * 150) + "b"]
    )
    assert not gitignore.parse(stars).ignores(path)


def test_too_many_wildcards_are_refused() -> None:
    text = "\n".join(f"*{number}" for number in range(MAX_WILDCARDS + 1))
    with pytest.raises(InvalidFormat, match="More than 1000 patterns"):
        gitignore.parse(text)


def test_many_plain_names_are_welcome() -> None:
    data = "".join(f"folder/{n}.raw filter=lfs\n" for n in range(20_000)).encode()
    assert gitattributes.parse(data).is_lfs("folder/19999.raw")
