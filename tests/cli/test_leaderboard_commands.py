"""Commands of boards and verdicts that age: on the server, and `verify --due` elsewhere."""

import gzip
import json
from pathlib import Path

import pytest

from reprise.cli.main import run

FILE = [{"task": "NLI", "datasets": [{"dataset": "SNLI", "sota": {"rows": [
    {"model_name": "A", "metrics": {"Acc": "90.1"}}]}}]}]  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = run(list(argv))
    out, err = capsys.readouterr()
    return code, out.strip(), err.strip()


def test_leaderboards_of_others_come_and_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, file = ("--data", str(tmp_path / "hub")), tmp_path / "snli.json"
    file.write_text(json.dumps(FILE))
    said = "1 results on 1 leaderboards, as history."
    assert printed(capsys, "leaderboard", "import", str(file), *data) == (0, said, "")
    assert printed(capsys, "leaderboard", "imports", *data) == (0, "snli.json\t1", "")
    file.write_text("[1]")
    code, _, error = printed(capsys, "leaderboard", "import", str(file), *data)
    assert (code, error.startswith("error: This is no leaderboard")) == (1, True)
    file.write_bytes(gzip.compress(json.dumps(FILE).encode()))
    assert printed(capsys, "leaderboard", "import", str(file), *data) == (0, said, "")
    for damaged in (b"\x1f\x8b\xff", b"\xff\xfe", file.read_bytes()[:-9]):
        file.write_bytes(damaged)
        code, _, error = printed(capsys, "leaderboard", "import", str(file), *data)
        assert (code, "is no UTF-8 text" in error) == (1, True)
    assert printed(capsys, "leaderboard", "remove", "snli.json", *data)[:2] == (
        0, "Removed 1 results.",
    )  # fmt: skip
    assert printed(capsys, "leaderboard", "remove", "snli.json", *data)[0] == 1


def test_rebuilds_are_kept_and_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path / "hub"))
    made = printed(
        capsys, "reverify", "rebuilt", "Scikit_Learn", "<1.8,>=1", "--because", "x", *data
    )
    assert made == (0, "1\tscikit-learn <1.8,>=1", "")
    assert printed(capsys, "reverify", "rebuilds", *data)[1] == "1\tscikit-learn\t<1.8,>=1\tx"
    assert printed(capsys, "reverify", "due", *data) == (0, "", "Nothing is due.")
    assert printed(capsys, "reverify", "forget", "1", *data)[0] == 0
    assert printed(capsys, "reverify", "forget", "1", *data)[0] == 1
    code, _, error = printed(capsys, "reverify", "rebuilt", "x", "latest", *data)
    assert (code, "names no versions of a package" in error) == (1, True)


@pytest.mark.parametrize("argv", [
    ["verify"], ["verify", "ada/net", "--due"], ["verify", "--due", "--list"],
    ["verify", "--due", "--claim", "x"],
])  # fmt: skip
def test_verify_takes_a_repo_or_what_is_due(argv: list[str]) -> None:
    assert run(argv) == 2
