"""Snapshots of GitHub repos, on github.com or an Enterprise host.

Revisions are resolved through git's own protocol, which has no hourly limit; files come as one
archive, and every one of them is compared with the listing that the API gives for the commit.
"""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from reprise import __version__
from reprise.base.errors import (
    CorruptContent,
    HubUnreachable,
    RepoNotFound,
    RevisionNotFound,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
)
from reprise.base.ids import is_commit
from reprise.formats.lfs_pointer import MAX_POINTER, parse
from reprise.hub import settings
from reprise.hub.address import Address
from reprise.hub.content import ListedFile, git_blob_id
from reprise.hub.failures import unreachable
from reprise.hub.progress import byte_meter
from reprise.hub.sources.archive import MAX_UNPACKED, unpack
from reprise.hub.sources.git_refs import Refs, choose, ls_refs

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("reprise.hub")

_TIMEOUT = 20  # seconds without a byte
_MAX_REDIRECTS = 5
_LINK = 0o120000


@dataclass(frozen=True)
class GithubSource:
    """A repo on GitHub. See `Source`."""

    address: Address
    token: str | bool | None = None
    skip_validation: bool = False
    splits: ClassVar[bool] = False

    def resolve(self, revision: str | None) -> str:
        """Find the commit of a branch, tag or commit that belongs to this very repo.

        GitHub serves the commits of all forks under every repo's name, so a commit is accepted
        when a branch or tag ends in it, or the default branch contains it.
        """
        with self._client() as client:
            refs = ls_refs(client, self._url + ".git")
            if is_commit(revision or ""):
                commit = str(revision)
                if not self.skip_validation and not self._belongs(client, refs, commit):
                    raise self._not_here(commit)
                return commit
        return choose(refs, self.address, revision)

    def fetch(self, commit: str, into: Path, *, weights: bool = True) -> None:  # noqa: ARG002
        """Download the archive of a commit, unpack it and compare every file."""
        with self._client() as client, self._beside(into) as folder:
            archive = Path(folder) / "archive.zip"
            self._download(client, self._archive_url(commit), archive)
            written = unpack(archive, into)
            if not self.skip_validation:
                _compare(into, written, self._listing(client, commit))
        self._warn_about_pointers(into, written)

    def _warn_about_pointers(self, folder: Path, written: list[str]) -> None:
        for path in written:
            if _is_pointer(folder / path):
                log.warning(
                    "%s is only a pointer to a large file: archives lack those, git+%s has them",
                    path,
                    self._url,
                )

    @staticmethod
    def _beside(into: Path) -> tempfile.TemporaryDirectory[str]:
        """A folder that the cache sweeps with `into`, should this process be killed."""
        return tempfile.TemporaryDirectory(dir=into.parent, prefix=into.name)

    @property
    def _url(self) -> str:
        return f"{self.address.endpoint}/{self.address.repo_id}"

    @property
    def _api(self) -> str:
        scheme, _, host = self.address.endpoint.partition("://")
        own = host == "github.com" or host.endswith(".ghe.com")  # else a company's own server
        base = f"{scheme}://api.{host}" if own else f"{scheme}://{host}/api/v3"
        return f"{base}/repos/{self.address.repo_id}"

    def _archive_url(self, commit: str) -> str:
        # The API's way takes a token; the other has no hourly limit.
        if self._credentials():
            return f"{self._api}/zipball/{commit}"
        return f"{self._url}/archive/{commit}.zip"

    @contextmanager
    def _client(self) -> Iterator["httpx2.Client"]:
        import httpx2

        headers = {"User-Agent": f"reprise/{__version__}"}
        client = httpx2.Client(
            auth=self._credentials(),
            headers=headers,
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
        )
        try:
            with client:
                yield client
        except httpx2.HTTPStatusError as error:
            raise self._from_answer(error.response) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise unreachable(self.address.endpoint, error) from error

    def _credentials(self) -> tuple[str, str] | None:
        """Basic auth, which git and the API both take; GITHUB_TOKEN is for one host only."""
        token = self.token
        if token is None and self.address.endpoint == settings.github():
            token = settings.github_token()
        return ("x-access-token", token) if isinstance(token, str) else None

    def _belongs(self, client: "httpx2.Client", refs: Refs, commit: str) -> bool:
        if commit in refs.commits.values():
            return True
        branch = refs.default.removeprefix("refs/heads/") or "HEAD"
        answer = client.get(f"{self._api}/compare/{quote(branch, safe='')}...{commit}?per_page=1")
        if answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}:
            return False
        answer.raise_for_status()
        return _json(answer).get("status") in {"behind", "identical"}

    def _listing(self, client: "httpx2.Client", commit: str) -> dict[str, ListedFile]:
        answer = client.get(f"{self._api}/git/trees/{commit}?recursive=1")
        answer.raise_for_status()
        value = _json(answer)
        if value.get("truncated"):
            raise TooLarge(
                f"{self.address.repo_id} is too large for GitHub to list.",
                hint="skip_validation=True loads it without comparing its files.",
            )
        return dict(_files(value.get("tree")))

    def _download(self, client: "httpx2.Client", url: str, target: Path) -> None:
        with client.stream("GET", url) as answer, target.open("xb") as file:
            answer.raise_for_status()
            total = int(answer.headers.get("Content-Length") or 0)
            size = 0
            with byte_meter(f"Fetching {self.address.repo_id}", total) as meter:
                bar = meter.file()
                for block in answer.iter_bytes():
                    size += len(block)
                    if size > MAX_UNPACKED:
                        raise TooLarge(f"The archive {url} is over {MAX_UNPACKED} bytes.")
                    file.write(block)
                    meter.add(bar, len(block))

    def _from_answer(self, answer: "httpx2.Response") -> Exception:
        status, host = answer.status_code, self.address.endpoint
        limited = answer.headers.get("X-RateLimit-Remaining") == "0"
        if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and limited):
            return TooManyRequests(
                f"{host} takes no more requests from this address for now.",
                hint="Set GITHUB_TOKEN, or try again within the hour.",
            )
        if status == HTTPStatus.UNAUTHORIZED and self._credentials():
            return Unauthenticated(f"{host} does not accept the access token.")
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return RepoNotFound(
                f"{self.address} is not on {host}.",
                hint="Check the spelling; for a private repo set GITHUB_TOKEN.",
            )
        return HubUnreachable(f"{host} failed with status {status} for {answer.request.url.path}.")

    def _not_here(self, commit: str) -> RevisionNotFound:
        return RevisionNotFound(
            f"Commit {commit} is on no branch or tag of {self.address.repo_id}; "
            "it may be a fork's.",
            hint="If you know it is right, pass skip_validation=True (--skip-validation).",
        )


