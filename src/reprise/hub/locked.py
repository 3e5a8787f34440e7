"""`lock=`: what a `reprise.lock` says about an address, and whether the files keep to it."""

from dataclasses import replace
from pathlib import Path

from reprise.base.errors import CorruptContent, InvalidInput, NotFound
from reprise.base.ids import RepoType, is_commit
from reprise.formats import reprise_lock, trees
from reprise.formats.reprise_lock import LockedCode, LockedData, LockedRepo, RepriseLock
from reprise.formats.trees import TreeFile
from reprise.hub import settings
from reprise.hub.address import Address, LocalFolder, parse

_SHOWN = 5  # files named in one message


def read_lock(path: str | Path) -> RepriseLock:
    """Read a `reprise.lock`; a folder means the one in it.

    Raises:
        NotFound: There is none.
        InvalidFormat: It is none.
    """
    place = lock_path(path)
    try:
        return reprise_lock.read(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        raise NotFound(
            f"There is no {reprise_lock.NAME} at {place}.", hint="reprise lock REPO makes one."
        ) from None


def lock_path(path: str | Path) -> Path:
    """Return the file that is meant by a file or a folder."""
    place = Path(path)
    return place / reprise_lock.NAME if place.is_dir() else place


def packages_path(path: str | Path) -> Path | None:
    """Return the `pylock.toml` that a lock names, or None; its hash is checked.

    Raises:
        CorruptContent: It is not the one that was locked, or not there.
    """
    place, lock = lock_path(path), read_lock(path)
    if lock.python is None:
        return None
    packages = place.parent / lock.python.lock
    if not packages.is_file() or trees.file_sha256(packages) != lock.python.sha256:
        raise CorruptContent(
            f"{packages} is not there, or not the one that was locked.",
            hint="reprise lock makes both again, from what is locked.",
        )
    return packages


def pinned(address: Address | LocalFolder, path: str | Path) -> Address:
    """Return an address at the commit that a lock has for it.

    Raises:
        InvalidInput: A folder, which no lock can pin, or another commit was asked for.
        NotFound: The lock does not name the repo.
    """
    if isinstance(address, LocalFolder):
        raise InvalidInput(
            f"{address} is a folder, and a lock pins repos.", hint="Leave out lock=."
        )
    items = items_of(address, read_lock(path))
    commit = items[0].commit
    if is_commit(address.revision or "") and address.revision != commit:
        raise InvalidInput(
            f"{address.repo_id} is locked at {commit}, and {address.revision} was asked for.",
            hint=f"Leave out the commit, or: reprise lock {address} replaces the lock's.",
        )
    return replace(address, revision=commit)


def items_of(address: Address, lock: RepriseLock) -> list[LockedRepo]:
    """Return what a lock says about a repo: its model and code, or its data.

    Raises:
        NotFound: Nothing.
    """
    is_data = address.repo_type is RepoType.DATASET
    items = [item for item in lock.repos if isinstance(item, LockedData) == is_data]
    found = [item for item in items if _address(item.repo) == _plain(address)]
    if not found:
        known = ", ".join(sorted({item.repo for item in items})) or "nothing of its kind"
        flag = "--data " if is_data else ""
        raise NotFound(
            f"The lock does not name {address.repo_id}.",
            hint=f"It has {known}. Add it with: reprise lock {flag}{address}",
        )
    return found


def check(root: Path, address: Address, path: str | Path, *, weights: bool) -> None:
    """Hold the files of a snapshot against a lock.

    Args:
        root: The snapshot.
        address: Which repo it is of.
        path: The lock.
        weights: False where only the code was fetched.

    Raises:
        CorruptContent: A file is missing, changed, or was not there; the message names some.
    """
    files = trees.files_of(root)
    for item in items_of(address, read_lock(path)):
        if weights or isinstance(item, LockedCode):
            expect(item, files)


def expect(item: LockedRepo, files: tuple[TreeFile, ...]) -> None:
    """Hold files against what a lock says.

    Raises:
        CorruptContent: As `check`.
    """
    select = trees.code_files if isinstance(item, LockedCode) else trees.model_files
    here = {file.path: file for file in select(files)}
    there = {file.path: file for file in getattr(item, "file", ())}
    if here == there:
        return
    changed = sorted(path for path in {*here, *there} if here.get(path) != there.get(path))
    shown = ", ".join(changed[:_SHOWN]) + (", …" if changed[_SHOWN:] else "")
    raise CorruptContent(
        f"{item.repo}@{item.commit} is not what was locked: {shown} differs.",
        hint="Somebody changed the repo's content, or the lock. Compare: reprise lock --check",
    )


def spelled(address: Address) -> str:
    """Return an address without its revision, with its host where that is not the hub in use."""
    bare = str(replace(address, revision=None, subfolder=""))
    if address.kind == "git" or address.endpoint == settings.endpoint():
        return bare
    return f"{address.endpoint.partition('://')[2]}:{bare}"


def _address(text: str) -> tuple[str, str]:
    found = parse(text, endpoint=settings.endpoint(), github=settings.github())
    if isinstance(found, LocalFolder):
        raise InvalidInput(f"The lock names {text[:200]!r}, which is a folder and no repo.")
    return _plain(found)


def _plain(address: Address) -> tuple[str, str]:
    return address.host, address.repo_id.key
