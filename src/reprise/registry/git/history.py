"""History: commits newest first, and who descends from whom."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from typing import NamedTuple

from sqlalchemy import bindparam, select

from reprise.base.errors import NotFound
from reprise.registry.db.batches import batched
from reprise.registry.db.schema import git_commit
from reprise.registry.git.objects import OID_SIZE, Commit
from reprise.registry.git.store import BATCH, GitStore


class Node(NamedTuple):
    """A commit as walks see it: its tree, parents and the committer's date in seconds."""

    tree: bytes
    parents: tuple[bytes, ...]
    seconds: int


_NODES = select(
    git_commit.c.oid, git_commit.c.tree, git_commit.c.parents, git_commit.c.seconds
).where(
    git_commit.c.repo_id == bindparam("repo_id"),
    git_commit.c.oid.in_(bindparam("oids", expanding=True)),
)
_ALL_NODES = select(
    git_commit.c.oid, git_commit.c.tree, git_commit.c.parents, git_commit.c.seconds
).where(git_commit.c.repo_id == bindparam("repo_id"))


def nodes(store: GitStore, oids: list[bytes]) -> dict[bytes, Node]:
    """Look up commits; ids of anything else are left out."""
    found = {}
    for batch in batched(oids, BATCH):
        for row in store.conn.execute(_NODES, {"repo_id": store.repo_id, "oids": batch}):
            found[row.oid] = Node(row.tree, _parents(row.parents), row.seconds)
    return found


def graph(store: GitStore) -> dict[bytes, Node]:
    """Read every commit of the repo in one query."""
    rows = store.conn.execute(_ALL_NODES, {"repo_id": store.repo_id})
    return {oid: Node(tree, _parents(parents), seconds) for oid, tree, parents, seconds in rows}


def walk(
    store: GitStore, start: bytes, known: Mapping[bytes, Node] | None = None
) -> Iterator[tuple[bytes, Node]]:
    """Walk from a commit to its ancestors, newest committer's date first.

    Args:
        store: The repo's objects.
        start: The commit to begin with.
        known: The repo's `graph`, which makes long walks cheap; short ones do without.

    Raises:
        NotFound: A commit is missing.
    """
    seen = {start}
    queue = [(0, 0, start, _node(store, start, known))]
    while queue:
        *_, oid, node = heapq.heappop(queue)
        yield oid, node
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                found = _node(store, parent, known)
                heapq.heappush(queue, (-found.seconds, len(seen), parent, found))


def log(
    store: GitStore, start: bytes, *, limit: int | None = None, after: bytes | None = None
) -> Iterator[tuple[bytes, Commit]]:
    """List a commit and its ancestors, newest first.

    Args:
        store: The repo's objects.
        start: The commit to begin with.
        limit: At most so many.
        after: The last commit of the page before; the list goes on behind it.

    Raises:
        NotFound: A commit is missing.
    """
    known = graph(store) if limit is None or after is not None else None
    oids = (oid for oid, _ in walk(store, start, known))
    if after is not None:
        for oid in oids:
            if oid == after:
                break
    for oid in islice(oids, limit):
        yield oid, store.read_commit(oid)


def count(store: GitStore, start: bytes) -> int:
    """Count a commit and its ancestors."""
    known = graph(store)
    return len(reachable(known, [start]))


def is_ancestor(store: GitStore, old: bytes, new: bytes) -> bool:
    """Tell whether `old` is `new` or one of its ancestors."""
    if old == new:
        return True
    first = nodes(store, [new]).get(new)
    if first is None:
        return False
    if old in first.parents:
        return True
    return old in reachable(graph(store), [new])


def reachable(
    known: Mapping[bytes, Node], starts: Iterable[bytes], *, stop: Set[bytes] = frozenset()
) -> set[bytes]:
    """Collect commits and their ancestors; parents of the commits in `stop` are not followed."""
    seen: set[bytes] = set()
    todo = [oid for oid in starts if oid in known]
    while todo:
        oid = todo.pop()
        if oid in seen:
            continue
        seen.add(oid)
        if oid not in stop:
            todo += [parent for parent in known[oid].parents if parent not in seen]
    return seen


def _node(store: GitStore, oid: bytes, known: Mapping[bytes, Node] | None) -> Node:
    node = (nodes(store, [oid]) if known is None else known).get(oid)
    if node is None:
        raise NotFound(f"Commit {oid.hex()} is missing.")
    return node


def _parents(packed: bytes) -> tuple[bytes, ...]:
    return tuple(packed[at : at + OID_SIZE] for at in range(0, len(packed), OID_SIZE))
