"""Git URLs on the command line, over every transport: files, git://, ssh and http."""

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import Hub, make_repo
from tests.git_client import Git, remote

NET = b"def net(width=4):\n    'A net.'\n    return width\n"
# Runs on this machine what ssh would run on another: the last argument.
SSH = f"""#!{sys.executable}
import os, sys
os.chdir(os.environ["ACCOUNT"])
os.execvp("sh", ["sh", "-c", sys.argv[-1]])
"""

pytestmark = pytest.mark.usefixtures("client_home")


@pytest.fixture
def repo(tmp_path: Path) -> Git:
    (tmp_path / "srv" / "ada").mkdir(parents=True)
    git = Git(tmp_path / "srv" / "ada").init("net.git")
    git.commit("one", **{"hubconf.py": NET, "lib__a.py": b"x = 1\n"})
    return git


def everything(cli, address: str) -> None:
    """All four commands, and again without the network."""
    assert json.loads(cli("list", address, "--json").out)[0]["signature"] == "(width=4)"
    assert cli("help", address, "net").out == "net(width=4)\n\nA net.\n"
    refused = cli("load", address, "net")
    assert (refused.code, "nobody agreed to commit" in refused.err) == (1, True)
    assert cli("load", address, "net", "7", "--trust").out == "type: builtins.int\nvalue: 7\n"
    path = cli("download", address, "lib/a.py").out.strip()
    assert Path(path).read_bytes() == b"x = 1\n"
    assert cli("load", address, "net", "--offline").out == "type: builtins.int\nvalue: 4\n"
    assert cli("download", address, "--offline").code == 0


def test_from_a_disk(cli, repo: Git) -> None:
    everything(cli, f"file://{repo.folder}")
    listed = json.loads(cli("list", repo.folder, "--source", "git", "--json").out)
    assert listed[0]["commit"] == repo.head()


def test_through_ssh_in_both_spellings(cli, repo: Git, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(tmp_path / "ssh"))
    monkeypatch.setenv("ACCOUNT", str(tmp_path / "srv"))
    everything(cli, f"ssh://git@git.example.org{repo.folder}")
    everything(cli, "git@git.example.org:ada/net.git:main")


class _Inetd(socketserver.BaseRequestHandler):
    """One connection, served by the real git daemon."""

    def handle(self) -> None:
        root = self.server.root  # type: ignore[attr-defined]
        subprocess.run(
            ["git", "daemon", "--inetd", "--export-all", f"--base-path={root}", str(root)],
            stdin=self.request, stdout=self.request, check=False, env=os.environ,
        )  # fmt: skip


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Inetd) as server:
        server.root = tmp_path / "srv"  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"git://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("repo")
def test_from_a_git_daemon(cli, daemon: str) -> None:
    everything(cli, f"{daemon}/ada/net.git")
    missing = cli("list", f"{daemon}/ada/nothing.git")
    assert (missing.code, "is not there" in missing.err) == (1, True)


def test_from_a_hub_over_http(cli, online: Hub, repo: Git) -> None:
    make_repo(online.registry, "ada/net", private=True)
    repo("push", "-q", remote(online, "ada/net"), "main:dev")
    everything(cli, f"{online.url}/ada/net.git:dev")
    assert cli("list", "ada/net:dev", "--source", "git").out == "net\t(width=4)\tA net.\n"


def test_what_is_no_url_is_a_usage_that_says_how(cli) -> None:
    done = cli("list", "ssh://-oProxyCommand=touch/x.git")
    assert done.code == 1
    assert "is not the URL of a git repo: '-oProxyCommand=touch' is not a host" in done.err
    assert "Write https://host/path.git" in done.err
