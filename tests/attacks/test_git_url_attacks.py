"""Git repos and git servers that want to run something, write somewhere, or never end."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reprise.base.errors import (
    CorruptContent,
    EntryNotFound,
    HubUnreachable,
    InvalidId,
    InvalidInput,
    NotSupported,
    RepriseError,
    TooLarge,
)
from reprise.base.ids import RepoId
from reprise.formats.lfs_pointer import Pointer, serialise
from reprise.hub.address import Address, parse
from reprise.hub.snapshots import Options, open_snapshot
from reprise.hub.sources import git_command
from reprise.hub.sources.git_command import Git as Command
from reprise.hub.sources.git_command import Patience, readable
from reprise.hub.sources.lfs import LargeFiles
from tests.git_client import Git
from tests.scripted_server import ScriptedHandler, ScriptedServer

CODE = b"def net():\n    return 'one'\n"
HUB = "https://hub.example.org"
DATA = b"w" * 3000
POINTER = Pointer(sha256(DATA).hexdigest(), len(DATA))


@pytest.fixture
def evil(tmp_path: Path, client_home: Path) -> Git:
    assert not client_home.exists()
    git = Git(tmp_path).init("evil")
    git.commit("one", **{"hubconf.py": CODE})
    return git


def url(git: Git, rest: str = "") -> str:
    return f"file://{git.folder}{rest}"


# -- what is typed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "ext::sh -c touch% /tmp/x", "ext::sh/x", "git+ext::sh", "fd::17/x", "git://-x/y.git",
        "--upload-pack=touch /tmp/x", "--upload-pack=x/y", "-x/y.git", "ssh://-oProxyCommand=x/y",
        "ssh://git@-oProxyCommand=x/y.git", "git@-oProxyCommand=x:y.git", "-oProxyCommand=x@h:y",
        "ssh://-l@host/y.git", "git@host:-x/y.git", "git@host:--upload-pack=x", "ssh://a b/c.git",
        "https://u:p@host/x.git", "https://token@host/x.git", "ssh://git:pw@host/x.git",
        "https://host/../x.git", "https://host/%2e%2e/x.git", "https://host/a//x.git",
        "https://host/a%2fb/x.git", "https://host/x.git?y=1", "https://host/a%0ab/x.git",
        "file://host/x.git", "file:///x.git:-b", "https://host/x.git:--output=x",
        "https://host/x.git@v1", "https://host/x.git:a..b", "https://host/x.git#../y",
        "https://host/a\\b.git", "https://host/$(id).git", "https://host/`id`.git",
        "git+gopher://host/x.git", "https:///x.git", "https://host/.git:", "git+",
        "https://host/x.git\n--upload-pack=y",
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ["hub", "git"])
def test_nothing_but_a_plain_url_reaches_git(text: str, source: str) -> None:
    with pytest.raises((InvalidId, InvalidInput)) as caught:
        parse(text, source=source, endpoint=HUB)
    assert ":p@" not in str(caught.value)


def test_what_reaches_git_stands_behind_the_end_of_its_options(monkeypatch, tmp_path) -> None:
    from reprise.hub.sources.git_repo import GitSource

    lines: list[list[str]] = []
    monkeypatch.setattr(Command, "run", lambda _, *args, **__: lines.append([*args]) or b"")
    remote = "https://host/ada/net.git"
    address = Address("https://host", RepoId("ada", "net"), kind="git", remote=remote)
    source = GitSource(address)
    source._refs()
    source._contains("0" * 40)
    for line in lines:
        assert remote not in line or line.index("--") < line.index(remote)
    assert len(lines) == 4
    assert tmp_path.exists()


# -- what a repo holds ------------------------------------------------------------------------


def test_hooks_config_and_filters_run_nothing(evil: Git, tmp_path: Path, monkeypatch) -> None:
    ran = tmp_path / "ran"
    for hook in ("post-checkout", "pre-auto-gc", "post-merge", "reference-transaction"):
        path = evil.folder / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {ran}\n")
        path.chmod(0o755)
    evil.write(".gitattributes", "* filter=evil\n")
    evil.commit("attributes")
    for name in ("core.fsmonitor", "core.sshCommand", "uploadpack.packObjectsHook",
                 "filter.evil.smudge", "core.pager", "credential.helper"):  # fmt: skip
        evil("config", name, f"touch {ran}")
    user = tmp_path / "gitconfig"
    user.write_text(f'[filter "evil"]\n\tsmudge = touch {ran}\n\trequired = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(user))
    ran.unlink(missing_ok=True)  # the commit above was the hooks' last chance
    snapshot = open_snapshot(url(evil), Options())
    assert (snapshot.folder / "hubconf.py").read_bytes() == CODE
    assert not ran.exists()


def test_hooks_of_the_users_own_templates_are_not_run_either(evil: Git, tmp_path, monkeypatch):
    ran, template = tmp_path / "ran", tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    for name in ("reference-transaction", "post-checkout"):
        (template / "hooks" / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (template / "hooks" / name).chmod(0o755)
    user = tmp_path / "gitconfig"
    user.write_text(f"[init]\n\ttemplateDir={template}\n[core]\n\thooksPath={template}/hooks\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(user))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    open_snapshot(url(evil), Options())
    assert not ran.exists()


def test_submodules_are_never_fetched(evil: Git, tmp_path: Path, monkeypatch) -> None:
    ran = tmp_path / "ran"
    modules = f'[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch {ran}"\n\tupdate = !touch\n'
    evil.write(".gitmodules", modules)
    evil("update-index", "--add", "--cacheinfo", f"160000,{evil.head()},x")
    evil.commit("sub")
    user = tmp_path / "gitconfig"
    user.write_text("[protocol]\n\tallow = always\n[submodule]\n\trecurse = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(user))
    assert not (open_snapshot(url(evil), Options()).folder / "x").exists()
    assert not ran.exists()


def test_a_rewritten_url_cannot_become_a_command(evil: Git, tmp_path: Path, monkeypatch) -> None:
    ran, user = tmp_path / "ran", tmp_path / "gitconfig"
    rewrite = f'[url "ext::sh -c touch% {ran} "]\n\tinsteadOf = {url(evil)}\n'
    user.write_text(f"{rewrite}[protocol]\n\tallow = always\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(user))
    with pytest.raises(InvalidInput, match="leads to 'ext', which git may not use here"):
        open_snapshot(url(evil), Options())
    assert not ran.exists()


def test_the_environment_of_another_git_does_not_matter(evil: Git, tmp_path, monkeypatch) -> None:
    other = Git(tmp_path).init("other")
    other.commit("other", **{"secret.py": b"x"})
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.folder / ".git" / "objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "never")
    before = sorted((other.folder / ".git").rglob("*"))
    assert (open_snapshot(url(evil), Options()).folder / "hubconf.py").read_bytes() == CODE
    assert sorted((other.folder / ".git").rglob("*")) == before


def tree(git: Git, *entries: tuple[str, str, str]) -> str:
    """Write a tree that git itself would never make, and commit it."""
    data = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, name, oid in entries)
    oid = git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)
    commit = git("commit-tree", oid, "-m", "evil")
    git("update-ref", "refs/heads/main", commit)
    return commit


def test_a_file_behind_a_link_of_the_same_name_is_not_written(evil: Git, tmp_path) -> None:
    blob = evil("hash-object", "-w", "--stdin", stdin="evil = 1\n")
    link = evil("hash-object", "-w", "--stdin", stdin=str(tmp_path))
    data = b"100644 evil.py\0" + bytes.fromhex(blob)
    folder = evil("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)
    tree(evil, ("120000", "lib", link), ("40000", "lib", folder))
    with pytest.raises(CorruptContent, match="'lib' as a file and as a folder"):
        open_snapshot(url(evil), Options())
    assert not (tmp_path / "evil.py").exists()


@pytest.mark.parametrize(
    "name", ["..", ".git", ".GIT", "git~1", "a\\b", "a/../../b", ".", "a\x01b"]
)
def test_a_path_that_leaves_the_snapshot_is_refused(evil: Git, name: str, client_home) -> None:
    blob = evil("hash-object", "-w", "--stdin", stdin="evil = 1\n")
    tree(evil, ("100644", name, blob))
    with pytest.raises((InvalidId, CorruptContent)):
        open_snapshot(url(evil), Options())
    assert [p for p in (client_home / "snapshots").rglob("*") if p.is_file() and p.suffix != ".lock"
            ] == []  # fmt: skip


def test_a_link_as_long_as_a_film_is_not_read(evil: Git) -> None:
    link = evil("hash-object", "-w", "--stdin", stdin="x" * 5000)
    tree(evil, ("120000", "conf.py", link))
    with pytest.raises(CorruptContent, match=r"The link 'conf\.py' is longer than any path"):
        open_snapshot(url(evil), Options())


def test_a_tree_that_unfolds_without_end_is_stopped(evil: Git, client_home: Path) -> None:
    oid = evil("hash-object", "-w", "--stdin", stdin="x = 1\n")
    mode = "100644"
    for _ in range(12):
        lines = "".join(f"{mode} {'blob' if mode == '100644' else 'tree'} {oid}\td{n}\n"
                        for n in range(10))  # fmt: skip
        oid, mode = evil("mktree", stdin=lines), "40000"
    evil("update-ref", "refs/heads/main", evil("commit-tree", oid, "-m", "10^12 files"))
    with pytest.raises(TooLarge, match="more than any honest repo holds"):
        open_snapshot(url(evil), Options())
    assert list((client_home / "snapshots").rglob("*.py")) == []


def test_a_branch_that_ends_in_no_commit_is_refused(evil: Git) -> None:
    blob = evil("hash-object", "-w", "--stdin", stdin="x")
    evil("update-ref", "refs/tags/blob", blob)
    with pytest.raises(RepriseError):
        open_snapshot(url(evil, ":blob"), Options())


def test_a_repo_of_more_files_or_bytes_than_allowed_is_refused(evil: Git, monkeypatch) -> None:
    from reprise.hub.sources import git_tree

    evil.commit("more", **{"a.py": b"x" * 5000, "b.py": b"y" * 5000})
    monkeypatch.setattr(git_tree, "MAX_UNPACKED", 9000)
    with pytest.raises(TooLarge, match="files take more than 9000 bytes"):
        open_snapshot(url(evil), Options())
    monkeypatch.setattr(git_tree, "MAX_FILES", 2)
    with pytest.raises(TooLarge, match="more than 2 files"):
        open_snapshot(url(evil), Options())


def test_a_pack_without_end_is_stopped(evil: Git, monkeypatch) -> None:
    monkeypatch.setattr(git_command, "MAX_PACK", 0)
    monkeypatch.setattr(git_command, "_TICK", 0.0001)
    evil.commit("more", **{"a.bin": os.urandom(20 << 20)})
    with pytest.raises(TooLarge, match="more than any honest repo holds"):
        open_snapshot(url(evil), Options())


# -- what a server does -----------------------------------------------------------------------


def test_a_server_that_never_answers_is_given_up_and_leaves_no_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        remote = f"git://127.0.0.1:{server.getsockname()[1]}/x.git"
        with pytest.raises(HubUnreachable, match="heard nothing for 1 seconds"):
            Command(remote, patience=Patience(stall=1)).run("ls-remote", "--", remote)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_an_interrupted_fetch_ends_git_too(monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with socket.create_server(("127.0.0.1", 0)) as server:
        remote = f"git://127.0.0.1:{server.getsockname()[1]}/x.git"
        monkeypatch.setattr(git_command._Running, "_watch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            Command(remote).run("ls-remote", "--", remote)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert signal.getsignal(signal.SIGINT) is not None


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    said = b"remote: \x1b[2J\x1b]0;pwned\x07 \xc2\x9b31m hi\r\nfatal: no\x00\n"
    assert readable(said) == "remote: [2J]0;pwned 31m hi\n\nfatal: no"


class _LfsHandler(ScriptedHandler):
    script: "Host"

    def answer(self) -> None:
        self.read()
        is_batch = self.command == "POST"
        body = json.dumps(self.script.answer).encode() if is_batch else self.script.body
        self.script.asked.append((self.path, dict(self.headers)))
        self.send(body)


@dataclass
class Host(ScriptedServer):
    """An LFS server that answers as it is told."""

    handler = _LfsHandler
    answer: Any = None
    body: bytes = b""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def offer(self, href: str, **header: str) -> None:
        action = {"download": {"href": href, "header": header}}
        self.answer = {"objects": [{"oid": POINTER.sha256, "actions": action}]}


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as server:
        yield server


def fetch(host: Host, into: Path) -> bytes:
    remote = f"{host.url}/ada/net.git"
    address = Address(host.url, RepoId("ada", "net"), kind="git", remote=remote)
    LargeFiles(Command(remote), address).fetch({"model.bin": POINTER}, into)
    return (into / "model.bin").read_bytes()


def test_a_large_file_is_asked_for_with_the_headers_its_server_names(host, tmp_path) -> None:
    host.offer(f"{host.url}/stored", **{"X-Signed": "yes"})
    host.body = DATA
    assert fetch(host, tmp_path) == DATA
    assert host.asked[0][0] == "/ada/net.git/info/lfs/objects/batch"
    assert (host.asked[1][0], host.asked[1][1]["X-Signed"]) == ("/stored", "yes")


def test_a_large_file_with_other_bytes_is_refused_and_not_kept(host, tmp_path) -> None:
    host.offer(f"{host.url}/stored")
    host.body = b"e" * len(DATA)
    with pytest.raises(CorruptContent, match="sends another file than"):
        fetch(host, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("href", ["file:///etc/passwd", "", "ftp://127.0.0.1/x", "gopher://x"])
def test_a_large_file_comes_over_the_network_only(host, tmp_path, href: str) -> None:
    host.offer(href)
    with pytest.raises(InvalidInput, match="is not an http or https URL"):
        fetch(host, tmp_path)


@pytest.mark.parametrize(
    "answer",
    [None, [], {"objects": 3}, {"objects": [{"oid": "x"}]}, {"objects": [3]},
     {"objects": [{"oid": POINTER.sha256, "actions": []}]},
     {"objects": [{"oid": POINTER.sha256, "actions": {"download": {"header": 3}}}]},
     {"objects": [{"oid": POINTER.sha256, "error": {"code": 404, "message": "no"}}]}],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_error(host, tmp_path, answer: Any) -> None:
    host.answer = answer
    with pytest.raises((CorruptContent, EntryNotFound)):
        fetch(host, tmp_path)


def test_the_repo_does_not_choose_who_is_asked_for_large_files(evil: Git, host: Host) -> None:
    evil.write(".lfsconfig", f"[lfs]\n\turl = {host.url}\n")
    evil.commit("lfs", **{"model.bin": serialise(POINTER)})
    with pytest.raises(EntryNotFound):
        open_snapshot(url(evil), Options())
    assert host.asked == []


def test_large_files_behind_a_git_daemon_are_refused_honestly(tmp_path: Path) -> None:
    address = Address("git://h", RepoId("a", "b"), kind="git", remote="git://h/a/b.git")
    both = {"a.bin": POINTER, "b.bin": POINTER}
    with pytest.raises(NotSupported, match=r"a\.bin and 1 more are kept outside git") as caught:
        LargeFiles(Command(address.remote), address).fetch(both, tmp_path)
    assert caught.value.hint.startswith("Use the repo's https URL.")


# -- large files behind ssh -------------------------------------------------------------------


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch) -> Path:
    """Answers as `git-lfs-authenticate` on another machine would: what the file holds."""
    script = tmp_path / "ssh with spaces"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > "{tmp_path}/asked"\ncat "{tmp_path}/said"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"'{script}' -oBatchMode=yes")
    return tmp_path / "said"


def behind_ssh(remote: str, into: Path) -> bytes:
    into.mkdir()
    address = Address("ssh://git@h", RepoId("a", "b"), kind="git", remote=remote)
    LargeFiles(Command(remote), address).fetch({"model.bin": POINTER}, into)
    return (into / "model.bin").read_bytes()


@pytest.mark.parametrize(
    ("remote", "asked"),
    [
        ("git@h:a/b.git", ["git@h", "git-lfs-authenticate a/b.git download"]),
        ("ssh://git@h:22/~a/b", ["-p", "22", "git@h", "git-lfs-authenticate '~a/b' download"]),
        ("ssh://h/a%20b.git", ["h", "git-lfs-authenticate '/a b.git' download"]),
        ("ssh://h/$(id)%27.git", ["h", "git-lfs-authenticate '/$(id)'\"'\"'.git' download"]),
    ],
)
def test_large_files_behind_ssh_are_where_their_server_says(
    remote: str, asked: list[str], ssh: Path, host: Host, tmp_path: Path
) -> None:
    header = {"Authorization": "RemoteAuth once"}
    ssh.write_text(json.dumps({"href": f"{host.url}/lfs", "header": header}))
    host.offer(f"{host.url}/stored")
    host.body = DATA
    assert behind_ssh(remote, tmp_path / "into") == DATA
    assert (tmp_path / "asked").read_text().splitlines() == ["-oBatchMode=yes", *asked]
    sent = [headers.get("Authorization") for _, headers in host.asked]
    assert (host.asked[0][0], sent) == ("/lfs/objects/batch", ["RemoteAuth once", None])


@pytest.mark.parametrize(
    "said", ["", "[]", "{}", "git-lfs-authenticate: not found", '{"href": 3, ']
)
def test_an_ssh_server_that_answers_nonsense_is_called_so(ssh, tmp_path, said: str) -> None:
    ssh.write_text(said)
    with pytest.raises(CorruptContent, match="does not answer like an LFS server"):
        behind_ssh("git@h:a/b.git", tmp_path / "into")


def test_an_ssh_server_leads_to_the_web_only(ssh: Path, tmp_path: Path) -> None:
    ssh.write_text('{"href": "file:///etc"}')
    with pytest.raises(InvalidInput, match="is not an http or https URL"):
        behind_ssh("git@h:a/b.git", tmp_path / "into")


def test_an_ssh_that_fails_is_named_with_the_way_out(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "echo no such command >&2; false")
    with pytest.raises(NotSupported, match="does not say where: no such command") as caught:
        behind_ssh("git@h:a/b.git", tmp_path / "into")
    assert caught.value.hint.startswith("Use the repo's https URL.")
