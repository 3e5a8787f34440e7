"""Large files that git keeps elsewhere (Git LFS), fetched without git-lfs.

Follows the Batch API. `.lfsconfig` is not read: a repo must not choose whom we ask. What comes is
compared with size and SHA-256 of the pointer, which the commit vouches for.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from reprise.base.errors import (
    CorruptContent,
    EntryNotFound,
    HubUnreachable,
    NotSupported,
    Unauthenticated,
)
from reprise.formats.lfs_pointer import MAX_POINTER, Pointer, parse
from reprise.hub.address import Address
from reprise.hub.failures import unreachable
from reprise.hub.sources.git_command import Git, GitFailed
from reprise.hub.sources.lfs_ssh import authenticate
from reprise.hub.url_transfer import Patience, http_client, receive

if TYPE_CHECKING:
    import httpx2

__all__ = ["MAX_POINTER", "LargeFiles", "Pointer", "parse"]

log = logging.getLogger("reprise.hub")

_MEDIA_TYPE = "application/vnd.git-lfs+json"
_BATCH = 100  # objects in one question, as git-lfs asks
_LOCAL = ("lfs/objects", ".git/lfs/objects")  # where git-lfs keeps them on this machine


@dataclass(frozen=True)
class LargeFiles:
    """Large files of one repo."""

    git: Git
    address: Address

    def fetch(self, pointers: Mapping[str, Pointer], into: Path) -> None:
        """Put the files behind pointers into a folder.

        Raises:
            EntryNotFound: The server does not have one of them.
            NotSupported: The repo is reached in a way that knows no large files.
            CorruptContent: What came is not what the commit names.
        """
        if self.git.scheme == "file":
            self._copy(pointers, into)
            return
        if self.git.scheme == "git":
            raise NotSupported(
                f"{self._some(pointers)} kept outside git (LFS), which git:// cannot fetch.",
                hint="Use the repo's https URL. Listing needs no large files and works.",
            )
        wanted = {pointer.sha256: pointer for pointer in pointers.values()}
        actions = dict(self._actions(list(wanted.values())))
        for path, pointer in pointers.items():
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            href, headers = actions[pointer.sha256]
            receive(href, target, headers=headers)
            _check(target, pointer, self.address)

    def _copy(self, pointers: Mapping[str, Pointer], into: Path) -> None:
        root = Path(unquote(urlsplit(self.git.remote).path))
        for path, pointer in pointers.items():
            name = f"{pointer.sha256[:2]}/{pointer.sha256[2:4]}/{pointer.sha256}"
            found = next((p for it in _LOCAL if (p := root / it / name).is_file()), None)
            if found is None:
                raise self._absent(path)
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, into / path)
            _check(into / path, pointer, self.address)

    def _actions(self, wanted: list[Pointer]) -> Iterator[tuple[str, "_Action"]]:
        import httpx2

        try:
            with http_client(Patience()) as client:
                client.headers.update(self._server[1])
                for start in range(0, len(wanted), _BATCH):
                    yield from self._ask(client, wanted[start : start + _BATCH])
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise unreachable(self.address.remote, error) from error

    def _ask(
        self, client: "httpx2.Client", wanted: list[Pointer]
    ) -> Iterator[tuple[str, "_Action"]]:
        answer = self._post(client, wanted, None)
        if answer.status_code == HTTPStatus.UNAUTHORIZED and self.git.scheme != "ssh":
            answer = self._post(client, wanted, self._credentials())
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise Unauthenticated(f"{self._url} does not accept these credentials.")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise EntryNotFound(f"{self.address.remote} serves no large files (LFS).")
        if answer.status_code != HTTPStatus.OK:
            raise HubUnreachable(f"{self._url} failed with status {answer.status_code}.")
        offered = _objects(answer, self._url)
        for pointer in wanted:
            action = _action(offered.get(pointer.sha256))
            if action is None:
                raise self._absent(pointer.sha256)
            yield pointer.sha256, action

    def _post(
        self, client: "httpx2.Client", wanted: list[Pointer], auth: tuple[str, str] | None
    ) -> "httpx2.Response":
        objects = [{"oid": pointer.sha256, "size": pointer.size} for pointer in wanted]
        body = {"operation": "download", "transfers": ["basic"], "objects": objects}
        headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE}
        who: dict[str, Any] = {"auth": auth} if auth else {}
        return client.post(self._url, content=json.dumps(body), headers=headers, **who)

    def _credentials(self) -> tuple[str, str] | None:
        """Ask git for what it would send: the access token, or what the user's helpers know."""
        parts = urlsplit(self.git.remote)
        question = f"protocol={parts.scheme}\nhost={parts.netloc}\npath={parts.path[1:]}\n\n"
        try:
            said = self.git.run("credential", "fill", stdin=question.encode()).decode()
        except GitFailed:
            return None
        found = dict(line.partition("=")[::2] for line in said.splitlines())
        return found.get("username", ""), found.get("password", "")

    @property
    def _url(self) -> str:
        return f"{self._server[0]}/objects/batch"

    @cached_property
    def _server(self) -> tuple[str, dict[str, str]]:
        """Address of the LFS server, and headers for it alone."""
        if self.git.scheme == "ssh":
            href, headers = authenticate(self.git)
            return href.rstrip("/"), headers
        plain = self.git.remote.removesuffix("/").removesuffix(".git")
        return f"{plain}.git/info/lfs", {}

    def _absent(self, what: str) -> EntryNotFound:
        return EntryNotFound(
            f"{self.address.remote} lacks the large file {what} (LFS); its author never pushed it.",
            hint="The commit holds only a pointer. Ask the author to run: git lfs push --all",
        )

    @staticmethod
    def _some(pointers: Mapping[str, Pointer]) -> str:
        first, *others = pointers
        return f"{first} and {len(others)} more are" if others else f"{first} is"


_Action = tuple[str, dict[str, str]]  # URL and the headers to send with it


def _objects(answer: "httpx2.Response", url: str) -> dict[str, Any]:
    try:
        return {str(item["oid"]): item for item in answer.json()["objects"]}
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptContent(f"{url} does not answer like an LFS server.") from error


def _action(offered: Any) -> _Action | None:
    try:
        download = offered["actions"]["download"]
        headers = download.get("header") or {}
        return str(download["href"]), {str(name): str(text) for name, text in headers.items()}
    except (KeyError, TypeError, AttributeError):
        return None


def _check(local_path: Path, pointer: Pointer, address: Address) -> None:
    with local_path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != pointer.sha256 or local_path.stat().st_size != pointer.size:
        local_path.unlink()
        raise CorruptContent(f"{address.remote} sends another file than {pointer.sha256} (LFS).")
