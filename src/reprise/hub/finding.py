"""Which entry points a repo has, as far as its source tells: open, read, find; nothing is run."""

from typing import Any

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.hub.address import Address, LocalFolder
from reprise.hub.manifest import EntryPoint, Manifest, find, names
from reprise.hub.manifest import read_manifest as read_folder
from reprise.hub.snapshots import (
    Options,
    Origin,
    Snapshot,
    find_address,
    open_snapshot,
    snapshot_of,
)

_LISTED = 12  # entry points named in one message


def read_manifest(repo: str, **options: Any) -> tuple[Snapshot | Origin, Manifest]:
    """Return where a repo comes from and what its manifest says; nothing is run.

    Args:
        repo: As for `list`.
        **options: Any field of `reprise.hub.snapshots.Options`.
    """
    return look(repo, checked_options(options))


def look(repo: str, options: Options) -> tuple[Snapshot | Origin, Manifest]:
    """Return a repo's manifest: the one that its hub publishes, else read from a snapshot.

    Raises:
        EntryNotFound: It has no `hubconf.py`.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    from reprise.hub import cache, published_manifests, settings

    address, resolved = find_address(repo, options), None
    if isinstance(address, LocalFolder):
        snapshot = Snapshot(address.path, address)
        return snapshot, readable(snapshot)
    if published_manifests.can_be(address):
        published, resolved = published_manifests.look_up(address, options)
        if published is not None:
            cache.remember(settings.cache_dir(), address, published.commit)
            origin = Origin(address, published.commit)
            return origin, _with_hubconf(origin, published.manifest)
    snapshot = snapshot_of(address, options, weights=False, resolved=resolved)
    return snapshot, readable(snapshot)


def find_entry(snapshot: Snapshot | Origin, manifest: Manifest, name: str) -> EntryPoint:
    """Return an entry point of a manifest.

    Raises:
        EntryNotFound: There is none by that name; the message suggests others.
    """
    entry = find(manifest, check_name(name))
    if entry is None:
        raise EntryNotFound(
            f"{snapshot.address} has no entry point {name!r}.", hint=_others(name, manifest)
        )
    return entry


def found(repo: str, entry: str, options: Options) -> tuple[Snapshot, Manifest]:
    """Open a repo to load an entry point of it: its snapshot, weights included, and its manifest.

    Raises:
        EntryNotFound: The source shows that it has no such entry point.
    """
    snapshot = open_snapshot(repo, options)
    manifest = readable(snapshot)
    if "dynamic-names" not in manifest.flags:
        find_entry(snapshot, manifest, entry)
    return snapshot, manifest


def readable(snapshot: Snapshot) -> Manifest:
    """Read the manifest of a snapshot.

    Raises:
        EntryNotFound: It has no `hubconf.py`.
    """
    return _with_hubconf(snapshot, read_folder(snapshot.folder))


def _with_hubconf(snapshot: Snapshot | Origin, manifest: Manifest) -> Manifest:
    if "no-hubconf" in manifest.flags:
        raise EntryNotFound(
            f"{snapshot.address} has no hubconf.py, so it offers no entry points.",
            hint=f"Download it instead with: reprise download {snapshot.address}"
            if isinstance(snapshot.address, Address)
            else "",
        )
    return manifest


def check_name(entry: object) -> str:
    """Return the name of an entry point, or raise `InvalidInput`."""
    # Not only identifiers: repos that fill globals() offer names such as "camembert-base".
    if not isinstance(entry, str) or not entry:
        raise InvalidInput(f"An entry point is named by a text, not {entry!r}.")
    return entry


def checked_options(given: dict[str, Any]) -> Options:
    """Return options for `open_snapshot`; an unknown one is `InvalidInput`."""
    try:
        return Options(**given)
    except TypeError as error:
        raise InvalidInput(f"Unknown option: {error}") from None


def _others(name: str, manifest: Manifest) -> str:
    from difflib import get_close_matches

    offered = list(names(manifest))
    if close := get_close_matches(name, offered, n=3, cutoff=0.5):
        return f"Did you mean {' or '.join(close)}?"
    if not offered:
        return "It has none that can be read without running it."
    return f"It has: {', '.join(offered[:_LISTED])}{', …' if offered[_LISTED:] else ''}"
