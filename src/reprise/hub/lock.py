"""Make a `reprise.lock`: resolve addresses to commits, fetch them, hash what counts.

A lock that exists is changed only where somebody says so: what is named is resolved again, all
else stays.
"""

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise import __version__
from reprise.base.digests import sha256_hex
from reprise.base.errors import IncompatibleDependencies, InvalidInput, NotFound
from reprise.base.files import write_bytes
from reprise.base.ids import RepoType, is_commit
from reprise.formats import card, pylock, reprise_lock, trees
from reprise.formats.pylock import Lock
from reprise.formats.reprise_lock import (
    LockedCode,
    LockedData,
    LockedModel,
    LockedRepo,
    PythonPart,
    RepriseLock,
)
from reprise.hub import locking, requirements
from reprise.hub.address import Address
from reprise.hub.locked import spelled
from reprise.hub.locking import LOCK, Locking
from reprise.hub.manifest import read_manifest
from reprise.hub.snapshots import Options, Snapshot, open_snapshot

if TYPE_CHECKING:
    from reprise.hub.requirements import Wanted

NAME = reprise_lock.NAME


@dataclass(frozen=True)
class Wish:
    """What is to be locked.

    Attributes:
        repo: As for `reprise.load`.
        kind: `model` for a model repo with its code, `dataset` for a data set.
        split: Of a data set.
        config: Of a data set.
        rows: What is known of its rows: their number and the digest of their content.
    """

    repo: str
    kind: str = "model"
    split: str | None = None
    config: str | None = None
    rows: tuple[int, str] | None = None


@dataclass(frozen=True)
class Made:
    """A lock, and the lock of its Python packages where code needs any."""

    lock: RepriseLock
    packages: Lock | None


def resolve(
    wishes: Sequence[Wish], *, base: RepriseLock | None = None, options: Options | None = None
) -> RepriseLock:
    """Resolve, fetch and hash; the Python packages come after, see `packages_of`.

    Args:
        wishes: What to lock.
        base: A lock whose other content stays.
        options: How to fetch.

    Raises:
        InvalidInput: A folder, which has no commit.
        RepriseError: See `reprise.hub.snapshots.open_snapshot`.
    """
    lock = base or RepriseLock(platforms=(platform_tag(),))
    for wish in wishes:
        found = _data(wish, options) if wish.kind == "dataset" else _model(wish, options)
        for kind, item in found:
            kept = tuple(it for it in getattr(lock, kind) if it.name != item.name)
            changed: Any = {kind: (*kept, item)}
            lock = replace(lock, **changed)
    return reprise_lock.ordered(replace(lock, created_by=f"reprise {__version__}"))


def upgrade(lock: RepriseLock, name: str, options: Options | None = None) -> RepriseLock:
    """Resolve again what a lock calls `name`, at the revision that was asked for.

    Raises:
        NotFound: The lock has nothing by that name.
    """
    items = [item for item in lock.repos if name in {item.name, item.repo}]
    if not items:
        known = ", ".join(sorted({item.name for item in lock.repos})) or "nothing"
        raise NotFound(f"The lock has nothing called {name!r}.", hint=f"It has {known}.")
    return resolve([_wish(item) for item in items], base=lock, options=options)


def packages_of(
    lock: RepriseLock, how: Locking, options: Options | None = None, *, old: Lock | None = None
) -> Lock | None:
    """Choose the Python packages for the code of a lock.

    The lock of a repo is taken as it is where there is only one repo with code; otherwise one
    choice of versions is made for all of them.

    Args:
        lock: With its code.
        how: How to choose.
        options: How to fetch.
        old: What was chosen before; its versions are kept where that is possible.

    Raises:
        RepriseError: As `reprise.hub.locking.make_lock`.
    """
    found: list[Wanted] = []
    locks = []
    for item in lock.code:
        snapshot = _open(_wish(item, pinned=True), options)
        manifest = read_manifest(snapshot.root)
        found += requirements.wanted(snapshot.root, manifest)
        locks.append(locking.read_lock(snapshot.root))
    if len(locks) == 1 and locks[0] is not None:
        return locks[0]
    if not requirements.lines(found):
        return None
    pins = () if old is None else tuple(locking.pin(it) for it in old.packages if it.version)
    try:
        return locking.make_lock(found, replace(how, constraints=(*how.constraints, *pins)))
    except IncompatibleDependencies:
        if not pins:
            raise
        return locking.make_lock(found, how)


