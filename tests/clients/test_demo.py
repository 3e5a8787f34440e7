"""The demo works, says so with its exit code, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

COMMAND = [sys.executable, "-m", "reprise", "demo"]


def processes_of(folder: Path) -> list[str]:
    """Command lines of this machine's processes that name a folder."""
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return [line.decode(errors="replace") for line in lines if str(folder).encode() in line]


def settings_of_the_checkout() -> str:
    """What a careless `git` command of the demo would change: configuration and hooks."""
    git = ["git", "-C", str(Path(__file__).parent)]
    ask = [[*git, "rev-parse", "--absolute-git-dir"], [*git, "config", "--local", "--list"]]
    folder, listed = (subprocess.check_output(command, text=True).strip() for command in ask)
    hooks = sorted((Path(folder) / "hooks").glob("*"))
    return f"{listed}{hooks}"


def environment(folder: Path) -> dict[str, str]:
    """A home and a folder for temporary files that can be looked at afterwards."""
    return os.environ | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}


def test_the_demo_is_right_and_leaves_nothing_behind(tmp_path):
    before = settings_of_the_checkout()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [*COMMAND, "--exit"], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Everything is as it should be: \d+ checks in 14 steps", done.stdout)
    assert "the accuracy is what the card claims, 0.9146" in done.stdout
    assert list(tmp_path.rglob("*")) == [tmp_path / "tmp", tmp_path / "home"]
    assert processes_of(tmp_path) == []
    assert settings_of_the_checkout() == before


def test_the_demo_stays_up_until_it_is_stopped_and_keeps_the_folder_it_was_given(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    hub = tmp_path / "hub"
    with subprocess.Popen(
        [*COMMAND, "--data", hub], env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        page = next(
            found[1] for line in demo.stdout if (found := re.search(r"Open (http\S+)", line))
        )
        assert httpx2.get(page).status_code == 200
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (hub / "secret.key").is_file()
    assert processes_of(tmp_path) == []


def test_a_second_demo_on_the_same_folder_is_right_too(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    for _ in range(2):
        done = subprocess.run(
            [*COMMAND, "--exit", "--data", tmp_path / "hub"],
            env=environment(tmp_path), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
