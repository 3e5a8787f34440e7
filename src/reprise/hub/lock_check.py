"""Hold a `reprise.lock` against what is really there, and fetch all of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reprise.base.errors import RepriseError
from reprise.base.ids import RepoType
from reprise.formats import trees
from reprise.formats.reprise_lock import LockedData, LockedRepo, RepriseLock
from reprise.hub import settings
from reprise.hub.locked import expect, packages_path
from reprise.hub.locking import Locking, read_packages
from reprise.hub.snapshots import Options, open_snapshot
from reprise.isolate import environments
from reprise.isolate.environments import Environment


@dataclass(frozen=True)
class Synced:
    """Everything of a lock on this machine: folders by name, and the environment."""

    folders: dict[str, Path]
    environment: Environment | None


def problems(path: Path, lock: RepriseLock, options: Options | None = None) -> Iterator[str]:
    """Say what does not agree with a lock: packages, commits, contents. Fetches what is missing.

    Args:
        path: Where the lock lies.
        lock: Its content.
        options: How to fetch.
    """
    try:
        packages_path(path)
    except RepriseError as error:
        yield error.message
    for item in lock.repos:
        try:
            fetch(item, options)
        except RepriseError as error:
            yield f"{item.name}: {error.message}"


def sync(path: Path, lock: RepriseLock, how: Locking, options: Options | None = None) -> Synced:
    """Fetch everything by hash and build the environment; offline where all of it is here.

    Raises:
        CorruptContent: Something is not what was locked.
        RepriseError: Something cannot be fetched or built.
    """
    packages = packages_path(path)
    folders = {item.name: fetch(item, options) for item in lock.repos}
    built = None
    if packages is not None:
        built = environments.build(
            read_packages(packages), settings.cache_dir() / "environments", python=how.python,
            sources=how.sources, installer=how.installer, progress=how.progress,
        )  # fmt: skip
    return Synced(folders, built)


def fetch(item: LockedRepo, options: Options | None = None) -> Path:
    """Fetch a locked repo and hold its files against the lock.

    Raises:
        CorruptContent: They are not what was locked.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    kind = RepoType.DATASET if isinstance(item, LockedData) else RepoType.MODEL
    chosen = replace(options or Options(), repo_type=kind, lock=None)
    snapshot = open_snapshot(f"{item.repo}@{item.commit}", chosen)
    expect(item, trees.files_of(snapshot.root))
    return snapshot.root
