"""A hub of few lines that can be told to lie: what a client must survive.

It speaks just the routes that loading needs. Tests of honest hubs use the real server.
"""

import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from tests.scripted_server import ScriptedHandler, ScriptedServer

Files = dict[str, bytes]


class _Handler(ScriptedHandler):
    script: "ScriptedHub"

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.script.log.append(f"{self.command} {path}")
        self.script.tokens.append(self.headers.get("Authorization", ""))
        if self.script.status != 200:
            self._error(self.script.status, "")
            return
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and len(parts) == 2:
            self._json([{"id": repo} for repo in self.script.repos])
        elif parts[:2] == ["api", "models"]:
            self._api("/".join(parts[2:4]), parts[4:])
        elif parts[0] == "github" and self.script.archive is not None:
            self.send(self.script.archive, {"Content-Type": "application/zip"})
        elif len(parts) > 4 and parts[2] == "resolve":
            self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        else:
            self._error(404, "")

    def _api(self, repo: str, rest: list[str]) -> None:
        refs = self.script.refs.get(repo)
        if refs is None:
            self._error(404, "RepoNotFound")
            return
        if rest == ["refs"]:
            branches = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c}
                        for n, c in refs.items()]  # fmt: skip
            self._json({"branches": branches, "converts": [], "tags": []})
            return
        if rest[:1] == ["entry-points"] and repo in self.script.manifests:
            self.send(self.script.manifests[repo], {"Content-Type": "application/json"})
            return
        name = "/".join(rest[1:]) if rest[:1] in (["revision"], ["tree"]) else "main"
        commit = refs.get(name, name)
        files = self.script.repos[repo].get(commit)
        if files is None:
            self._error(404, "RevisionNotFound")
        elif rest[:1] == ["tree"]:
            self._json([self._item(path, data) for path, data in files.items()])
        else:
            self._json({"id": repo, "sha": commit, "private": False, "tags": [], "likes": 0})

    def _item(self, path: str, data: bytes) -> dict[str, object]:
        shown = self.script.lists.get(path, path)
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        item = {"type": "file", "path": shown, "size": len(data), "oid": oid}
        if path in self.script.large:
            sha256 = hashlib.sha256(data).hexdigest()
            item["lfs"] = {"oid": sha256, "size": len(data), "pointerSize": 130}
        return item

    def _file(self, repo: str, commit: str, path: str) -> None:
        data = self.script.repos.get(repo, {}).get(commit, {}).get(path)
        if data is None:
            self._error(404, "EntryNotFound")
            return
        digest = hashlib.sha256 if path in self.script.large else hashlib.sha1
        self.send(
            self.script.sends.get(path, data),
            {"ETag": f'"{digest(data).hexdigest()}"', "X-Repo-Commit": commit},
        )

    def _error(self, status: int, code: str) -> None:
        self.send(b"{}", {"X-Error-Code": code} if code else {}, status)

    def _json(self, value: object) -> None:
        self.send(json.dumps(value).encode(), {"Content-Type": "application/json"})


@dataclass
class ScriptedHub(ScriptedServer):
    """Repos in memory, and lies about them."""

    handler = _Handler

    repos: dict[str, dict[str, Files]] = field(default_factory=dict)  # id -> commit -> files
    refs: dict[str, dict[str, str]] = field(default_factory=dict)  # id -> name -> commit
    large: set[str] = field(default_factory=set)  # paths kept outside git
    sends: dict[str, bytes] = field(default_factory=dict)  # path -> bytes sent instead
    lists: dict[str, str] = field(default_factory=dict)  # path -> listed under this path instead
    archive: bytes | None = None  # sent as the archive of every commit; None: there are none
    manifests: dict[str, bytes] = field(default_factory=dict)  # id -> what is sent as manifest
    status: int = 200  # of every answer
    log: list[str] = field(default_factory=list)  # "GET /api/models/…"
    tokens: list[str] = field(default_factory=list)  # Authorization headers seen

    def commit(self, repo: str, files: Files, *names: str) -> str:
        """Add a commit; branches and tags by these names (default: main) now mean it."""
        state = json.dumps([repo, sorted((p, data.hex()) for p, data in files.items())])
        commit = hashlib.sha1(state.encode(), usedforsecurity=False).hexdigest()
        self.repos.setdefault(repo, {})[commit] = files
        for name in names or ("main",):
            self.refs.setdefault(repo, {})[name] = commit
        return commit

    def requests(self, method: str = "") -> list[str]:
        """What was asked so far."""
        return [line for line in self.log if line.startswith(method)]
