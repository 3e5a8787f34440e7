"""The routes of GitHub that Reprise and torch.hub load from, over real git repos in a folder."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.scripted_server import ScriptedHandler, ScriptedServer

HANGS_UP = 0  # in place of a status: the connection ends without an answer


class _Handler(ScriptedHandler):
    script: "ScriptedGithub"

    def answer(self) -> None:
        self._answer(self.read())

    def _answer(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        self.script.log.append(f"{self.command} {path}")
        self.script.credentials.append(self.headers.get("Authorization", ""))
        for part, status in self.script.statuses.items():
            if part in path:
                if status == HANGS_UP:
                    self.close_connection = True
                else:
                    self._send(b"{}", status)
                return
        parts = path.strip("/").removeprefix("api/v3/repos/").split("/")
        repo = "/".join(parts[:2]).removesuffix(".git")
        if repo in self.script.moved:
            self._send(b"", 301, {"Location": path.replace(repo, self.script.moved[repo])})
        elif not (self.script.root / repo).is_dir():
            self._send(b"{}", 404)
        else:
            try:
                self._send(self._content(repo, parts[2:], body))
            except subprocess.CalledProcessError:
                self._send(b"{}", 404)

    def _content(self, repo: str, rest: list[str], body: bytes) -> bytes:
        git = self.script.git
        match rest:
            case ["git-upload-pack"]:
                return subprocess.run(
                    ["git", "upload-pack", "--stateless-rpc", "."], input=body, check=True,
                    cwd=self.script.root / repo, capture_output=True,
                    env=os.environ | {"GIT_PROTOCOL": self.headers["Git-Protocol"]},
                ).stdout  # fmt: skip
            case ["archive", name]:
                commit = name.removesuffix(".zip")
                prefix = f"{repo.partition('/')[2]}-{commit}/"
                made = git(repo, "archive", "--format=zip", f"--prefix={prefix}", commit)
                return self.script.archive or made
            case ["git", "trees", commit]:
                lines = git(repo, "ls-tree", "-r", "-t", "-l", commit).decode().splitlines()
                return json.dumps({"tree": [_item(line) for line in lines]}).encode()
            case ["compare", pair]:
                base, _, head = pair.partition("...")
                found = git(repo, "merge-base", base, head).decode().strip()
                return json.dumps({"status": "behind" if found == head else "diverged"}).encode()
        return self._for_torch_hub(repo, rest)

    def _for_torch_hub(self, repo: str, rest: list[str]) -> bytes:
        git = self.script.git
        match rest:
            case ["tree", branch]:
                return git(repo, "rev-parse", f"refs/heads/{branch}")
            case ["zipball", *ref]:
                commit = git(repo, "rev-parse", "/".join(ref) or "HEAD").decode().strip()
                prefix = f"{repo.replace('/', '-')}-{commit[:7]}/"
                made = git(repo, "archive", "--format=zip", f"--prefix={prefix}", commit)
                return self.script.archive or made
            case ["branches" | "tags" as kind]:
                first = "page=1" in self.path.partition("?")[2].split("&")
                return json.dumps(_refs(git, repo, kind) if first else []).encode()
        raise AssertionError(rest)

    def _send(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(body, (headers or {}) | self.script.headers, status)


def _refs(git: Callable[..., bytes], repo: str, kind: str) -> list[dict[str, object]]:
    folder = "refs/heads/" if kind == "branches" else "refs/tags/"
    shown = git(repo, "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", folder)
    found = [line.split() for line in shown.decode().splitlines()]
    return [{"name": one[0].removeprefix(folder), "commit": {"sha": one[-1]}} for one in found]


def _item(line: str) -> dict[str, object]:
    about, _, path = line.partition("\t")
    mode, kind, oid, size = about.split()
    item: dict[str, object] = {"path": path, "mode": mode, "type": kind, "sha": oid}
    return item | ({"size": int(size)} if kind == "blob" else {})


@dataclass
class ScriptedGithub(ScriptedServer):
    """Repos at `<root>/<owner>/<name>`, and what this host does wrong."""

    handler = _Handler

    root: Path
    moved: dict[str, str] = field(default_factory=dict)  # old owner/name -> new
    archive: bytes | None = None  # sent in place of every archive
    statuses: dict[str, int] = field(default_factory=dict)  # part of a path -> status
    headers: dict[str, str] = field(default_factory=dict)  # added to every answer
    log: list[str] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)

    def git(self, repo: str, *args: str) -> bytes:
        """Run git in a repo."""
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                    "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip
        return subprocess.run(
            ["git", *args], cwd=self.root / repo, check=True, capture_output=True,
            env=os.environ | identity,
        ).stdout  # fmt: skip

    def commit(self, repo: str, files: dict[str, bytes], branch: str = "main") -> str:
        """Commit files on a branch; the repo is created when needed."""
        folder = self.root / repo
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git(repo, "init", "-q", "-b", branch)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        self.git(repo, "add", "-A", "-f")
        self.git(repo, "commit", "-q", "--allow-empty", "-m", "change")
        return self.git(repo, "rev-parse", "HEAD").decode().strip()