def save(made: Made, path: Path) -> RepriseLock:
    """Write a lock and, beside it, that of its packages; return it as written."""
    lock = replace(made.lock, python=None)
    if made.packages is not None:
        data = pylock.write(made.packages).encode()
        write_bytes(path.with_name(LOCK), data)
        lock = replace(
            lock,
            python=PythonPart(LOCK, sha256_hex(data)),
            requires_python=made.packages.requires_python,
        )
    write_bytes(path, reprise_lock.write(lock).encode())
    return lock


def platform_tag() -> str:
    """Name this platform: `linux-x86_64-cp311-glibc2.36`."""
    libc = "".join(platform.libc_ver())
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return "-".join(filter(None, (sys.platform, platform.machine(), version, libc)))


def _model(wish: Wish, options: Options | None) -> list[tuple[str, LockedRepo]]:
    snapshot = _open(wish, options)
    files = trees.files_of(snapshot.root)
    code, held = trees.code_files(files), trees.model_files(files)
    common = _common(snapshot)
    found: list[tuple[str, LockedRepo]] = []
    if held:
        item = LockedModel(
            **common, tree_sha256=trees.digest_of(held), license=_license(snapshot), file=held
        )
        found.append(("model", item))
    if code:
        found.append(("code", LockedCode(**common, tree_sha256=trees.digest_of(code), file=code)))
    if not found:
        raise InvalidInput(f"{snapshot.address} holds nothing to lock: no code and no weights.")
    return found


def _data(wish: Wish, options: Options | None) -> list[tuple[str, LockedRepo]]:
    snapshot = _open(wish, options)
    held = trees.model_files(trees.files_of(snapshot.root))
    common = _common(snapshot)
    parts = [common["name"], wish.config, wish.split]
    rows, content = wish.rows or (None, None)
    item = LockedData(
        **{**common, "name": ":".join(filter(None, parts))},
        tree_sha256=trees.digest_of(held), config=wish.config, split=wish.split,
        rows=rows, content_sha256=content, file=held,
    )  # fmt: skip
    return [("dataset", item)]


def _open(wish: Wish, options: Options | None) -> Snapshot:
    kind = RepoType.DATASET if wish.kind == "dataset" else RepoType.MODEL
    snapshot = open_snapshot(wish.repo, replace(options or Options(), repo_type=kind, lock=None))
    if not isinstance(snapshot.address, Address) or snapshot.commit is None:
        raise InvalidInput(
            f"{snapshot.address} is a folder and has no commit to lock.",
            hint="Publish it first, and lock what was published.",
        )
    return snapshot


def _common(snapshot: Snapshot) -> dict[str, Any]:
    assert isinstance(snapshot.address, Address)
    asked = snapshot.address.revision
    return {
        "name": str(snapshot.address.repo_id),
        "repo": spelled(snapshot.address),
        "commit": snapshot.commit,
        "revision": None if is_commit(asked or "") else asked,
    }


def _wish(item: LockedRepo, *, pinned: bool = False) -> Wish:
    """Ask again for what is locked; pinned to its commit, or wherever its revision is now."""
    revision = f"@{item.commit}" if pinned else f":{item.revision}" if item.revision else ""
    if isinstance(item, LockedData):
        return Wish(f"{item.repo}{revision}", "dataset", item.split, item.config)
    return Wish(f"{item.repo}{revision}")


def _license(snapshot: Snapshot) -> str | None:
    try:
        text = (snapshot.root / "README.md").read_text(encoding="utf-8")
        found = card.parse(text).data.get("license")
    except (OSError, ValueError, InvalidInput):
        return None
    return found if isinstance(found, str) else None