def _json(answer: "httpx2.Response") -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise CorruptContent(f"{answer.request.url.host} does not answer like GitHub.")
    return value


def _files(tree: Any) -> Iterator[tuple[str, ListedFile]]:
    for item in tree if isinstance(tree, list) else []:
        if isinstance(item, dict) and item.get("type") == "blob":
            mode = int(str(item.get("mode", "100644")), 8)
            size = item.get("size", 0)
            listed = ListedFile(str(item.get("path")), size, oid=str(item.get("sha")), mode=mode)
            yield listed.path, listed


def _compare(folder: Path, written: list[str], listing: dict[str, ListedFile]) -> None:
    """Make sure that an archive holds only files of its commit.

    An archive may lack some: submodules, and what `.gitattributes` keeps out of archives.
    """
    for path in written:
        listed = listing.get(path)
        if listed is None:
            raise CorruptContent(f"The archive holds {path!r}, which the commit does not.")
        if not _is_same(folder / path, listed):
            raise CorruptContent(f"{path!r} in the archive is not the commit's.")


def _is_pointer(local_path: Path) -> bool:
    """Tell whether a file only stands for a large one that git keeps elsewhere."""
    if local_path.is_symlink() or not local_path.is_file():
        return False
    with local_path.open("rb") as file:
        return parse(file.read(MAX_POINTER)) is not None


def _is_same(local_path: Path, listed: ListedFile) -> bool:
    if local_path.is_symlink() or listed.mode == _LINK:
        both = local_path.is_symlink() and listed.mode == _LINK
        return both and git_blob_id(os.fsencode(local_path.readlink())) == listed.oid
    return listed.matches(local_path)
