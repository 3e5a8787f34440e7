"""Where the files of a data set are: a folder, or a repo at one commit, fetched as needed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from reprise.base.digests import sha256_hex
from reprise.base.errors import EntryNotFound, OfflineMiss
from reprise.base.files import write_bytes
from reprise.base.ids import RepoType, is_commit

if TYPE_CHECKING:
    from reprise.hub.address import Address

_CARD = "README.md"


class Tree(Protocol):
    """Files by path."""

    @property
    def name(self) -> str:
        """What errors call it."""
        ...

    @property
    def commit(self) -> str | None:
        """The commit, for repos."""
        ...

    def paths(self) -> list[str]:
        """List all files."""
        ...

    def fetch(self, paths: Sequence[str]) -> list[Path]:
        """Return local copies of files."""
        ...


@dataclass(frozen=True)
class FolderTree:
    """A folder on this machine."""

    root: Path
    commit: str | None = None
    repo: str = ""

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.repo or str(self.root)

    def paths(self) -> list[str]:
        """List all files."""
        found = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return [path.relative_to(self.root).as_posix() for path in found]

    def fetch(self, paths: Sequence[str]) -> list[Path]:
        """Return the files themselves."""
        return [self.root / path for path in paths]


@dataclass(frozen=True)
class RepoTree:
    """A repo on a hub, at one commit."""

    repo_id: str
    at: str
    listing: tuple[str, ...]
    endpoint: str | None = None
    token: str | bool | None = None

    @property
    def name(self) -> str:
        """What errors call it."""
        return f"{self.repo_id}@{self.at[:8]}"

    @property
    def commit(self) -> str | None:
        """The commit."""
        return self.at

    def paths(self) -> list[str]:
        """List all files."""
        return list(self.listing)

    def fetch(self, paths: Sequence[str]) -> list[Path]:
        """Download files into the cache that all clients of the hub share, digests checked."""
        from reprise.hub.downloads import download

        wanted = list(dict.fromkeys(paths))
        folder = download(
            f"{self.repo_id}@{self.at}", wanted,
            repo_type="dataset", endpoint=self.endpoint, token=self.token,
        )  # fmt: skip
        root = folder if len(wanted) != 1 else folder.parents[wanted[0].count("/")]
        return [root / path for path in paths]


def open_tree(
    name: str,
    revision: str | None = None,
    *,
    token: str | bool | None = None,
    endpoint: str | None = None,
    offline: bool | None = None,
) -> Tree:
    """Find a folder, or a data set repo at the commit that its revision means now.

    Raises:
        RepoNotFound, RevisionNotFound, GatedRepo, Unauthenticated, HubUnreachable: As the hub says.
        OfflineMiss: Offline, and it is not cached.
    """
    from reprise.hub.address import Address
    from reprise.hub.snapshots import Options, find_address, resolve

    folder = Path(name).expanduser()
    if folder.is_dir():
        return FolderTree(folder)
    options = Options(
        endpoint=endpoint, token=token, offline=offline, repo_type=RepoType.DATASET, verbose=False
    )
    address = find_address(name, options)
    if not isinstance(address, Address):
        return FolderTree(address.path)
    address = replace(address, revision=revision or address.revision)
    if options.is_offline:
        return _cached(address)
    commit = resolve(address, options).commit
    tree = _listed(address, commit, token)
    _note(address).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(_note(address), commit.encode())
    return tree


def _listed(address: "Address", commit: str, token: str | bool | None) -> RepoTree:
    from reprise.hub.sources.hub import HubSource
    from reprise.hub.transfer import Transfer

    with HubSource(address, token).errors(commit):
        files = Transfer(address, commit, token).listing()
    return RepoTree(
        str(address.repo_id), commit, tuple(f.path for f in files), address.endpoint, token
    )


def _note(address: "Address") -> Path:
    """Return the file that remembers which commit a revision meant when it was last asked for."""
    from reprise.data.places import default_store

    name = sha256_hex(f"{address.key}:{address.revision or ''}".encode())
    return default_store().root / "revisions" / name


def _cached(address: "Address") -> FolderTree:
    from reprise.hub.downloads import download

    commit = address.revision or ""
    if not is_commit(commit):
        try:
            commit = _note(address).read_text()
        except FileNotFoundError:
            raise OfflineMiss(
                f"Offline, and {address} was never loaded here.", hint="Load it once while online."
            ) from None
    folder = download(f"{address.repo_id}@{commit}", repo_type="dataset", offline=True)
    return FolderTree(folder, commit, str(address.repo_id))


def read_card(tree: Tree) -> str:
    """Return the text of a tree's card; "" when it has none."""
    if _CARD not in tree.paths():
        return ""
    (path,) = tree.fetch([_CARD])
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise EntryNotFound(f"{tree.name} has no {_CARD} here.") from None
