"""The client says everything through `logging`; nothing is printed that cannot be muted."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Programs of their own, whose output is read by whoever starts them.
PROGRAMS = ("src/reprise/isolate/guard/", "src/reprise/isolate/inside/")
# A question has to be seen by whom it asks; trust_repo=True, or no terminal, mutes it.
QUESTIONS = {"src/reprise/hub/consent.py:ask_on_terminal"}
STARTS = {"run", "Popen", "call", "check_call", "check_output"}
NAMES = [
    name
    for name in subprocess.run(
        ["git", "ls-files", "--", "src/reprise/hub", "src/reprise/isolate", "src/reprise/base"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()
    if name.endswith(".py") and not name.startswith(PROGRAMS) and (ROOT / name).exists()
]  # fmt: skip


def loud(name: str) -> Iterator[str]:
    """Yield the places of a file that write to a stream, or let a program write to ours."""
    tree = ast.parse((ROOT / name).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (what := _noise(node)):
            within = [f.name for f in functions if f.lineno <= node.lineno <= (f.end_lineno or 0)]
            place = f"{name}:{within[-1] if within else node.lineno}"
            if place not in QUESTIONS:
                yield f"{place}: {what}"


def _noise(call: ast.Call) -> str:
    text = ast.unparse(call.func)
    keywords = {keyword.arg for keyword in call.keywords}
    if text in {"print", "pprint", "warnings.warn", "traceback.print_exc"}:
        return text
    if text.startswith(("sys.stdout.", "sys.stderr.", "sys.__std")) and "isatty" not in text:
        return text
    if text.startswith("subprocess.") and text.rpartition(".")[2] in STARTS:
        caught = "capture_output" in keywords or {"stdout", "stderr"} <= keywords
        return "" if caught else f"{text} with our own streams"
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_no_file_of_the_client_writes_to_a_stream(name: str) -> None:
    assert list(loud(name)) == []


def test_every_logger_of_the_client_is_below_one_name() -> None:
    found = set()
    for name in NAMES:
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "logging.getLogger":
                found.update(ast.literal_eval(argument) for argument in node.args)
    assert {name.partition(".")[0] for name in found} == {"reprise"}
