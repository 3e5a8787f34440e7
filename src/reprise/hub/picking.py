"""A few files of a repo, picked by pattern: what is not there is no error."""

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from reprise.base.errors import (
    EntryNotFound,
    HubUnreachable,
    OfflineMiss,
    RepriseError,
    TooManyRequests,
)
from reprise.base.files import write_bytes
from reprise.base.ids import is_commit
from reprise.hub import settings
from reprise.hub.address import Address, LocalFolder
from reprise.hub.snapshots import Options, find_address, snapshot_of
from reprise.hub.sources.hub import HubSource
from reprise.hub.transfer import Transfer

log = logging.getLogger("reprise.hub")

_DEFAULT = "main"  # the branch that huggingface_hub means by none


def fetch_matching(repo: str, patterns: Sequence[str], **options: Any) -> Path:
    """Return a folder with those files of a repo that match any of the patterns.

    One request resolves the revision, one lists the files, and what the shared cache has is not
    fetched again. While the hub cannot be reached, what the cache holds of the repo must do.

    Args:
        repo: As for `reprise.download`.
        patterns: `config.json`, `*.model`; `*` also matches `/`.
        **options: `source`, `endpoint`, `token`, `offline`.

    Raises:
        EntryNotFound: Nothing matches.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    chosen = Options(**options)
    address = find_address(repo, chosen)
    if isinstance(address, LocalFolder):
        return address.path
    if address.kind != "hub":
        return snapshot_of(address, chosen).root
    if chosen.is_offline:
        return _cached(address)
    source = HubSource(address, chosen.token)
    try:
        commit = source.resolve(address.revision, ask=True)
        transfer = Transfer(address, commit, chosen.token)
        with source.errors(commit):
            files = [file for file in transfer.listing() if _is_wanted(file.path, patterns)]
    except (HubUnreachable, TooManyRequests) as error:
        log.warning("%s Looking in the cache for %s.", error.message, address)
        return _cached_instead(address, error)
    found: dict[str, Path] = {}
    with source.errors(commit):
        transfer.each(files, lambda file, local_path: found.update({file.path: local_path}))
    if not found:
        raise EntryNotFound(f"{address} has none of {', '.join(patterns)}.")
    path, local_path = next(iter(found.items()))
    folder = local_path.parents[path.count("/")]
    if not is_commit(address.revision or ""):
        _note(folder, address.revision or _DEFAULT, commit)
    return folder


def _note(snapshot: Path, revision: str, commit: str) -> None:
    """Write down what a revision means, where huggingface_hub looks when it is offline."""
    try:
        write_bytes(snapshot.parents[1] / "refs" / revision, commit.encode())
    except OSError as error:
        log.debug("Cannot write to the cache: %s", error)


def _is_wanted(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _cached_instead(address: Address, error: RepriseError) -> Path:
    """Return what the cache holds; without it, what keeps us from the hub is what to say."""
    try:
        return _cached(address)
    except OfflineMiss:
        raise error from None


def _cached(address: Address) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        path = snapshot_download(
            str(address.repo_id), revision=address.revision, local_files_only=True
        )
    except LocalEntryNotFoundError:
        raise OfflineMiss(
            f"{address} is not in {settings.shared_cache_dir()}.",
            hint="Download it once while online.",
        ) from None
    return Path(path)
