"""The question on the terminal, and pipes that close early."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted_hub import ScriptedHub

CODE = b"def net():\n    'A net.'\n    return 1\n"


def environment(home: Path, url: str) -> dict[str, str]:
    return os.environ | {
        "HF_ENDPOINT": url,
        "HF_HOME": str(home / "hf"),
        "TORCH_HOME": str(home / "torch"),
        "REPRISE_TRUST_FILE": str(home / "trust.json"),
        "TERM": "dumb",
    }


def on_a_terminal(argv: list[str], typed: str, env: dict[str, str]) -> tuple[int, str, str]:
    """Run a command whose stdin and stderr are a terminal; returns code, stdout and terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "reprise", *argv],
        stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True, env=env,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed.encode())
    out, _ = process.communicate(timeout=60)
    shown = b""
    while chunk := _read(ours):
        shown += chunk
    os.close(ours)
    return process.returncode, out, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # what Linux answers when the other end is closed
        return b""


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked_once_per_commit(tmp_path: Path, typed: str, code: int) -> None:
    with ScriptedHub() as hub:
        commit = hub.commit("ada/net", {"hubconf.py": CODE})
        env = environment(tmp_path, hub.url)
        done, out, shown = on_a_terminal(["load", "ada/net", "net"], typed, env)
        assert done == code
        assert f"at commit {commit}" in shown
        assert "Run it, now and later? [y/N]" in shown
        assert ("value: 1" in out) == (code == 0)
        again, _, shown = on_a_terminal(["load", "ada/net", "net"], "n\n", env)
        assert again == code
        assert ("Run it" in shown) == (code != 0)


def test_rows_are_aligned_under_a_heading_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_bytes(CODE)
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "reprise", "list", tmp_path], stdout=theirs,
        stderr=subprocess.DEVNULL, check=True, timeout=60,
        env=environment(tmp_path, "http://127.0.0.1:9") | {"COLUMNS": "80"},
    )  # fmt: skip
    os.close(theirs)
    assert _read(ours).decode().splitlines() == [
        "NAME  SIGNATURE  SUMMARY",
        "net   ()         A net. ",
    ]
    os.close(ours)


def test_a_closed_pipe_ends_the_command_without_a_traceback(tmp_path: Path) -> None:
    lines = [f"def net{n}():\n    'A net.'\n" for n in range(3000)]
    (tmp_path / "hubconf.py").write_text("".join(lines))
    process = subprocess.Popen(
        [sys.executable, "-m", "reprise", "-q", "list", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(tmp_path, "http://127.0.0.1:9"),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (1, b"")
