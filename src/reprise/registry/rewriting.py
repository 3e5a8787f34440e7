"""Rewriting history without some blobs: every branch and tag gets new commits where it must."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from reprise.base.errors import TooLarge
from reprise.registry import branches
from reprise.registry.access import Repo
from reprise.registry.db.database import lock_repo
from reprise.registry.git import history, refs
from reprise.registry.git.history import Node
from reprise.registry.git.objects import Kind, decode_tag, encode_commit, encode_tag
from reprise.registry.git.refs import Ref
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry

# All of it happens in one transaction, which keeps other writers of the repo waiting.
MAX_COMMITS = 20_000
# A signature covers the tree and the parents, so it cannot survive.
_SIGNATURES = {"gpgsig", "gpgsig-sha256"}


@dataclass
class _Rewrite:
    """What became of what so far."""

    store: GitStore
    doomed: frozenset[bytes]
    commits: dict[bytes, bytes] = field(default_factory=dict)
    trees: dict[bytes, bytes | None] = field(default_factory=dict)


def without_blobs(conn: Connection, registry: Registry, repo: Repo, doomed: set[bytes]) -> None:
    """Remove files with these blobs from every commit that any ref leads to.

    Commits that never held one of them keep their ids.

    Raises:
        TooLarge: The history is longer than `MAX_COMMITS`.
    """
    lock_repo(conn, repo.id)
    store = GitStore(conn, repo.id)
    work = _Rewrite(store, frozenset(doomed))
    for oid, node in _parents_first(store, refs.list_refs(conn, repo.id)):
        work.commits[oid] = _commit(work, oid, node)
    for ref in refs.list_refs(conn, repo.id):
        new = _target(work, ref.oid)
        if new != ref.oid:
            refs.move(conn, repo.id, ref.name, old=ref.oid, new=new)
            now = registry.clock()
            branches.moved(conn, registry, repo, ref.name, old=ref.oid, new=new, now=now)


def _parents_first(store: GitStore, found: list[Ref]) -> Iterator[tuple[bytes, Node]]:
    """List the commits behind refs so that parents come before their children."""
    known = history.graph(store)
    if len(known) > MAX_COMMITS:
        raise TooLarge(f"A history of more than {MAX_COMMITS} commits cannot be rewritten here.")
    done: set[bytes] = set()
    stack = [(_peeled(store, ref.oid), False) for ref in found]
    while stack:
        oid, parents_done = stack.pop()
        if oid in done or oid not in known:
            continue
        if parents_done:
            done.add(oid)
            yield oid, known[oid]
            continue
        stack.append((oid, True))
        stack += [(parent, False) for parent in known[oid].parents]


def _commit(work: _Rewrite, oid: bytes, node: Node) -> bytes:
    tree = _tree(work, node.tree) or work.store.write_raw_tree([], None)
    parents = tuple(work.commits.get(parent, parent) for parent in node.parents)
    if (tree, parents) == (node.tree, node.parents):
        return oid
    old = work.store.read_commit(oid)
    extra = tuple((key, value) for key, value in old.extra if key not in _SIGNATURES)
    new = replace(old, tree=tree, parents=parents, extra=extra)
    return work.store.write(Kind.COMMIT, encode_commit(new))


def _tree(work: _Rewrite, oid: bytes) -> bytes | None:
    """Rewrite a tree; None when nothing is left in it."""
    if oid in work.trees:
        return work.trees[oid]
    kept = []
    entries = work.store.read_tree(oid)
    for entry in entries:
        target = _tree(work, entry.oid) if entry.is_folder else entry.oid
        if target is not None and target not in work.doomed:
            kept.append(entry._replace(oid=target))
    unchanged = tuple(kept) == entries
    new = oid if unchanged else work.store.write_tree(kept, oid) if kept else None
    work.trees[oid] = new
    return new


def _target(work: _Rewrite, oid: bytes) -> bytes:
    """Return what a ref shall point at; annotated tags are written anew."""
    head = work.store.heads([oid]).get(oid)
    if head is None or head.kind is not Kind.TAG:
        return work.commits.get(oid, oid)
    tag = decode_tag(work.store.read(oid).body)
    target = _target(work, tag.target)
    if target == tag.target:
        return oid
    return work.store.write(Kind.TAG, encode_tag(replace(tag, target=target)))


def _peeled(store: GitStore, oid: bytes) -> bytes:
    return refs.peel(store, oid)[1]
