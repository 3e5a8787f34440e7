"""Commits: a draft applied to a branch, in one transaction with everything that follows from it."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from reprise.base.errors import EntryNotFound, InvalidInput, RevisionNotFound, StaleParent, TooLarge
from reprise.formats import gitattributes, lfs_pointer
from reprise.formats.commit_request import Delete, Move, PutLarge
from reprise.formats.lfs_pointer import Pointer
from reprise.registry import branches
from reprise.registry.access import Account, Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import repo_file, stored_file
from reprise.registry.drafts import Draft, PutBlob
from reprise.registry.git import refs, trees
from reprise.registry.git.objects import (
    FOLDER,
    SUBMODULE,
    Commit,
    Kind,
    Signature,
    TreeEntry,
    encode_commit,
)
from reprise.registry.git.store import BATCH, GitStore
from reprise.registry.git.trees import Put, Remove, RemoveFolder, TreeChange
from reprise.registry.registry import Registry

INITIAL = "initial commit"
# More untracked files of one extension than this are tracked by extension, not one by one.
_LINES_PER_EXTENSION = 20

_GONE = {gitattributes.PATH, ""}  # deleting either of them deletes the file

_KNOWN = (
    select(stored_file.c.sha256, stored_file.c.size)
    .join(repo_file, repo_file.c.sha256 == stored_file.c.sha256)
    .where(
        repo_file.c.repo_id == bindparam("repo_id"),
        repo_file.c.sha256.in_(bindparam("digests", expanding=True)),
    )
)


@dataclass(frozen=True)
class Author:
    """Who makes a commit, and when (microseconds since 1970, UTC)."""

    account: Account
    now: int

    def signature(self) -> Signature:
        """Return what git records."""
        # `.invalid` can belong to nobody, so no address is made up for anybody (RFC 2606).
        return Signature.at(self.account.name, f"{self.account.name}@users.invalid", self.now)


def initial(conn: Connection, registry: Registry, repo: Repo, account: Account, now: int) -> bytes:
    """Give a new repo its first commit, which holds `.gitattributes`; return its id."""
    store = GitStore(conn, repo.id)
    blob = store.write(Kind.BLOB, gitattributes.default(repo.type))
    tree = trees.apply_changes(store, None, {gitattributes.PATH: Put(None, blob)})
    new = write_commit(store, tree, (), Author(account, now), INITIAL)
    ref = refs.HEADS + repo.default_branch
    refs.move(conn, repo.id, ref, old=None, new=new)
    branches.moved(conn, registry, repo, ref, old=None, new=new, now=now, store=store)
    return new


def commit(
    conn: Connection, registry: Registry, repo: Repo, ref: str, draft: Draft, *, author: Author
) -> bytes:
    """Apply a draft to a branch and return the new tip.

    A draft that changes nothing makes no commit: the tip stays and is returned.

    Args:
        conn: An open write transaction.
        registry: The hub.
        repo: The repo; the caller's right to write there was checked in this transaction.
        ref: Full name, `refs/heads/main` or `refs/pr/1`.
        draft: What to do.
        author: Who does it, and when.

    Raises:
        RevisionNotFound: There is no such branch.
        StaleParent: The draft was made for another tip.
        EntryNotFound: A file to be deleted, moved or copied does not exist.
        InvalidInput: Paths clash, or a large file was not uploaded to this repo.
    """
    lock_repo(conn, repo.id)
    old = refs.read(conn, repo.id, ref)
    if old is None:
        raise RevisionNotFound(f"Invalid rev id: {ref.removeprefix(refs.HEADS)}")
    if draft.header.parent not in {None, old.hex()}:
        raise StaleParent("A commit has happened since. Please refresh and try again.")
    store = GitStore(conn, repo.id)
    new = commit_onto(store, old, draft, author)
    if new != old:
        refs.move(conn, repo.id, ref, old=old, new=new)
        branches.moved(conn, registry, repo, ref, old=old, new=new, now=author.now, store=store)
    return new


def commit_onto(store: GitStore, base: bytes, draft: Draft, author: Author) -> bytes:
    """Write the commit a draft makes of a base, without moving any ref; return its id."""
    tree = store.read_commit(base).tree
    for rows in draft.rows.batches():
        store.insert(rows)
    new_tree = _apply(store, tree, draft)
    if new_tree == tree:
        return base
    return write_commit(store, new_tree, (base,), author, draft.header.message)


def write_commit(
    store: GitStore, tree: bytes, parents: tuple[bytes, ...], author: Author, message: str
) -> bytes:
    """Store a commit and return its id."""
    who = author.signature()
    body = encode_commit(Commit(tree, parents, who, who, f"{message}\n"))
    return store.write(Kind.COMMIT, body)


# -- from operations to a tree --------------------------------------------------------------


def _apply(store: GitStore, tree: bytes, draft: Draft) -> bytes:
    """Apply a draft to a tree: removals first, then additions, whatever their order."""
    removals, moved = _removals(store, tree, draft)
    additions: dict[str, TreeChange] = {**moved, **_additions(store, draft)}
    untracked = _track_large(store, tree, draft)
    if untracked is not None:
        additions[gitattributes.PATH] = Put(None, store.write(Kind.BLOB, untracked))
    root: bytes | None = tree
    if "" in removals:
        root, removals = None, {}
    if not removals.keys() & additions.keys():
        return _changed(store, root, {**removals, **additions})
    # One path may be removed as a folder and come back as a file.
    removals = {path: it for path, it in removals.items() if _needed(it, additions.get(path))}
    return _changed(store, _changed(store, root, removals), additions)


def _needed(removal: TreeChange, addition: TreeChange | None) -> bool:
    return addition is None or isinstance(removal, RemoveFolder)


def _changed(store: GitStore, root: bytes | None, changes: dict[str, TreeChange]) -> bytes:
    try:
        return trees.apply_changes(store, root, changes)
    except EntryNotFound as error:
        # Clients look for these words to explain the difference between files and folders.
        raise EntryNotFound(f"A file with this name doesn't exist. {error.message}") from None


def _removals(
    store: GitStore, tree: bytes, draft: Draft
) -> tuple[dict[str, TreeChange], dict[str, TreeChange]]:
    """Collect what goes, and where moved files go to."""
    removals: dict[str, TreeChange] = {}
    moved: dict[str, TreeChange] = {}
    for operation in draft.operations:
        if isinstance(operation, Delete):
            removals[operation.path] = RemoveFolder() if operation.folder else Remove()
        elif isinstance(operation, Move):
            found = _file(store, tree, operation.old_path)
            moved[operation.path] = Put(found.mode, found.oid)
            removals[operation.old_path] = Remove()
    folders = {path for path, change in removals.items() if isinstance(change, RemoveFolder)}
    return {path: it for path, it in removals.items() if not _inside(path, folders)}, moved


def _inside(path: str, folders: set[str]) -> bool:
    at = path.rfind("/")
    while at >= 0:
        if path[:at] in folders:
            return True
        at = path.rfind("/", 0, at)
    return bool(path) and "" in folders


def _file(store: GitStore, tree: bytes, path: str) -> TreeEntry:
    found = trees.find(store, tree, path)
    if found is None or found.mode in {FOLDER, SUBMODULE}:
        raise EntryNotFound(f"A file with this name doesn't exist: {path!r}.")
    return found


def _additions(store: GitStore, draft: Draft) -> dict[str, TreeChange]:
    large = [operation for operation in draft.operations if isinstance(operation, PutLarge)]
    pointers = _pointers(store, large)
    blobs = [lfs_pointer.serialise(pointer) for pointer in pointers]
    oids = store.write_many((Kind.BLOB, blob) for blob in blobs)
    by_path = dict(zip((operation.path for operation in large), oids, strict=True))
    additions: dict[str, TreeChange] = {}
    for operation in draft.operations:
        if isinstance(operation, PutBlob):
            additions[operation.path] = Put(None, operation.oid)
        elif isinstance(operation, PutLarge):
            additions[operation.path] = Put(None, by_path[operation.path])
    return additions


def _pointers(store: GitStore, large: list[PutLarge]) -> list[Pointer]:
    """Look up the sizes of large files, all of which somebody must have uploaded to this repo."""
    digests = sorted({bytes.fromhex(operation.sha256) for operation in large})
    sizes: dict[bytes, int] = {}
    for batch in batched(digests, BATCH):
        rows = store.conn.execute(_KNOWN, {"repo_id": store.repo_id, "digests": batch})
        sizes.update({row.sha256: row.size for row in rows})
    return [_pointer(operation, sizes) for operation in large]


def _pointer(operation: PutLarge, sizes: dict[bytes, int]) -> Pointer:
    if operation.path == gitattributes.PATH:
        raise InvalidInput(f"{gitattributes.PATH} must be a regular file.")
    size = sizes.get(bytes.fromhex(operation.sha256))
    if size is None:
        raise InvalidInput(
            f"{operation.path!r} refers to a large file with SHA-256 {operation.sha256}, which was "
            "not uploaded to this repo. Upload it through Xet or LFS first."
        )
    if operation.size not in {None, size}:
        raise InvalidInput(
            f"{operation.path!r} is said to have {operation.size} bytes; that file has {size}."
        )
    return Pointer(operation.sha256, size)


# -- .gitattributes -------------------------------------------------------------------------


def _track_large(store: GitStore, tree: bytes, draft: Draft) -> bytes | None:
    """Return a `.gitattributes` that covers every large file, or None when it does already.

    Without a line there, a clone would commit a large file's bytes into git.
    """
    paths = [operation.path for operation in draft.operations if isinstance(operation, PutLarge)]
    if not paths:
        return None
    current = _attributes(store, tree, draft)
    rules = gitattributes.parse(current)
    untracked = [path for path in paths if not rules.is_lfs(path)]
    if not untracked:
        return None
    tracked = gitattributes.track(current, untracked, per_extension=_LINES_PER_EXTENSION)
    if len(tracked) > gitattributes.MAX_SIZE:
        raise TooLarge(f"{gitattributes.PATH} would grow over {gitattributes.MAX_SIZE} bytes.")
    return tracked


def _attributes(store: GitStore, tree: bytes, draft: Draft) -> bytes:
    if draft.attributes is not None:
        return draft.attributes
    if any(isinstance(it, Delete) and it.path in _GONE for it in draft.operations):
        return b""
    found = trees.find(store, tree, gitattributes.PATH)
    if found is None or found.mode in {FOLDER, SUBMODULE}:
        return b""
    return store.read(found.oid).body
