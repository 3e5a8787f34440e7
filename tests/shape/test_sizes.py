"""Files and functions stay small enough to be read at one sitting."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE = 500
MAX_TEST_FILE = 800
MAX_FUNCTION = 50


def python_files(*folders: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=ROOT, capture_output=True, check=True
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name.endswith(".py") and (ROOT / name).exists()]


def line_count(path: Path) -> int:
    return len(path.read_text().splitlines())


def long_functions(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for function in functions
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION
    ]


@pytest.mark.parametrize(
    ("folders", "limit"),
    [(["src", "examples", "benchmarks"], MAX_FILE), (["tests"], MAX_TEST_FILE)],
    ids=["code", "tests"],
)
def test_no_file_is_too_long(folders: list[str], limit: int) -> None:
    sizes = {path.relative_to(ROOT): line_count(path) for path in python_files(*folders)}
    assert {path: size for path, size in sizes.items() if size > limit} == {}


def test_no_function_is_too_long() -> None:
    found = [name for path in python_files("src", "benchmarks") for name in long_functions(path)]
    assert found == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils.py", "util.py", "helpers.py", "misc.py", "common.py"}
    assert [path for path in python_files("src") if path.name in empty] == []
