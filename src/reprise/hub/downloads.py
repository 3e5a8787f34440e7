"""Files of a repo on disk, without loading anything."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from reprise.base.errors import EntryNotFound, InvalidInput, OfflineMiss
from reprise.base.ids import RepoType
from reprise.hub import api, settings
from reprise.hub.address import Address, LocalFolder
from reprise.hub.content import ListedFile
from reprise.hub.snapshots import Options, Snapshot, find_address, snapshot_of
from reprise.hub.sources.hub import HubSource
from reprise.hub.transfer import Transfer

REPO_TYPES = ("model", "dataset", "space")  # what huggingface_hub can transfer
_WILDCARD = re.compile(r"[*?\[]")


def download(
    repo: str,
    files: str | Sequence[str] = (),
    *,
    repo_type: str = "model",
    local_dir: str | Path | None = None,
    **options: Any,
) -> Path:
    """Download a repo, or some of its files, and return where they are.

    Bytes go into the cache that huggingface_hub and all its users share, unless `local_dir` says
    otherwise, and each file's digest is checked against the hub's listing. From GitHub and other
    git servers comes the whole snapshot, as for `reprise.load`.

    Args:
        repo: `owner/name`, `owner/name:branch`, `owner/name@commit`, `host:owner/name` or a URL.
        files: Paths and patterns (`*` also matches `/`); all files by default.
        repo_type: "model", "dataset" or "space".
        local_dir: Put the files here; they may then be changed.
        **options: `source`, `endpoint`, `token`, `offline`, see `reprise.load`.

    Returns:
        The file when exactly one path was asked for, else the folder that holds the files.

    Raises:
        EntryNotFound: A path or pattern matches nothing.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    wanted = [files] if isinstance(files, str) else list(files)
    chosen = Options(**options)
    address = find_address(repo, chosen)
    if isinstance(address, LocalFolder):
        raise InvalidInput(f"{address} is a folder on this machine already.")
    folder = _folder(_typed(address, repo_type), wanted, chosen, local_dir)
    single = len(wanted) == 1 and not _WILDCARD.search(wanted[0])
    return folder / wanted[0] if single else folder


def _typed(address: Address, repo_type: str) -> Address:
    if repo_type not in REPO_TYPES:
        known = ", ".join(REPO_TYPES)
        raise InvalidInput(f"Unknown repo type {repo_type!r}; use one of {known}.")
    return replace(address, repo_type=RepoType(repo_type))


def _folder(
    address: Address, wanted: list[str], options: Options, local_dir: str | Path | None
) -> Path:
    if address.kind != "hub":
        snapshot = snapshot_of(address, options)
        if local_dir is not None:
            return _copy(snapshot, wanted, local_dir)
        return _check_names(snapshot.root, wanted)
    if options.is_offline:
        return _check_names(_cached_folder(address), wanted)
    source = HubSource(address, options.token)
    with source.errors(address.revision):
        revision = api.client(address.endpoint, options.token).resolve_revision(
            str(address.repo_id), repo_type=address.repo_type.value, revision=address.revision
        )
    into = Path(local_dir).expanduser().absolute() if local_dir is not None else None
    transfer = Transfer(address, revision.resolved, options.token, into)
    with source.errors(revision.resolved):
        found: dict[str, Path] = {}
        listing = _select(transfer.listing(), wanted, address)
        transfer.each(listing, lambda file, local_path: found.update({file.path: local_path}))
    return into or _root_of(found)


def _select(listing: list[ListedFile], wanted: list[str], address: Address) -> list[ListedFile]:
    chosen = _matching([file.path for file in listing], wanted, str(address))
    return [file for file in listing if file.path in chosen]


def _matching(paths: list[str], wanted: list[str], where: str) -> set[str]:
    chosen: set[str] = set() if wanted else set(paths)
    for pattern in wanted:
        matched = {path for path in paths if path == pattern or fnmatchcase(path, pattern)}
        if not matched:
            close = get_close_matches(pattern, paths, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(close)}?" if close else ""
            raise EntryNotFound(f"{where} has no file {pattern!r}.", hint=hint)
        chosen |= matched
    return chosen


def _root_of(found: dict[str, Path]) -> Path:
    """Return the snapshot folder of the shared cache, from any file in it."""
    if not found:
        raise EntryNotFound("The repo has no files at this commit.")
    path, local_path = next(iter(found.items()))
    return local_path.parents[path.count("/")]


def _cached_folder(address: Address) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        path = snapshot_download(
            str(address.repo_id),
            repo_type=address.repo_type.value,
            revision=address.revision,
            local_files_only=True,
        )
    except LocalEntryNotFoundError:
        raise OfflineMiss(
            f"Offline, and {address} is not in {settings.shared_cache_dir()}.",
            hint="Download it once while online.",
        ) from None
    return Path(path)


def _check_names(folder: Path, wanted: list[str]) -> Path:
    for name in wanted:
        if not any(folder.glob(name)):
            raise EntryNotFound(f"{name!r} is not among the files in {folder}.")
    return folder


def _copy(snapshot: Snapshot, wanted: list[str], local_dir: str | Path) -> Path:
    """Copy files of a snapshot, which may only be read, to where they may be changed."""
    root = snapshot.root
    paths = [path for path in sorted(root.rglob("*")) if path.is_file()]
    listing = {path.relative_to(root).as_posix(): path for path in paths}
    into = Path(local_dir).expanduser().absolute()
    for name in _matching(list(listing), wanted, str(snapshot.address)):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(listing[name], target)
        target.chmod(target.stat().st_mode | (listing[name].stat().st_mode & 0o111))
    return into
