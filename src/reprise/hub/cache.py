"""The snapshot cache: `<dir>/<host>/<owner>/<name>/<commit>/`, complete or absent.

A snapshot is filled in a private staging folder and renamed into place while a lock on its repo
is held, so that no process ever sees half of one. Beside it lies its record, `<commit>.json`.
`<commit>.code` holds just the code, for listing entry points without fetching weights;
`<commit>.manifest` is what a hub said of them.

Files are read-only. Folders are not, so that `rm -r` still works.
"""

import json
import logging
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from reprise.base.clock import Clock, iso, system_clock
from reprise.base.files import write_bytes
from reprise.base.ids import is_commit
from reprise.hub.address import Address

log = logging.getLogger("reprise.hub")

DEFAULT_BRANCH = "HEAD"  # how a record names "no revision given"
CODE = ".code"
MANIFEST = ".manifest"
_STAGING = ".staging-"
_NO_OWNER = "-"  # stands for the owner of legacy ids; no owner can have this name


@dataclass(frozen=True)
class Record:
    """What is known about a cached commit."""

    repo: str  # host/owner/name
    commit: str
    revisions: dict[str, str] = field(default_factory=dict)  # revision asked for -> when (ISO)
    links: tuple[str, ...] = ()  # paths that are symbolic links into another cache
    fetched: str = ""

    def to_json(self) -> bytes:
        """Encode for the disk."""
        return (json.dumps(self.__dict__, indent=2) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """Read a record; None when there is none or something else lies there."""
        try:
            value = json.loads(path.read_bytes())
            return cls(
                repo=str(value["repo"]),
                commit=str(value["commit"]),
                revisions={str(k): str(v) for k, v in value["revisions"].items()},
                links=tuple(str(link) for link in value["links"]),
                fetched=str(value["fetched"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None


def repo_folder(root: Path, address: Address) -> Path:
    """Return the folder that holds a repo's snapshots."""
    host, owner, name = address.place
    return root / host / (owner or _NO_OWNER) / name


def find(root: Path, address: Address, commit: str, *, weights: bool) -> Path | None:
    """Return a usable snapshot, or None.

    Args:
        root: The cache.
        address: The repo.
        commit: The commit, 40 hex digits.
        weights: Whether the code alone is not enough.
    """
    folder = repo_folder(root, address)
    full = folder / commit
    if full.is_dir() and _links_hold(full):
        return full
    code = folder / f"{commit}{CODE}"
    return code if not weights and code.is_dir() else None


def install(
    root: Path,
    address: Address,
    commit: str,
    fill: Callable[[Path], None],
    *,
    weights: bool,
    again: bool = False,
) -> Path:
    """Make a snapshot, unless another process just did.

    Args:
        root: The cache.
        address: The repo.
        commit: The commit, 40 hex digits.
        fill: Puts the files into the empty folder it is given; may raise.
        weights: False for a snapshot of the code alone.
        again: Make it even though there is one.

    Returns:
        The finished, read-only snapshot.
    """
    with locked(root, address):
        found = None if again else find(root, address, commit, weights=weights)
        if found is None:
            name = commit if weights else f"{commit}{CODE}"
            found = _make(repo_folder(root, address), name, fill)
            _record_fetch(_record_path(root, address, commit), address, commit)
        return found


def recall(
    root: Path, address: Address, revision: str | None, *, manifests: bool = False
) -> str | None:
    """Return the commit that a revision meant when it was last resolved and fetched.

    Args:
        root: The cache.
        address: The repo.
        revision: None is the default branch.
        manifests: Whether a commit of which only the manifest is known will do.
    """
    name = revision or DEFAULT_BRANCH
    seen = [
        (record.revisions[name], record.commit)
        for record in repo_records(root, address, manifests=manifests)
        if name in record.revisions
    ]
    return max(seen)[1] if seen else None


def remember(root: Path, address: Address, commit: str, *, clock: Clock = system_clock) -> None:
    """Record that the revision of this address means this commit now.

    A cache that cannot be written to is used as it is.
    """
    name = address.revision or DEFAULT_BRANCH
    path = _record_path(root, address, commit)
    try:
        if path.exists() and recall(root, address, address.revision, manifests=True) == commit:
            path.touch()  # when it was last used, for cleaning
            return
        with locked(root, address):
            now = iso(clock())
            record = Record.read(path) or Record(address.key, commit, fetched=now)
            revisions = record.revisions | {name: now}
            write_bytes(path, replace(record, revisions=revisions).to_json())
    except OSError as error:
        log.debug("Cannot write to the cache: %s", error)


def repo_records(root: Path, address: Address, *, manifests: bool = False) -> Iterator[Record]:
    """Read the records of one repo's cached commits, also of those with only a manifest."""
    for path in repo_folder(root, address).glob("*.json"):
        record = Record.read(path) if is_commit(path.stem) else None
        if record and (_has_snapshot(path) or (manifests and path.with_suffix(MANIFEST).exists())):
            yield record


def locked(root: Path, address: Address) -> AbstractContextManager[None]:
    """Keep other processes from changing a repo's snapshots; says so when it has to wait."""
    return locked_folder(root, repo_folder(root, address))


@contextmanager
def locked_folder(root: Path, folder: Path) -> Iterator[None]:
    """As `locked`, for the folder of a repo."""
    from filelock import FileLock, Timeout

    below = folder.relative_to(root)
    path = root / ".locks" / below.with_name(f"{below.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("Waiting for another process that is fetching %s", below)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def remove_tree(folder: Path) -> None:
    """Delete a folder, complete or not; absent is fine."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _make(folder: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """Fill a staging folder and give it its name. The repo's lock is held."""
    for leftover in folder.glob(f"{_STAGING}*"):
        remove_tree(leftover)  # its process is gone, or it would hold the lock
    staging = folder / f"{_STAGING}{uuid.uuid4().hex}"
    staging.mkdir(parents=True)
    try:
        fill(staging)
        _seal(staging)
        if (folder / name).exists():
            (folder / name).rename(folder / f"{_STAGING}old-{uuid.uuid4().hex}")
        staging.rename(folder / name)
    finally:
        for leftover in folder.glob(f"{_STAGING}*"):
            remove_tree(leftover)
    return folder / name


def _record_fetch(path: Path, address: Address, commit: str) -> None:
    known = Record.read(path) or Record(address.key, commit)
    full = path.with_suffix("")
    links = tuple(_links(full)) if full.is_dir() else ()
    write_bytes(path, replace(known, links=links, fetched=iso(system_clock())).to_json())


def _seal(folder: Path) -> None:
    for path in folder.rglob("*"):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            # A hard link may belong to somebody else, who then guards it.
            with suppress(PermissionError):
                path.chmod(stat.S_IMODE(status.st_mode) & ~0o222)


def _links(snapshot: Path) -> Iterator[str]:
    for path in snapshot.rglob("*"):
        if path.is_symlink():
            yield path.relative_to(snapshot).as_posix()


def _links_hold(snapshot: Path) -> bool:
    record = Record.read(snapshot.with_name(f"{snapshot.name}.json"))
    return record is None or all((snapshot / link).exists() for link in record.links)


def _has_snapshot(record: Path) -> bool:
    return record.with_suffix("").is_dir() or record.with_suffix(CODE).is_dir()


def _record_path(root: Path, address: Address, commit: str) -> Path:
    return repo_folder(root, address) / f"{commit}.json"
