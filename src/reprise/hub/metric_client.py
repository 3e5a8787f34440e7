"""What publishing asks of a hub, for repos of type metric, which huggingface_hub does not know.

The same calls as its client has, over the same routes. Metrics are small: all files of a commit
travel in one request, as git keeps them.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reprise import __version__
from reprise.base.errors import TooLarge
from reprise.base.ids import RepoId, RepoType

_TIMEOUT = 60  # seconds without a byte
_CONFLICT = 409
_MOST = 10 << 20  # bytes of one commit
_MAIN = "main"


class Page(str):
    """URL of a repo, with its id, as huggingface_hub's `RepoUrl`."""

    repo_id: str

    def __new__(cls, url: str, repo_id: str) -> "Page":
        """Attach the id to the URL."""
        made = super().__new__(cls, url)
        made.repo_id = repo_id
        return made


@dataclass(frozen=True)
class Commit:
    """A commit that was made, or the newest one."""

    oid: str

    @property
    def sha(self) -> str:
        """The same under the name that repo info gives it."""
        return self.oid


@dataclass(frozen=True)
class MetricClient:
    """A caller of one hub.

    Attributes:
        endpoint: Base URL.
        token: Access token; None for the stored one.
    """

    endpoint: str
    token: str | bool | None = None

    def create_repo(self, repo_id: str, *, private: bool, **_: Any) -> Page:
        """Create a repo; one that exists is kept as it is."""
        parsed = RepoId.parse(repo_id)
        wanted = {"name": parsed.name, "organization": parsed.owner, "private": private,
                  "type": RepoType.METRIC.value}  # fmt: skip
        answer = self._send("POST", "/api/repos/create", json=wanted, passing=(_CONFLICT,))
        found = answer.json() if answer.status_code != _CONFLICT else {}
        page = f"{self.endpoint}/{RepoType.METRIC.url_prefix}{repo_id}"
        return Page(str(found.get("url", page)), repo_id)

    def create_branch(self, repo_id: str, *, branch: str, **_: Any) -> None:
        """Create a branch; one that exists is kept."""
        route = f"{_api(repo_id)}/branch/{quote(branch, safe='')}"
        self._send("POST", route, json={}, passing=(_CONFLICT,))

    def repo_info(self, repo_id: str, *, revision: str | None = None, **_: Any) -> Commit:
        """Return the newest commit of a branch."""
        route = f"{_api(repo_id)}/revision/{quote(revision or _MAIN, safe='')}"
        return Commit(str(self._send("GET", route, params={"expand": "sha"}).json()["sha"]))

    def list_repo_files(self, repo_id: str, *, revision: str | None = None, **_: Any) -> list[str]:
        """List the paths of all files."""
        route = f"{_api(repo_id)}/tree/{quote(revision or _MAIN, safe='')}"
        listed = self._send("GET", route, params={"recursive": "true"}).json()
        return [item["path"] for item in listed if item["type"] == "file"]

    def create_commit(
        self,
        repo_id: str,
        operations: list[Any],
        *,
        commit_message: str,
        revision: str | None = None,
        **_: Any,
    ) -> Commit:
        """Add and delete files in one commit.

        Raises:
            TooLarge: The files are larger than a metric's can be.
        """
        size = sum(Path(op.path_or_fileobj).stat().st_size for op in operations if _adds(op))
        if size > _MOST:
            raise TooLarge(f"The files of a metric may have {_MOST >> 20} MB; these have {size} B.")
        body = "\n".join(_lines(operations, commit_message))
        route = f"{_api(repo_id)}/commit/{quote(revision or _MAIN, safe='')}"
        kind = {"Content-Type": "application/x-ndjson"}
        answer = self._send("POST", route, content=body.encode(), headers=kind)
        return Commit(str(answer.json()["commitOid"]))

    def _send(
        self, method: str, route: str, *, passing: tuple[int, ...] = (), **request: Any
    ) -> Any:
        from huggingface_hub.utils import (  # type: ignore[attr-defined]  # its documented names
            build_hf_headers,
            get_session,
            hf_raise_for_status,
        )

        headers = build_hf_headers(
            token=self.token, library_name="reprise", library_version=__version__
        )
        request["headers"] = headers | request.get("headers", {})
        answer = get_session().request(
            method, f"{self.endpoint}{route}", timeout=_TIMEOUT, **request
        )
        if answer.status_code not in passing:
            hf_raise_for_status(answer)
        return answer


def _api(repo_id: str) -> str:
    return f"/api/{RepoType.METRIC.plural}/{repo_id}"


def _adds(operation: Any) -> bool:
    return hasattr(operation, "path_or_fileobj")


def _lines(operations: list[Any], message: str) -> Iterator[str]:
    """Yield the lines of a commit request."""
    yield json.dumps({"key": "header", "value": {"summary": message, "description": ""}})
    for operation in operations:
        value = {"path": operation.path_in_repo}
        if not _adds(operation):
            yield json.dumps({"key": "deletedFile", "value": value})
            continue
        content = base64.b64encode(Path(operation.path_or_fileobj).read_bytes()).decode()
        yield json.dumps(
            {"key": "file", "value": {**value, "content": content, "encoding": "base64"}}
        )
