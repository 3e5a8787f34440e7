"""From what somebody typed to a folder of files at one commit."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.base.errors import (
    EntryNotFound,
    HubUnreachable,
    InvalidInput,
    OfflineMiss,
    TooManyRequests,
)
from reprise.base.ids import RepoType, is_commit
from reprise.hub import cache, settings
from reprise.hub.address import Address, LocalFolder, parse
from reprise.hub.sources import Source, source_for

log = logging.getLogger("reprise.hub")

_LISTED = 10  # cached commits named in one message


@dataclass(frozen=True)
class Options:
    """How to get a snapshot. `None` means: as the settings say."""

    source: str = "hub"
    endpoint: str | None = None
    token: str | bool | None = None
    offline: bool | None = None
    force_reload: bool = False
    skip_validation: bool = False
    verbose: bool = True
    repo_type: RepoType = RepoType.MODEL
    lock: str | Path | None = None  # a `reprise.lock` that decides commits and contents

    @property
    def is_offline(self) -> bool:
        """Whether every connection is forbidden."""
        return settings.is_offline() if self.offline is None else self.offline

    def show(self, address: Address, commit: str) -> None:
        """Say which commit an address means."""
        level = logging.INFO if self.verbose else logging.DEBUG
        log.log(level, "%s is commit %s", address, commit)


@dataclass(frozen=True)
class Snapshot:
    """Files of a repo at one commit, or of a local folder as it is."""

    root: Path
    address: Address | LocalFolder
    commit: str | None = None  # None: a local folder, which has none

    @property
    def folder(self) -> Path:
        """Where `hubconf.py` is expected."""
        subfolder = self.address.subfolder if isinstance(self.address, Address) else ""
        return self.root / subfolder

    @property
    def key(self) -> str:
        """What tells this code from all other code: host/owner/name/commit."""
        if isinstance(self.address, LocalFolder):
            from reprise.hub.namespace import folder_key

            return folder_key(self.address.path)
        subfolder = f"/{self.address.subfolder}" if self.address.subfolder else ""
        return f"{self.address.key}/{self.commit}{subfolder}"


@dataclass(frozen=True)
class Origin:
    """Where something comes from of which no files are here: a repo at one commit."""

    address: Address
    commit: str


@dataclass(frozen=True)
class Resolved:
    """What a revision means now, and who can be asked for it; nobody when offline."""

    commit: str
    source: Source | None


def open_snapshot(repo: str, options: Options, *, weights: bool = True) -> Snapshot:
    """Find or fetch the snapshot that an address means now.

    A revision is resolved to a commit once, shown, and recorded beside the snapshot. Nothing of
    the snapshot is executed.

    Args:
        repo: What somebody typed, see `reprise.hub.address.parse`.
        options: How to get it.
        weights: False when the code is enough.

    Raises:
        InvalidId, InvalidInput: It cannot be read.
        OfflineMiss: Offline, and the cache does not have it.
        RepoNotFound, RevisionNotFound, GatedRepo, Unauthenticated: The hub says no.
        HubUnreachable: The hub cannot be asked, and the cache does not have it.
        EntryNotFound: The subfolder does not exist.
    """
    address = find_address(repo, options)
    if isinstance(address, LocalFolder):
        return Snapshot(address.path, address)
    return snapshot_of(address, options, weights=weights)


def find_address(repo: str, options: Options) -> Address | LocalFolder:
    """Read what somebody typed, with the hub and the GitHub in use.

    Raises:
        InvalidId, InvalidInput: It cannot be read.
    """
    endpoint = options.endpoint or settings.endpoint()
    found = parse(repo, source=options.source, endpoint=endpoint, github=settings.github())
    if isinstance(found, Address):
        found = replace(found, repo_type=options.repo_type)
    if options.lock is not None:
        from reprise.hub import locked  # only with a lock: it reads TOML, claims and the like

        found = locked.pinned(found, options.lock)
    return found


def snapshot_of(
    address: Address,
    options: Options,
    *,
    weights: bool = True,
    resolved: Resolved | None = None,
) -> Snapshot:
    """As `open_snapshot`, for an address that was read, and perhaps resolved, already."""
    found = resolved or resolve(address, options)
    root = _get(address, found, options, weights=weights)
    cache.remember(settings.cache_dir(), address, found.commit)
    if options.lock is not None:
        from reprise.hub import locked

        locked.check(root, address, options.lock, weights=weights)
    snapshot = Snapshot(root, address, found.commit)
    if not snapshot.folder.is_dir():
        raise EntryNotFound(
            f"{address.repo_id} has no folder {address.subfolder!r} at {found.commit}."
        )
    return snapshot


def resolve(address: Address, options: Options, *, manifests: bool = False) -> Resolved:
    """Turn the address's revision into a commit.

    Args:
        address: The repo.
        options: How to ask.
        manifests: Whether a commit of which only the manifest is cached will do where nobody
            can be asked.

    Raises:
        RepriseError: As `open_snapshot`.
    """
    if options.is_offline and options.force_reload:
        raise InvalidInput("force_reload needs the network, and offline forbids it.")
    if options.is_offline:
        return Resolved(_recalled(address, manifests), None)
    source = source_for(address, token=options.token, skip_validation=options.skip_validation)
    pinned = address.revision or ""
    if is_commit(pinned) and cache.find(settings.cache_dir(), address, pinned, weights=False):
        return Resolved(pinned, source)
    try:
        commit = source.resolve(address.revision)
    except (HubUnreachable, TooManyRequests) as error:
        known = _recall(address, manifests)
        if known is None:
            raise
        log.warning("%s Using the cached commit %s of %s.", error.message, known, address)
        return Resolved(known, source)
    options.show(address, commit)
    return Resolved(commit, source)


def _get(address: Address, resolved: Resolved, options: Options, *, weights: bool) -> Path:
    root, commit, source = settings.cache_dir(), resolved.commit, resolved.source
    found = cache.find(root, address, commit, weights=weights)
    if found and not options.force_reload:
        log.debug("Using the cached snapshot %s", found)
        return found
    if source is None:
        raise _missing(address, commit)

    weights = weights or not source.splits

    def fill(folder: Path) -> None:
        source.fetch(commit, folder, weights=weights)

    return cache.install(root, address, commit, fill, weights=weights, again=options.force_reload)


def _recall(address: Address, manifests: bool) -> str | None:
    return cache.recall(settings.cache_dir(), address, address.revision, manifests=manifests)


def _recalled(address: Address, manifests: bool) -> str:
    if is_commit(address.revision or ""):
        return str(address.revision)
    commit = _recall(address, manifests)
    if commit is None:
        raise _missing(address, None)
    return commit


def _missing(address: Address, commit: str | None) -> OfflineMiss:
    what = f"{address} (commit {commit})" if commit and commit != address.revision else str(address)
    cached = [_cached_line(record) for record in cache.repo_records(settings.cache_dir(), address)]
    if cached:
        shown = "; ".join(cached[:_LISTED])
        hint = f"Cached of {address.repo_id}: {shown}{'; …' if cached[_LISTED:] else ''}."
    else:
        hint = f"Nothing of {address.repo_id} is cached; fetch it once while online."
    return OfflineMiss(f"Offline, and {what} is not in the cache.", hint=hint)


def _cached_line(record: cache.Record) -> str:
    names = [name for name in record.revisions if not is_commit(name)]
    shown = ["the default branch" if n == cache.DEFAULT_BRANCH else n for n in names]
    return f"{record.commit} ({', '.join(shown)})" if shown else record.commit


def describe(snapshot: Snapshot | Origin) -> dict[str, Any]:
    """Return where a snapshot or a manifest comes from, as plain data."""
    if isinstance(snapshot.address, LocalFolder):
        return {"repo": str(snapshot.address), "commit": None}
    return {"repo": snapshot.address.key, "commit": snapshot.commit}
