"""Snapshots of a git repo wherever it is, fetched with the real git.

Revisions are resolved by `ls-remote`; one commit is fetched, without its history, into a bare repo
that is thrown away. Objects are read from there: no checkout, no filter, no hook, no submodule.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from reprise.base.errors import CorruptContent, NotSupported, RevisionNotFound
from reprise.base.ids import is_commit
from reprise.hub import settings
from reprise.hub.address import Address
from reprise.hub.sources import git_failures
from reprise.hub.sources.git_command import Git, GitFailed
from reprise.hub.sources.git_refs import Refs, choose
from reprise.hub.sources.git_tree import LINK, Tree, read_tree
from reprise.hub.sources.lfs import MAX_POINTER, LargeFiles, Pointer, parse

log = logging.getLogger("reprise.hub")

_LONG_ID = 64  # hex digits of an object id in a repo that uses SHA-256
# All that a snapshot of code may hold of one file; larger ones stay on the server.
_CODE_ONLY = "--filter=blob:limit=1048577"
_FETCH = ("fetch", "-q", "--no-recurse-submodules", "--no-auto-gc")
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


@dataclass(frozen=True)
class GitSource:
    """A repo on any git server. See `Source`."""

    address: Address
    token: str | bool | None = None
    skip_validation: bool = False
    splits: ClassVar[bool] = True

    def resolve(self, revision: str | None) -> str:
        """Find the commit of a branch, tag or commit that belongs to this very repo.

        Servers also hand out what others proposed (merge requests of forks) under the repo's own
        name, so a commit is accepted when a branch or tag contains it.
        """
        if is_commit(revision or "") and self.skip_validation:
            return str(revision)
        with self._errors():
            refs = self._refs()
            if not is_commit(revision or ""):
                return choose(refs, self.address, revision)
            if revision in refs.tips or self._contains(str(revision)):
                return str(revision)
        raise RevisionNotFound(
            f"Commit {revision} is on no branch or tag of {self.address.remote}.",
            hint="If you know it is right, pass skip_validation=True (--skip-validation).",
        )

    def fetch(self, commit: str, into: Path, *, weights: bool = True) -> None:
        """Fetch a commit, read its files out of git's objects and place them."""
        log.info("Fetching %s with git", self.address.remote)
        with self._errors(), self._bare(into) as repo:
            self._fetch_commit(repo, commit, weights=weights)
            tree = read_tree(self._git, repo, commit)
            pointers = _pointers(tree)
            small = [file for file in tree.files if file.path not in pointers]
            if not weights:
                small = [file for file in small if file.is_code or file.mode == LINK]
            tree.place(small, into)
            if weights and pointers:
                LargeFiles(self._git, self.address).fetch(pointers, into)

    @cached_property
    def _git(self) -> Git:
        return Git(self.address.remote, self._password(), self.token is not False)

    def _password(self) -> str | None:
        """Choose the access token that belongs to the remote's host: no other may travel there."""
        parts = urlsplit(self.address.remote)
        if isinstance(self.token, str):
            return self.token
        if self.token is False or parts.scheme not in {"http", "https"}:
            return None
        place = (parts.scheme, parts.netloc)
        if place == _place(settings.endpoint()):
            from huggingface_hub import get_token

            return get_token()
        return settings.github_token() if place == _place(settings.github()) else None

    def _refs(self) -> Refs:
        said = self._git.run("ls-remote", "--symref", "--", self.address.remote)
        commits: dict[str, str] = {}
        default = ""
        for line in said.decode("utf-8", "replace").split("\n"):  # no other ends a line for git
            value, _, name = line.partition("\t")
            if value.startswith("ref: ") and name == "HEAD":
                default = value.removeprefix("ref: ")
            elif len(value) == _LONG_ID:
                raise NotSupported(f"{self.address.remote} names objects by SHA-256.")
            elif is_commit(value):
                commits[name.removesuffix("^{}")] = value  # a tag's commit follows the tag
        return Refs(commits, default)

    def _contains(self, commit: str) -> bool:
        """Look for a commit in all branches and tags; only commits travel where that can be had."""
        with self._bare() as repo:
            options = ("--filter=tree:0", "--no-tags")
            self._git.run(*_FETCH, *options, "--", self.address.remote, *_EVERYTHING, folder=repo)
            listed = self._git.run("rev-list", "--all", folder=repo)
        return commit.encode() in listed.split()

    def _fetch_commit(self, repo: Path, commit: str, *, weights: bool) -> None:
        options = [*_FETCH, "--no-tags", "--depth=1", *([] if weights else [_CODE_ONLY])]
        try:
            self._git.run(*options, "--", self.address.remote, commit, folder=repo)
        except GitFailed as error:
            if not git_failures.is_too_old(str(error)):
                raise
            # Old servers give out only what a branch or tag ends in: take all of it.
            self._git.run(*_FETCH, "--", self.address.remote, *_EVERYTHING, folder=repo)
        (repo / "config").write_text(_CONFIG)  # forget the remote: what is not here stays away
        kind = self._git.run("cat-file", "-t", commit, folder=repo).strip()
        if kind != b"commit":
            raise CorruptContent(f"{commit} is no commit of {self.address.remote}.")

    @contextmanager
    def _bare(self, beside: Path | None = None) -> Iterator[Path]:
        """A bare repo that the cache sweeps with `beside`, should this process be killed."""
        dir_, prefix = (beside.parent, beside.name) if beside else (None, "reprise-git-")
        with tempfile.TemporaryDirectory(dir=dir_, prefix=prefix) as folder:
            self._git.run("init", "-q", "--bare", "--template=", "--", folder)
            yield Path(folder)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except GitFailed as error:
            raise git_failures.translate(str(error), self.address) from error


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _pointers(tree: Tree) -> dict[str, Pointer]:
    """Find the files whose content is kept outside git."""
    candidates = [f for f in tree.files if f.size < MAX_POINTER and f.mode != LINK]
    found = ((file, parse(data)) for file, data in tree.read_small(candidates))
    return {file.path: pointer for file, pointer in found if pointer is not None}
