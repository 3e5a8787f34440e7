"""How much room environments take, and which ones nobody used lately."""

import json
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.isolate.environments import RECORD
from reprise.isolate.progress import silent
from reprise.isolate.store import locked, tree_name

_DAY = 86_400
# A staging folder without a lock belongs to nobody; the age spares one that is being made.
_STALE_SECONDS = 3600


@dataclass(frozen=True)
class Usage:
    """One environment on disk.

    Attributes:
        digest: Its name.
        packages: Name -> version, sorted.
        size: Bytes of all its files.
        own_size: Bytes that only this environment uses: what deleting it alone would free at once
            or with its wheels.
        last_used: Seconds since 1970.
    """

    digest: str
    packages: tuple[tuple[str, str], ...]
    size: int
    own_size: int
    last_used: float


def usage(root: Path) -> list[Usage]:
    """Measure all environments, the one used last first."""
    counts: dict[tuple[int, int], int] = {}
    files = {folder: _files(folder) for folder in _environments(root)}
    for sizes in files.values():
        for inode in sizes:
            counts[inode] = counts.get(inode, 0) + 1
    found = [
        Usage(
            folder.name,
            tuple(sorted(_record(folder)["packages"].items())),
            sum(sizes.values()),
            sum(size for inode, size in sizes.items() if counts[inode] == 1),
            (folder / RECORD).stat().st_mtime,
        )
        for folder, sizes in files.items()
    ]
    return sorted(found, key=lambda item: item.last_used, reverse=True)


def total_size(root: Path) -> int:
    """Return bytes on disk below the root, linked files counted once."""
    return sum(_files(root).values())


def collect(root: Path, *, unused_days: float = 30, now: float | None = None) -> list[str]:
    """Delete environments that nobody used for a while, then wheels that none links to.

    Args:
        root: Folder of all environments.
        unused_days: How long an environment must have been unused.
        now: Seconds since 1970.

    Returns:
        Digests of the deleted environments.
    """
    moment = time.time() if now is None else now
    deleted = []
    for folder in _environments(root):
        with locked(root, folder.name, silent):
            if moment - (folder / RECORD).stat().st_mtime >= unused_days * _DAY:
                _delete(folder)
                deleted.append(folder.name)
    with locked(root, "wheels", silent):
        _delete_unused_wheels(root)
        for leftover in root.glob(".staging-*"):
            if moment - leftover.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(leftover, ignore_errors=True)
    return sorted(deleted)


def _delete_unused_wheels(root: Path) -> None:
    """Delete trees that no record names. The lock on wheels is held.

    A build that has its wheels but no record yet keeps them by its links, and fills again.
    """
    used = {
        tree_name(sha256, record["cache_tag"])
        for record in map(_record, _environments(root))
        for sha256 in record["wheels"]
    }
    for tree in (root / "wheels").glob("*"):
        if tree.name not in used:
            _delete(tree)


def _delete(folder: Path) -> None:
    """Rename first: what is half deleted must not be found."""
    doomed = folder.with_name(f".staging-old-{folder.name}")
    shutil.rmtree(doomed, ignore_errors=True)
    folder.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _environments(root: Path) -> Iterator[Path]:
    yield from sorted(path.parent for path in root.glob(f"[0-9a-f]*/{RECORD}"))


def _record(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
    return record


def _files(folder: Path) -> dict[tuple[int, int], int]:
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            status = Path(path, name).lstat()
            if stat.S_ISREG(status.st_mode):
                found[status.st_dev, status.st_ino] = status.st_size
    return found
