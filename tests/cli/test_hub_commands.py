"""login, whoami, publish, search and download against the real server."""

import io
import json
from pathlib import Path

import pytest

from tests.factories import Hub
from tests.wheelhouse import make_wheel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "net"
    made.mkdir()
    (made / "hubconf.py").write_text("dependencies = []\n\n\ndef net():\n    'Make it.'\n")
    (made / "README.md").write_text("---\nlicense: mit\n---\n# Net\n")
    (made / "model.bin").write_bytes(b"\x80\x04pickle")
    return made


def test_login_reads_the_token_from_stdin(cli, online: Hub, client_home, monkeypatch) -> None:
    (client_home / "token").unlink()
    assert "error: You are not logged in." in cli("whoami").err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{online.token}\n"))
    done = cli("login", "--token", "-")
    assert done.out == f"Logged in to {online.url} as ada (write access).\n"
    assert cli("whoami").out == "ada\n"
    assert json.loads(cli("whoami", "--json").out)["endpoint"] == online.url
    assert cli("logout").out == "Logged out.\n"
    assert cli("whoami").code == 1


@pytest.mark.usefixtures("online")
def test_login_without_terminal_or_token_says_what_to_pass(cli, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    done = cli("login")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: There is no terminal to ask for an access token on")


def test_publish_prints_url_and_commit_and_warns_about_pickles(cli, online: Hub, folder) -> None:
    done = cli("publish", folder, "ada/net", "-m", "First")
    url, commit = done.out.split()
    assert (url, len(commit)) == (f"{online.url}/ada/net", 40)
    assert "warning: model.bin: is a pickle" in done.err
    assert done.err.endswith("Published 3 files, 81 B.\n")
    again = cli("publish", folder, "ada/net", "--json")
    assert json.loads(again.out)["unchanged"] is True
    assert online.api().list_repo_commits("ada/net")[0].title == "First"


@pytest.mark.usefixtures("online")
def test_a_dry_run_lists_files_and_sends_nothing(cli, folder) -> None:
    done = cli("publish", folder, "ada/net", "--dry-run")
    assert done.out == "README.md\t27\nhubconf.py\t46\nmodel.bin\t8\n"
    assert done.err.endswith("Would publish 3 files, 81 B, to ada/net. Nothing was sent.\n")
    assert cli("download", "ada/net").code == 1


@pytest.mark.usefixtures("online")
def test_a_folder_that_is_not_right_is_not_published(cli, folder) -> None:
    (folder / "hubconf.py").write_text("import os\n")
    done = cli("publish", folder, "ada/net", "--dry-run", "--json")
    assert done.code == 1
    assert json.loads(done.out)["findings"][0]["message"].startswith("offers no entry points")
    done = cli("publish", folder, "ada/net")
    assert (done.code, done.out) == (1, "")
    assert "hubconf.py: offers no entry points: define a public function" in done.err


def test_publish_adds_a_lock_once(cli, online: Hub, folder, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (folder / "hubconf.py").write_text('import base\n\n\ndef net():\n    "Make it."\n')
    make_wheel(tmp_path / "shelf", "base", "1.0")
    monkeypatch.chdir(tmp_path)
    locking = ("--find-links", "shelf")
    planned = cli("publish", folder, "ada/net", "--dry-run")
    assert "pylock.toml, would be added.\nWould publish 3 files" in planned.err
    cli("publish", folder, "ada/net", "--no-lock")
    assert not (folder / "pylock.toml").exists()
    assert cli("publish", folder, "ada/net", *locking).code == 0
    text = online.client().get("/ada/net/resolve/main/pylock.toml").text
    assert (folder / "pylock.toml").read_text() == text
    assert 'name = "base"\nversion = "1.0"' in text
    make_wheel(tmp_path / "shelf", "base", "2.0")
    cli("publish", folder, "ada/net", *locking)
    assert (folder / "pylock.toml").read_text() == text
    cli("publish", folder, "ada/net", *locking, "--relock")
    assert 'version = "2.0"' in online.client().get("/ada/net/resolve/main/pylock.toml").text


@pytest.mark.usefixtures("online")
def test_publish_stops_at_a_conflict_and_names_the_places(cli, folder, tmp_path) -> None:
    (folder / "hubconf.py").write_text('import base\n\n\ndef net():\n    "Make it."\n')
    (folder / "requirements.txt").write_text("base==2.0\n")
    (folder / "README.md").write_text("---\nlicense: mit\nrequirements: base<2\n---\n# Net\n")
    make_wheel(tmp_path / "shelf", "base", "1.0")
    make_wheel(tmp_path / "shelf", "base", "2.0")
    done = cli("publish", folder, "ada/net", "--find-links", tmp_path / "shelf")
    assert (done.code, done.out) == (1, "")
    assert "  base: hubconf.py:1 imports base\n" in done.err
    assert "  base<2: `requirements` in README.md\n  base==2.0: requirements.txt:1\n" in done.err
    assert "--no-lock" in done.err
    assert not (folder / "pylock.toml").exists()
    wrong = cli("publish", folder, "ada/net", "--no-lock", "--relock")
    assert wrong.code == 2


@pytest.mark.usefixtures("online")
def test_search_and_download_print_data_only(cli, folder, tmp_path) -> None:
    cli("publish", folder, "ada/net")
    assert cli("search", "net").out.split("\t")[0] == "ada/net"
    assert [row["id"] for row in json.loads(cli("search", "--json").out)] == ["ada/net"]
    assert cli("search", "nothing").err.startswith("Nothing found")
    done = cli("download", "ada/net", "README.md", "--to", tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_text().startswith("---\nlicense: mit")
    assert done.out == f"{tmp_path / 'out' / 'README.md'}\n"
    missing = cli("download", "ada/net", "READM.md")
    assert missing.err == (
        "error: ada/net has no file 'READM.md'.\nhint:  Did you mean README.md?\n"
    )
