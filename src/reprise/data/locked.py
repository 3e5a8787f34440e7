"""`lock=`: a data set as a `reprise.lock` has it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import CorruptContent, InvalidInput
from reprise.base.ids import RepoType, is_commit
from reprise.data.frame import Frame
from reprise.data.trees import FolderTree

if TYPE_CHECKING:
    from reprise.formats.reprise_lock import LockedData


@dataclass(frozen=True)
class Held:
    """A data set's files, held against a lock, and what the lock says about its rows."""

    tree: FolderTree
    items: "tuple[LockedData, ...]"

    def rows_of(self, subset: str | None) -> dict[str, str]:
        """Return the digests of the rows of a subset's splits, where the lock has them."""
        return {
            item.split: item.content_sha256
            for item in self.items
            if item.config == subset and item.split and item.content_sha256
        }


def open_locked(name: str, revision: str | None, lock: str | Path, access: dict[str, Any]) -> Held:
    """Fetch a data set at the commit of a lock, every file held against its digest.

    Args:
        name: The repo.
        revision: What the caller asked for; a commit must be the locked one.
        lock: The lock, or the folder of it.
        access: `token`, `endpoint`, `offline`.

    Raises:
        InvalidInput: It is a folder or a file, or another commit was asked for.
        NotFound: The lock does not name it.
        CorruptContent: A file is not what was locked; the message names it.
    """
    from reprise.formats.reprise_lock import LockedData
    from reprise.hub import locked
    from reprise.hub.address import Address
    from reprise.hub.snapshots import Options, open_snapshot

    if Path(name).expanduser().exists():
        raise InvalidInput(f"{name} is on this machine, and a lock pins repos.",
                           hint="Leave out lock=.")  # fmt: skip
    asked = f"{name}@{revision}" if revision and is_commit(revision) and "@" not in name else name
    options = Options(lock=lock, repo_type=RepoType.DATASET, verbose=False, **access)
    snapshot = open_snapshot(asked, options)
    assert isinstance(snapshot.address, Address)
    items = locked.items_of(snapshot.address, locked.read_lock(lock))
    chosen = tuple(item for item in items if isinstance(item, LockedData))
    repo = str(snapshot.address.repo_id)
    return Held(FolderTree(snapshot.root, snapshot.commit, repo), chosen)


def check_rows(frame: Frame, split: str, expected: str) -> None:
    """Hold the rows of a split against a lock.

    Raises:
        CorruptContent: They are others, though the files are those that were locked.
    """
    from reprise.data.content import content_id
    from reprise.data.dataset import Dataset

    found = content_id(Dataset(frame).to_arrow())
    if found != expected:
        raise CorruptContent(
            f"The rows of {split} are not those that were locked: {found[:12]}…, not "
            f"{expected[:12]}….",
            hint="The files are the same, so they are read otherwise than then: compare versions "
            "of Reprise and pyarrow.",
        )
