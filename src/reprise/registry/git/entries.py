"""The tip index: what the default branch holds, each entry with the commit that last touched it.

Listing a folder with its commits is one indexed query instead of a walk through history.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, delete, or_, select, tuple_

from reprise.formats.lfs_pointer import Pointer
from reprise.registry.access import Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import entry, git_pointer
from reprise.registry.db.upsert import insert
from reprise.registry.git import trees
from reprise.registry.git.blame import Touched, last_touched
from reprise.registry.git.history import graph, is_ancestor, nodes, reachable
from reprise.registry.git.objects import FOLDER, SUBMODULE, Kind, TreeEntry
from reprise.registry.git.store import BATCH, GitStore


class Listed(NamedTuple):
    """One file or folder at the tip. `size` is that of the blob in git; 0 for folders."""

    path: str
    mode: int
    oid: bytes
    size: int
    commit_oid: bytes
    pointer: Pointer | None

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode == FOLDER


_LISTED = select(
    entry.c.folder,
    entry.c.name,
    entry.c.mode,
    entry.c.oid,
    entry.c.size,
    entry.c.commit_oid,
    git_pointer.c.sha256,
    git_pointer.c.size.label("large_size"),
).outerjoin(
    git_pointer,
    and_(git_pointer.c.repo_id == entry.c.repo_id, git_pointer.c.oid == entry.c.oid),
)
_KEY = (entry.c.folder, entry.c.name)


def update(
    conn: Connection,
    repo: Repo,
    old_commit: bytes | None,
    new_commit: bytes | None,
    *,
    store: GitStore | None = None,
) -> None:
    """Bring the index from one tip of the default branch to the next, at the cost of the changes.

    Args:
        conn: An open write transaction.
        repo: The repo.
        old_commit: The tip that the index shows now; None when it is empty.
        new_commit: The new tip; None empties the index.
        store: The repo's objects as this transaction has read them so far.
    """
    store = store or GitStore(conn, repo.id)
    if old_commit is None or new_commit is None:
        conn.execute(delete(entry).where(entry.c.repo_id == repo.id))
    if new_commit is None or old_commit == new_commit:
        return
    ends = nodes(store, [oid for oid in (old_commit, new_commit) if oid is not None])
    old_tree = ends[old_commit].tree if old_commit is not None else None
    gone, there = _changes(store, old_tree, ends[new_commit].tree)
    if old_commit is not None and not is_ancestor(store, old_commit, new_commit):
        there.update(_orphans(store, new_commit, skip=gone | there.keys()))
    _remove(conn, repo.id, gone)
    touched = last_touched(store, set(there), old=old_commit, new=new_commit)
    _save(store, there, touched)


def rebuild(conn: Connection, repo: Repo, tip: bytes | None) -> None:
    """Build the index anew, as after a change of the default branch."""
    update(conn, repo, None, tip)


def find_entry(conn: Connection, repo_id: int, path: str) -> Listed | None:
    """Find one file or folder at the tip of the default branch."""
    folder, _, name = path.rpartition("/")
    query = _LISTED.where(
        entry.c.repo_id == repo_id, entry.c.folder == folder, entry.c.name == name
    )
    row = conn.execute(query).one_or_none()
    return _listed(row) if row is not None else None


def find_entries(conn: Connection, repo_id: int, paths: Iterable[str]) -> list[Listed]:
    """Find several files and folders at the tip; those that do not exist are left out."""
    found = []
    for batch in batched(dict.fromkeys(paths), BATCH):
        keys = [(folder, name) for folder, _, name in (path.rpartition("/") for path in batch)]
        query = _LISTED.where(entry.c.repo_id == repo_id, tuple_(*_KEY).in_(keys))
        found += [_listed(row) for row in conn.execute(query)]
    return found


def list_folder(
    conn: Connection, repo_id: int, folder: str = "", *, limit: int, after: str | None = None
) -> list[Listed]:
    """List a page of one folder, ordered by name.

    Args:
        conn: An open connection.
        repo_id: The repo.
        folder: Its path; the empty string is the root. An absent folder lists as empty.
        limit: At most so many entries.
        after: The path of the last entry of the page before.
    """
    query = _LISTED.where(entry.c.repo_id == repo_id, entry.c.folder == folder)
    if after is not None:
        query = query.where(entry.c.name > after.rpartition("/")[2])
    return _page(conn, query, limit)


def list_recursive(
    conn: Connection, repo_id: int, folder: str = "", *, limit: int, after: str | None = None
) -> list[Listed]:
    """List a page of everything below a folder, ordered by folder, then name.

    Arguments are those of `list_folder`.
    """
    query = _LISTED.where(entry.c.repo_id == repo_id)
    if folder:
        above, below = f"{folder}/", f"{folder}0"  # "0" follows "/" in ASCII
        query = query.where(
            entry.c.folder >= folder,
            entry.c.folder < below,
            or_(entry.c.folder == folder, entry.c.folder >= above),
        )
    if after is not None:
        last_folder, _, last_name = after.rpartition("/")
        query = query.where(tuple_(*_KEY) > (last_folder, last_name))
    return _page(conn, query, limit)


def _page(conn: Connection, query: Select[*tuple[Any, ...]], limit: int) -> list[Listed]:
    return [_listed(row) for row in conn.execute(query.order_by(*_KEY).limit(limit))]


def _listed(row: Row[*tuple[Any, ...]]) -> Listed:
    folder, name, mode, oid, size, commit, sha256, large_size = row
    pointer = Pointer(sha256.hex(), large_size) if sha256 is not None else None
    return Listed(f"{folder}/{name}" if folder else name, mode, oid, size, commit, pointer)


def _changes(
    store: GitStore, old_tree: bytes | None, new_tree: bytes
) -> tuple[set[str], dict[str, TreeEntry]]:
    """Compare two trees: paths that are gone, and entries that are new or differ.

    Submodules are not listed: they hold nothing that this hub could serve.
    """
    gone: set[str] = set()
    there: dict[str, TreeEntry] = {}
    for path, _, now in trees.diff(store, old_tree, new_tree):
        if now is None or now.mode == SUBMODULE:
            gone.add(path)
        else:
            there[path] = now
    return gone, there


def _orphans(store: GitStore, tip: bytes, *, skip: set[str]) -> dict[str, TreeEntry]:
    """Find entries whose recorded commit is no part of the new history."""
    kept = reachable(graph(store), [tip])
    rows = store.conn.execute(select(entry).where(entry.c.repo_id == store.repo_id))
    found = {}
    for row in rows:
        path = f"{row.folder}/{row.name}" if row.folder else row.name
        if row.commit_oid not in kept and path not in skip:
            found[path] = TreeEntry(row.name, row.mode, row.oid)
    return found


def _remove(conn: Connection, repo_id: int, paths: Iterable[str]) -> None:
    for batch in batched(paths, BATCH):
        keys = [(folder, name) for folder, _, name in (path.rpartition("/") for path in batch)]
        conn.execute(delete(entry).where(entry.c.repo_id == repo_id, tuple_(*_KEY).in_(keys)))


def _save(store: GitStore, there: dict[str, TreeEntry], touched: Touched) -> None:
    statement = insert(store.conn, entry)
    fresh = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["repo_id", "folder", "name"],
        set_={name: fresh[name] for name in ("mode", "oid", "size", "commit_oid")},
    )
    for batch in batched(_values(store, there, touched), BATCH):
        store.conn.execute(upsert, batch)


def _values(
    store: GitStore, there: dict[str, TreeEntry], touched: Touched
) -> Iterator[dict[str, object]]:
    heads = store.heads({found.oid for found in there.values()})
    for path, found in there.items():
        folder, _, name = path.rpartition("/")
        head = heads.get(found.oid)
        yield {
            "repo_id": store.repo_id,
            "folder": folder,
            "name": name,
            "mode": found.mode,
            "oid": found.oid,
            "size": head.size if head is not None and head.kind is Kind.BLOB else 0,
            "commit_oid": touched[path],
        }
