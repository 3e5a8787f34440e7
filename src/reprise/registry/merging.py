"""Three-way merges of trees, path by path: what one side changed goes onto the other."""

from dataclasses import dataclass

from reprise.base.errors import InvalidInput
from reprise.registry.git import history, trees
from reprise.registry.git.objects import TreeEntry
from reprise.registry.git.store import GitStore
from reprise.registry.git.trees import Put, Remove, TreeChange


@dataclass(frozen=True)
class Merge:
    """The outcome: a tree, or the paths on which both sides disagree."""

    tree: bytes | None
    conflicts: list[str]


def merge_base(store: GitStore, ours: bytes, theirs: bytes) -> bytes | None:
    """Find the newest commit that both histories share."""
    known = history.graph(store)
    shared = history.reachable(known, [ours])
    return next((oid for oid, _ in history.walk(store, theirs) if oid in shared), None)


def merge(store: GitStore, base: bytes | None, ours: bytes, theirs: bytes) -> Merge:
    """Apply to our tree what their side changed since the base.

    Args:
        store: The repo's objects; new trees are written to it.
        base: Tree of the merge base; None when the histories share nothing.
        ours: Tree of the branch that is merged into.
        theirs: Tree that is merged.
    """
    wanted, clashing = _compare(store, base, ours, theirs)
    if clashing:
        return Merge(None, clashing)
    changes: dict[str, TreeChange] = {
        path: Put(entry.mode, entry.oid) if entry is not None else Remove()
        for path, entry in wanted.items()
    }
    try:
        return Merge(trees.apply_changes(store, ours, changes), [])
    except InvalidInput:  # a file on one side is a folder on the other
        return Merge(None, sorted(wanted))


def conflicts(store: GitStore, base: bytes | None, ours: bytes, theirs: bytes) -> list[str]:
    """List the paths on which both sides disagree, without writing anything."""
    return _compare(store, base, ours, theirs)[1]


def _compare(
    store: GitStore, base: bytes | None, ours: bytes, theirs: bytes
) -> tuple[dict[str, TreeEntry | None], list[str]]:
    """Return what their side wants changed, and where our side changed the same otherwise."""
    our_changes = _changes(store, base, ours)
    wanted = {
        path: entry
        for path, entry in _changes(store, base, theirs).items()
        if path not in our_changes or our_changes[path] != entry
    }
    return wanted, sorted(wanted.keys() & our_changes.keys())


def _changes(store: GitStore, old: bytes | None, new: bytes) -> dict[str, TreeEntry | None]:
    """Collect files that differ, with what they are now; None when they are gone."""
    changed: dict[str, TreeEntry | None] = {}
    for path, was, now in trees.diff(store, old, new):
        was_file = was is not None and not was.is_folder
        now_file = now is not None and not now.is_folder
        if was_file or now_file:
            changed[path] = now if now_file else None
    return changed
