"""What the snapshot cache holds, how much of the disk it takes, and how to make it smaller."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reprise.base.clock import Clock, iso, system_clock
from reprise.base.ids import is_commit
from reprise.hub import cache
from reprise.hub.cache import Record
from reprise.hub.git_url import file_safe

_DAY = 24 * 3600 * 1_000_000  # microseconds


@dataclass(frozen=True)
class CachedCommit:
    """One commit in the cache."""

    repo: str  # host/owner/name
    commit: str
    revisions: tuple[str, ...]  # that meant this commit when they were asked for
    complete: bool  # False: only the code or its manifest, for listing
    own_bytes: int  # freed when it is removed
    shared_bytes: int  # weights that huggingface_hub's cache holds too, stored once
    fetched: str  # ISO 8601, UTC
    used_at: int  # microseconds since 1970, UTC
    folder: Path  # that holds the snapshot and its record

    @property
    def used(self) -> str:
        """When it was last used, ISO 8601."""
        return iso(self.used_at)


def contents(root: Path) -> Iterator[CachedCommit]:
    """Look at every cached commit, in the order of repos and last use."""
    found = []
    for path in root.glob("*/*/*/*.json"):
        record = Record.read(path) if is_commit(path.stem) else None
        if record is not None:
            found.append(_look_at(path, record))
    yield from sorted(found, key=lambda item: (item.repo, -item.used_at))


def removable(
    root: Path, *, repo: str = "", unused_days: float = 0, clock: Clock = system_clock
) -> list[CachedCommit]:
    """Choose what to remove.

    Args:
        root: The cache.
        repo: Only this repo: `owner/name` or `host/owner/name`.
        unused_days: Only what was not used for so many days.
        clock: Tells the time.
    """
    before = clock() - int(unused_days * _DAY)
    return [item for item in contents(root) if item.used_at <= before and _is(item, repo)]


def _is(item: CachedCommit, repo: str) -> bool:
    """Tell whether somebody means this repo, as the list shows it or as it is loaded."""
    spelled = (repo.lower(), "/".join(map(file_safe, repo.split("/"))).lower())
    return not repo or f"/{item.repo.lower()}".endswith(tuple(f"/{text}" for text in spelled))


def remove(root: Path, item: CachedCommit) -> None:
    """Remove a commit from the cache; a process that is just loading it keeps its open files."""
    with cache.locked_folder(root, item.folder):
        for name in (item.commit, f"{item.commit}{cache.CODE}"):
            cache.remove_tree(item.folder / name)
        for suffix in (cache.MANIFEST, ".json"):
            (item.folder / f"{item.commit}{suffix}").unlink(missing_ok=True)
        for folder in (item.folder, item.folder.parent, item.folder.parent.parent):
            if any(folder.iterdir()):
                break
            folder.rmdir()


def _look_at(path: Path, record: Record) -> CachedCommit:
    full, code = path.with_suffix(""), path.with_suffix(cache.CODE)
    own = shared = 0
    manifest = [found for found in [path.with_suffix(cache.MANIFEST)] if found.exists()]
    for file in [*full.rglob("*"), *code.rglob("*"), *manifest]:
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink > 1):
            shared += file.stat().st_size if file.exists() else 0
        elif stat.S_ISREG(status.st_mode):
            own += status.st_size
    return CachedCommit(
        repo=record.repo,
        commit=record.commit,
        revisions=tuple(record.revisions),
        complete=full.is_dir(),
        own_bytes=own,
        shared_bytes=shared,
        fetched=record.fetched,
        used_at=path.stat().st_mtime_ns // 1000,
        folder=path.parent,
    )
