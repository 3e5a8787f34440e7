"""A commit as one zip archive, the same bytes every time, with the real content of large files."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, bindparam, select

from reprise.base.errors import NotFound
from reprise.formats.lfs_pointer import Pointer
from reprise.formats.zip_stream import Member, ZipStream
from reprise.registry import files
from reprise.registry.access import Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import repo_file, stored_file
from reprise.registry.git import trees
from reprise.registry.git.objects import EXECUTABLE, FILE, FOLDER, SUBMODULE, SYMLINK, TreeEntry
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import BATCH, GitStore
from reprise.registry.registry import Registry
from reprise.registry.revisions import Located
from reprise.registry.stored import StoredFile

_FORM = 1  # raised when the same commit would give other bytes
_BLOCK = 256 << 10  # small pieces are joined up to this: each piece costs a thread hop
_MODES = {EXECUTABLE: EXECUTABLE, SYMLINK: SYMLINK | 0o777, FOLDER: FOLDER | 0o755}
_MODES[SUBMODULE] = _MODES[FOLDER]  # an empty folder, as git makes of it

_STORED = (
    select(stored_file.c.sha256, stored_file.c.size, stored_file.c.whole, stored_file.c.xet_hash)
    .join(repo_file, repo_file.c.sha256 == stored_file.c.sha256)
    .where(
        repo_file.c.repo_id == bindparam("repo_id"),
        repo_file.c.sha256.in_(bindparam("digests", expanding=True)),
    )
)


@dataclass(frozen=True)
class _Tree:
    """What a commit holds, and what is known of its files."""

    listed: list[tuple[str, TreeEntry]]
    sizes: dict[bytes, int]
    pointers: dict[bytes, Pointer]
    stored: dict[str, StoredFile]


def root_of(repo: Repo, at: Located) -> str:
    """Name the folder that holds everything in the archive: `owner-name-commit`."""
    return f"{str(repo.repo_id).replace('/', '-')}-{at.hex}"


def etag_of(repo: Repo, at: Located, *, large: bool = True) -> str:
    """Return the archive's entity tag, quoted; equal tags mean equal bytes."""
    return f'"zip{_FORM}-{root_of(repo, at)}{"" if large else "-small"}"'


def archive(
    conn: Connection, registry: Registry, repo: Repo, at: Located, *, large: bool = True
) -> ZipStream:
    """Lay out the archive of a commit. Contents are read when it is iterated, without `conn`.

    The root folder comes first, then every folder before what it holds, in git's order. All
    entries carry the committer's time, the archive's comment is the commit.

    Args:
        conn: An open snapshot.
        registry: The hub.
        repo: The repo.
        at: The commit.
        large: False leaves out the files that are kept outside git.

    Raises:
        NotFound: The content of a large file was never uploaded.
        InvalidInput: Folders lie deeper inside each other than this hub goes.
    """
    store = GitStore(conn, repo.id)
    commit = store.read_commit(at.commit)
    tree = _read_tree(store, commit.tree)
    root = f"{root_of(repo, at)}/"
    members = [Member(root, _MODES[FOLDER])]
    for path, entry in tree.listed:
        trees.check_served(path)
        if large or not _is_pointer(tree, entry):
            members.append(_member(registry, repo, tree, root + path, entry))
    return ZipStream(members, seconds=commit.committer.seconds, comment=at.hex.encode())


def in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join small pieces, so that sending them costs less."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def _read_tree(store: GitStore, tree: bytes) -> _Tree:
    listed = list(trees.list_tree(store, tree, recursive=True))
    oids = {entry.oid for _, entry in listed if not _is_folder(entry)}
    pointers = pointers_of(store.conn, store.repo_id, oids)
    digests = sorted({bytes.fromhex(pointer.sha256) for pointer in pointers.values()})
    stored = {}
    for batch in batched(digests, BATCH):
        for row in store.conn.execute(_STORED, {"repo_id": store.repo_id, "digests": batch}):
            stored[row.sha256.hex()] = StoredFile(*row)
    return _Tree(listed, store.sizes(oids), pointers, stored)


def _member(registry: Registry, repo: Repo, tree: _Tree, name: str, entry: TreeEntry) -> Member:
    if _is_folder(entry):
        return Member(f"{name}/", _MODES[FOLDER])
    mode = _MODES.get(entry.mode, FILE)
    if not _is_pointer(tree, entry):
        return Member(name, mode, tree.sizes[entry.oid], partial(_blob, registry, repo, entry.oid))
    pointer = tree.pointers[entry.oid]
    stored = tree.stored.get(pointer.sha256)
    if stored is None:
        raise NotFound(
            f"{name!r} stands for the large file {pointer.sha256}, which was never uploaded to "
            f"{repo.repo_id}. Push it with git-lfs, or upload it again."
        )
    read = partial(files.open_range, registry, stored, 0, stored.size)
    return Member(name, mode, stored.size, read, pour=True)


def _is_pointer(tree: _Tree, entry: TreeEntry) -> bool:
    return entry.mode != SYMLINK and entry.oid in tree.pointers


def _is_folder(entry: TreeEntry) -> bool:
    return entry.is_folder or entry.mode == SUBMODULE


def _blob(registry: Registry, repo: Repo, oid: bytes) -> Iterator[bytes]:
    # A transaction per blob: one for all would stay open as long as the client is slow.
    with registry.db.read() as conn:
        yield GitStore(conn, repo.id).read(oid).body
