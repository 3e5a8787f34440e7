"""What repos and servers say is shown, and cannot steer the terminal that shows it."""

from pathlib import Path

import pytest

from reprise.cli.main import run
from reprise.cli.output import plain

HUBCONF = '''\
def net(title="\x1b]0;pwned\x07"):
    """A net.\x1b[2J\x9b31m \u202eevil

    Second line.
    """
'''


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "hubconf.py").write_text(HUBCONF)
    return str(tmp_path)


def steering(text: str) -> set[str]:
    return {char for char in text if char in "\x1b\x07\x9b\u202e\r\b"}


def test_docstrings_and_signatures_are_shown_without_control_characters(folder, capsys) -> None:
    assert run(["help", folder, "net"]) == 0
    shown = capsys.readouterr().out
    assert steering(shown) == set()
    assert "\n\nA net.\ufffd[2J\ufffd31m \ufffdevil\n\nSecond line.\n" in shown
    assert run(["list", folder]) == 0
    assert steering(capsys.readouterr().out) == set()


def test_errors_hints_and_logs_are_shown_without_them(folder, capsys) -> None:
    assert run(["help", folder, "n\x1b[2Jet\x07"]) == 1
    shown = capsys.readouterr().err
    assert (steering(shown), "has no entry point" in shown) == (set(), True)


def test_json_says_everything_as_json_does(folder, capsys) -> None:
    assert run(["list", folder, "--json"]) == 0
    assert "\\u001b[2J" in capsys.readouterr().out


def test_other_characters_stay_as_they_are() -> None:
    text = "tab\tline\nünï 模型 🤗 a\u200db"
    assert plain(text) == text
