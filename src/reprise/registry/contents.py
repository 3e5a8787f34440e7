"""What a repo holds at a commit, as listings show it: pages of folders, single entries."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from reprise.base.errors import EntryNotFound
from reprise.base.lru import Lru
from reprise.registry.access import Repo
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import repo_file, stored_file
from reprise.registry.git import entries, trees
from reprise.registry.git.blame import last_touched
from reprise.registry.git.entries import Listed
from reprise.registry.git.objects import SUBMODULE, TreeEntry
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import BATCH, GitStore
from reprise.registry.revisions import Located, tree_of


class Item(NamedTuple):
    """One line of a listing. `commit` is the one that last touched it, when that was asked."""

    listed: Listed
    xet_hash: bytes | None = None
    commit: bytes | None = None


@dataclass(frozen=True)
class Page:
    """A part of a folder: the `limit` items behind the path `after`; the root is empty."""

    folder: str = ""
    recursive: bool = False
    limit: int = 1000
    after: str | None = None


Listings = Lru[tuple[object, ...], list[tuple[str, TreeEntry]]]
_ENTRY_WEIGHT = 300  # bytes that one entry of a kept listing takes, about


def new_cache(limit: int) -> Listings:
    """Make a cache for `list_page` of at most `limit` bytes."""
    return Lru(limit, lambda listed: len(listed) * _ENTRY_WEIGHT)


_XET = (
    select(stored_file.c.sha256, stored_file.c.xet_hash)
    .join(repo_file, repo_file.c.sha256 == stored_file.c.sha256)
    .where(
        repo_file.c.repo_id == bindparam("repo_id"),
        repo_file.c.sha256.in_(bindparam("digests", expanding=True)),
        stored_file.c.xet_hash.is_not(None),
    )
)


def list_page(conn: Connection, repo: Repo, at: Located, page: Page, cache: Listings) -> list[Item]:
    """List a page of a folder, ordered by folder, then name.

    Args:
        conn: An open connection.
        repo: The repo.
        at: The commit.
        page: Which folder, and which part of it.
        cache: Keeps the order of folders that are not at the tip, from one page to the next.

    Raises:
        EntryNotFound: No folder at that path.
    """
    if not at.is_tip:
        listed = _list_trees(conn, repo, at, page, cache)
        start = bisect_right(listed, _key(page.after), key=_key_of) if page.after else 0
        return _items(conn, repo, _listed(conn, repo, dict(listed[start : start + page.limit])))
    read = entries.list_recursive if page.recursive else entries.list_folder
    found = read(conn, repo.id, page.folder, limit=page.limit, after=page.after)
    if not found and page.folder and page.after is None:
        _check_folder(entries.find_entry(conn, repo.id, page.folder), repo, at, page.folder)
    return _items(conn, repo, found)


def find_items(conn: Connection, repo: Repo, at: Located, paths: Iterable[str]) -> list[Item]:
    """Find files and folders by path; those that do not exist are left out."""
    if at.is_tip:
        return _items(conn, repo, entries.find_entries(conn, repo.id, paths))
    found = {path: _find(conn, repo, at, path) for path in paths}
    return _items(conn, repo, _listed(conn, repo, {p: it for p, it in found.items() if it}))


def with_commits(conn: Connection, repo: Repo, at: Located, items: list[Item]) -> list[Item]:
    """Add the commit that last touched each item. Costs a walk when `at` is not the tip."""
    if at.is_tip:
        return [item._replace(commit=item.listed.commit_oid) for item in items]
    paths = {item.listed.path for item in items}
    touched = last_touched(GitStore(conn, repo.id), paths, old=None, new=at.commit)
    return [item._replace(commit=touched[item.listed.path]) for item in items]


def _find(conn: Connection, repo: Repo, at: Located, path: str) -> TreeEntry | None:
    tree = tree_of(conn, repo.id, at.commit)
    return trees.find(GitStore(conn, repo.id), tree, path) if tree is not None else None


def _check_folder(found: Listed | None, repo: Repo, at: Located, folder: str) -> None:
    if found is None or not found.is_folder:
        raise EntryNotFound(f"{repo.repo_id} has no folder {folder!r} at {at.hex}.")


def _list_trees(
    conn: Connection, repo: Repo, at: Located, page: Page, cache: Listings
) -> list[tuple[str, TreeEntry]]:
    key = (repo.id, repo.created_at, at.commit, page.folder, page.recursive)
    known = cache.get(key)
    if known is not None:
        return known
    tree = tree_of(conn, repo.id, at.commit)
    if tree is None:
        return []
    found = trees.list_tree(GitStore(conn, repo.id), tree, page.folder, page.recursive)
    return cache.put(key, sorted((it for it in found if it[1].mode != SUBMODULE), key=_key_of))


def _key(path: str) -> tuple[bytes, bytes]:
    folder, _, name = path.rpartition("/")
    return folder.encode(), name.encode()


def _key_of(listed: tuple[str, TreeEntry]) -> tuple[bytes, bytes]:
    return _key(listed[0])


def _listed(conn: Connection, repo: Repo, found: dict[str, TreeEntry]) -> list[Listed]:
    oids = {it.oid for it in found.values() if not it.is_folder}
    sizes = GitStore(conn, repo.id).sizes(oids)
    pointers = pointers_of(conn, repo.id, oids)
    return [
        Listed(path, it.mode, it.oid, sizes.get(it.oid, 0), b"", pointers.get(it.oid))
        for path, it in found.items()
    ]


def _items(conn: Connection, repo: Repo, listed: Iterable[Listed]) -> list[Item]:
    page = list(listed)
    digests = sorted({bytes.fromhex(it.pointer.sha256) for it in page if it.pointer is not None})
    hashes: dict[str, bytes] = {}
    for batch in batched(digests, BATCH):
        for row in conn.execute(_XET, {"repo_id": repo.id, "digests": batch}):
            hashes[row.sha256.hex()] = row.xet_hash
    return [
        Item(it, hashes.get(it.pointer.sha256) if it.pointer is not None else None) for it in page
    ]
