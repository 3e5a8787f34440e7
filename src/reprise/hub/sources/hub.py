"""Snapshots from a hub that speaks the Hugging Face protocol."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from reprise.base.errors import CorruptContent, RepoNotFound, RevisionNotFound
from reprise.base.ids import is_commit
from reprise.hub import api
from reprise.hub.address import Address
from reprise.hub.content import ListedFile
from reprise.hub.failures import other_repos, other_revisions, translated

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class HubSource:
    """A repo on a hub. See `Source`."""

    address: Address
    token: str | bool | None = None
    splits: ClassVar[bool] = True

    def resolve(self, revision: str | None, *, ask: bool = False) -> str:
        """Ask the hub which commit a revision means now; a commit means itself.

        Args:
            revision: Branch, tag or commit.
            ask: Ask about a commit too. One request tells at once that a hub is gone;
                huggingface_hub's listing would be tried for half a minute.
        """
        if is_commit(revision or "") and not ask:
            return str(revision)
        with self.errors(revision):
            commit = api.commit_of(self.address, revision, self.token)
        if not is_commit(commit):
            raise CorruptContent(f"{self.address.endpoint} names no commit for {self.address}.")
        return commit

    def fetch(self, commit: str, into: Path, *, weights: bool = True) -> None:
        """Download the files of a commit, check them and place them."""
        from reprise.hub.bundled_files import BundledFiles  # not needed to resolve a revision
        from reprise.hub.small_files import SmallFiles
        from reprise.hub.transfer import Transfer

        transfer = Transfer(self.address, commit, self.token)
        with self.errors(commit):
            listing = transfer.listing()
            files = [file for file in listing if weights or file.is_code]
            rest = BundledFiles(self.address, commit, self.token).fetch(files, into, listing)
            rest = SmallFiles(self.address, commit, self.token).fetch(rest, into)
            transfer.each(rest, lambda file, local_path: _place(file, local_path, into))

    @contextmanager
    def errors(self, revision: str | None) -> Iterator[None]:
        """Translate errors, and look for what the caller may have meant."""
        asked = self.address.at(revision) if revision else self.address
        try:
            with translated(self.address.endpoint, str(asked)):
                yield
        except RepoNotFound as error:
            error.hint = f"{other_repos(self._client(), self.address)} {error.hint}".strip()
            raise
        except RevisionNotFound as error:
            error.hint = other_revisions(self._client(), self.address)
            raise

    def _client(self) -> "HfApi":
        return api.client(self.address.endpoint, self.token)


def _place(file: ListedFile, cached: Path, into: Path) -> None:
    target = into / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.is_large:
        _share(cached.resolve(), target)
    else:
        _copy(cached, target)


def _share(cached: Path, target: Path) -> None:
    """Share the bytes with the other cache: a hard link, or a symbolic one across disks."""
    try:
        os.link(cached, target)
    except OSError:
        target.symlink_to(cached)


def _copy(cached: Path, target: Path) -> None:
    """Copy code, so that nothing done to the other cache can change what runs."""
    with cached.open("rb") as source, target.open("xb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
