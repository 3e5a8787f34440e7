"""Which objects a fetch sends: what the wanted commits hold and the client lacks."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from reprise.registry.git.filters import ALL, Filter
from reprise.registry.git.history import Node, reachable
from reprise.registry.git.objects import (
    SUBMODULE,
    Kind,
    TreeEntry,
    decode_tag,
    parse_tree,
    split_tree,
)
from reprise.registry.git.store import GitStore

# When no more than this share of the commits was not asked for, all rows go out as they are.
_SURPLUS = 0.1


@dataclass
class Wanted:
    """What the wanted ids turned out to be, with annotated tags followed."""

    commits: set[bytes] = field(default_factory=set)
    trees: set[bytes] = field(default_factory=set)
    objects: set[bytes] = field(default_factory=set)  # tags and blobs asked for by their ids
    missing: set[bytes] = field(default_factory=set)


@dataclass(frozen=True)
class Bounds:
    """What limits a fetch: commits the client has, and where history is cut."""

    had: Set[bytes] = frozenset()
    cut: Set[bytes] = frozenset()


def sort_wants(store: GitStore, wants: Iterable[bytes]) -> Wanted:
    """Find out what the wanted ids are; tags lead on to their targets."""
    sorted_out, todo = Wanted(), set(wants)
    while todo:
        heads = store.heads(todo)
        sorted_out.missing |= todo - heads.keys()
        todo = set()
        for oid, head in heads.items():
            match head.kind:
                case Kind.COMMIT:
                    sorted_out.commits.add(oid)
                case Kind.TREE:
                    sorted_out.trees.add(oid)
                case Kind.BLOB:
                    sorted_out.objects.add(oid)
                case Kind.TAG:
                    sorted_out.objects.add(oid)
                    todo.add(decode_tag(store.read(oid).body).target)
        todo -= sorted_out.objects | sorted_out.commits | sorted_out.trees
    return sorted_out


def wants_everything(known: Mapping[bytes, Node], commits: Set[bytes]) -> bool:
    """Tell whether nearly all commits of a repo are about to be sent."""
    return bool(known) and len(known) - len(commits) <= len(known) * _SURPLUS


def select_objects(
    store: GitStore,
    known: Mapping[bytes, Node],
    wanted: Wanted,
    bounds: Bounds,
    keep: Filter = ALL,
) -> set[bytes]:
    """Collect the ids of all objects to send.

    Args:
        store: The repo's objects.
        known: The repo's commits.
        wanted: What the client asks for.
        bounds: What it has, and where history is cut.
        keep: What it wants to leave out.
    """
    walk = _Walk(store, keep, set(wanted.objects))
    commits = reachable(known, wanted.commits, stop=bounds.cut) - bounds.had
    walk.found |= commits
    for oid in sorted(commits, key=lambda commit: known[commit].seconds):
        if keep.tree_depth != 0:
            bases = _bases(known, oid, commits, bounds)
            walk.descend(bases, known[oid].tree)
    for tree in wanted.trees:
        walk.found.add(tree)
        walk.descend([], tree, explicit=True)
    return walk.finish()


def _bases(
    known: Mapping[bytes, Node], oid: bytes, commits: Set[bytes], bounds: Bounds
) -> list[bytes]:
    """Find trees that the client has, or gets, and that resemble a commit's tree."""
    if oid in bounds.cut:
        return []
    parents = [p for p in known[oid].parents if p in commits or p in bounds.had]
    return [known[parent].tree for parent in parents]


class _Walk:
    """Collects what trees hold, never reading what is the same in a tree already seen."""

    def __init__(self, store: GitStore, keep: Filter, found: set[bytes]) -> None:
        self._store = store
        self._keep = keep
        self._blobs: set[bytes] = set()
        self._entered: set[bytes] = set()
        self.found = found

    def descend(self, bases: list[bytes], root: bytes, *, explicit: bool = False) -> None:
        """Collect a root tree and what lies below it, less what its first base holds."""
        todo: list[tuple[bytes | None, bytes, int]] = [(bases[0] if bases else None, root, 0)]
        while todo:
            base, tree, depth = todo.pop()
            if tree in bases or tree == base or not self._enter(tree, explicit and depth == 0):
                continue
            for below_base, entry in self._changed(base, tree):
                if self._too_deep(depth + 1) or entry.mode == SUBMODULE:
                    continue
                if entry.is_folder:
                    todo.append((below_base, entry.oid, depth + 1))
                else:
                    self._blobs.add(entry.oid)

    def finish(self) -> set[bytes]:
        """Apply the filter for blobs, and return everything."""
        limit = self._keep.blob_limit
        if limit is None:
            self.found |= self._blobs
        elif limit > 0:
            sizes = self._store.sizes(self._blobs - self.found)
            self.found |= {oid for oid, size in sizes.items() if size < limit}
        return self.found

    def _enter(self, tree: bytes, explicit: bool) -> bool:
        """Note a tree; False when it was walked before."""
        if tree in self._entered:
            return False
        if self._keep.tree_depth is None:  # else it may come again, nearer to its root
            self._entered.add(tree)
        if not explicit:
            self.found.add(tree)
        return True

    def _too_deep(self, depth: int) -> bool:
        return self._keep.tree_depth is not None and depth >= self._keep.tree_depth

    def _changed(self, base: bytes | None, tree: bytes) -> list[tuple[bytes | None, TreeEntry]]:
        """Read the entries that a base lacks, folders with their counterpart in the base."""
        after = split_tree(self._store.read(tree).body)
        if base is None:
            return [(None, entry) for entry in parse_tree(b"".join(after))]
        before = set(split_tree(self._store.read(base).body))
        fresh = parse_tree(b"".join(raw for raw in after if raw not in before))
        stale = parse_tree(b"".join(before.difference(after)))
        folders = {entry.name: entry.oid for entry in stale if entry.is_folder}
        return [(folders.get(entry.name), entry) for entry in fresh]
