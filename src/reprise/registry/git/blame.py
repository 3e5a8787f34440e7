"""Which commit last touched a path: a bounded walk from the tip backwards."""

from collections.abc import Iterator, Mapping
from itertools import islice

from reprise.registry.git import trees
from reprise.registry.git.history import Node, graph, nodes, reachable, walk
from reprise.registry.git.store import GitStore

Touched = Mapping[str, bytes]  # path -> commit

# A longer walk would hold the repo's lock for seconds; older paths get the tip instead.
MAX_COMMITS = 1000


def last_touched(store: GitStore, paths: set[str], *, old: bytes | None, new: bytes) -> Touched:
    """Find the commit between two tips that last changed each path.

    Args:
        store: The repo's objects.
        paths: Files and folders; a folder is touched by a change anywhere below it.
        old: The walk leaves out this commit and its ancestors.
        new: The walk begins here; paths it does not explain get this commit.
    """
    found: dict[str, bytes] = {}
    left = set(paths)
    for oid, node in _between(store, old, new):
        if not left:
            break
        touched = _touched_by(store, node) & left
        found.update(dict.fromkeys(touched, oid))
        left -= touched
    found.update(dict.fromkeys(left, new))
    return found


def _between(store: GitStore, old: bytes | None, new: bytes) -> Iterator[tuple[bytes, Node]]:
    tip = nodes(store, [new])[new]
    if tip.parents == (old,):
        yield new, tip
        return
    known = graph(store)
    before = reachable(known, [old] if old is not None else [])
    steps = (step for step in walk(store, new, known) if step[0] not in before)
    yield from islice(steps, MAX_COMMITS)


def _touched_by(store: GitStore, node: Node) -> set[str]:
    """Collect the paths in which a commit differs from every parent."""
    parents = nodes(store, list(node.parents))
    bases: list[bytes | None] = [parents[oid].tree for oid in node.parents if oid in parents]
    sets = [{path for path, _, _ in trees.diff(store, b, node.tree)} for b in bases or [None]]
    return set.intersection(*sets)
