"""Trees: find a path, list, compare, and apply changes at the cost of the changes."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.base.ids import check_path
from reprise.registry.git.objects import (
    EXECUTABLE,
    FILE,
    FOLDER,
    TreeEntry,
    check_entry,
    encode_entry,
    parse_tree,
    raw_key,
    split_tree,
)
from reprise.registry.git.store import GitStore

# Folders inside folders; deeper paths break tools, and recursion.
MAX_DEPTH = 100


@dataclass(frozen=True)
class Put:
    """Set a file at a path; without a mode, an executable file stays one."""

    mode: int | None
    oid: bytes


@dataclass(frozen=True)
class Remove:
    """Remove a file."""


@dataclass(frozen=True)
class RemoveFolder:
    """Remove a folder with everything below it."""


TreeChange = Put | Remove | RemoveFolder


@dataclass
class _Plan:
    """Changes sorted into folders: what happens at this path, and below it."""

    change: TreeChange | None = None
    below: dict[str, "_Plan"] = field(default_factory=dict)


def apply_changes(store: GitStore, root: bytes | None, changes: Mapping[str, TreeChange]) -> bytes:
    """Apply changes to a tree and return the id of the new root.

    Only folders on the way to a change are read and written. At one path removals come before
    additions, so `RemoveFolder` at `x` with `Put` at `x/y` replaces a folder. A folder that loses
    its last file disappears; an empty root is git's empty tree.

    Raises:
        InvalidId: A path is not allowed.
        InvalidInput: A file is put where a folder is, or below a file; the path is named.
        EntryNotFound: Something to be removed does not exist.
    """
    plan = _Plan()
    for path, change in changes.items():
        node = plan
        for part in _split_path(path):
            node = node.below.setdefault(part, _Plan())
        node.change = change
    return _apply_folder(store, root, plan, "") or store.write_raw_tree([], None)


def find(store: GitStore, root: bytes, path: str) -> TreeEntry | None:
    """Find the entry at a path, or None; the empty path is the root folder itself."""
    found = TreeEntry("", FOLDER, root)
    for part in path.split("/") if path else []:
        if not found.is_folder:
            return None
        step = _lookup(store.read_tree(found.oid), part)
        if step is None:
            return None
        found = step
    return found


def list_tree(
    store: GitStore, root: bytes, path: str = "", recursive: bool = False
) -> Iterator[tuple[str, TreeEntry]]:
    """List a folder as (path, entry), in git's order; folders come before what they hold.

    Raises:
        EntryNotFound: No folder at that path.
    """
    top = find(store, root, path)
    if top is None or not top.is_folder:
        raise EntryNotFound(f"No folder {path!r} in this revision.")
    yield from _list(store, top.oid, f"{path}/" if path else "", recursive)


def diff(
    store: GitStore, old: bytes | None, new: bytes | None
) -> Iterator[tuple[str, TreeEntry | None, TreeEntry | None]]:
    """Compare two trees as (path, old entry or None, new entry or None), by path.

    Folders that differ are reported too, before what differs inside them. Equal subtrees are not
    read.

    Raises:
        InvalidInput: Folders lie deeper inside each other than this hub goes.
    """
    yield from _diff(store, old, new, "")


def _diff(
    store: GitStore, old: bytes | None, new: bytes | None, prefix: str
) -> Iterator[tuple[str, TreeEntry | None, TreeEntry | None]]:
    if old == new:
        return
    _check_depth(prefix)
    before, after = _by_name(store, old, new)
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        path = prefix + name
        yield path, was, now
        was_tree = was.oid if was is not None and was.is_folder else None
        now_tree = now.oid if now is not None and now.is_folder else None
        if was_tree or now_tree:
            yield from _diff(store, was_tree, now_tree, f"{path}/")


def _by_name(
    store: GitStore, old: bytes | None, new: bytes | None
) -> tuple[dict[str, TreeEntry], dict[str, TreeEntry]]:
    """Read the entries that are not the same in both trees."""
    before = split_tree(store.read(old).body) if old is not None else []
    after = split_tree(store.read(new).body) if new is not None else []
    same = set(before).intersection(after)
    left = parse_tree(b"".join(raw for raw in before if raw not in same))
    right = parse_tree(b"".join(raw for raw in after if raw not in same))
    return {entry.name: entry for entry in left}, {entry.name: entry for entry in right}


def _list(
    store: GitStore, tree: bytes, prefix: str, recursive: bool
) -> Iterator[tuple[str, TreeEntry]]:
    _check_depth(prefix)
    for entry in store.read_tree(tree):
        yield prefix + entry.name, entry
        if recursive and entry.is_folder:
            yield from _list(store, entry.oid, f"{prefix}{entry.name}/", recursive)


def check_served(path: str) -> None:
    """Check that a path found in a tree is not too long or too deep for this hub to serve.

    Raises:
        InvalidId, InvalidInput: It is.
    """
    _split_path(path)


def _check_depth(prefix: str) -> None:
    if prefix.count("/") > MAX_DEPTH:
        raise InvalidInput(f"Folder {prefix[:80]!r}… is more than {MAX_DEPTH} folders deep.")


def _lookup(entries: tuple[TreeEntry, ...], name: str) -> TreeEntry | None:
    return next((entry for entry in entries if entry.name == name), None)


# -- applying changes -----------------------------------------------------------------------


def _apply_folder(store: GitStore, tree: bytes | None, plan: _Plan, prefix: str) -> bytes | None:
    """Apply a plan to one folder; None when nothing is left in it."""
    raws = split_tree(store.read(tree).body) if tree is not None else []
    for name, node in plan.below.items():
        path = prefix + name
        existing = _find_raw(raws, name)
        entry = _apply_entry(store, existing, node, path)
        _replace(raws, existing, entry)
    if tree is not None and not raws:
        return None
    return store.write_raw_tree(raws, tree) if raws else None


def _apply_entry(
    store: GitStore, existing: TreeEntry | None, node: _Plan, path: str
) -> TreeEntry | None:
    """Work out what stands at a path after its changes: removals, then below, then additions."""
    left = _after_removal(existing, node.change, path)
    if node.below:
        left = _apply_below(store, left, node, path)
    if not isinstance(node.change, Put):
        return left
    if left is not None and left.is_folder:
        raise InvalidInput(f"Cannot put a file at {path!r}: a folder of that name exists.")
    mode = node.change.mode or _mode_to_keep(existing)
    entry = TreeEntry(path.rpartition("/")[2], mode, node.change.oid)
    check_entry(entry)
    if entry.is_folder:
        raise InvalidInput(f"Cannot put a whole folder at {path!r}: put its files.")
    return entry


def _mode_to_keep(existing: TreeEntry | None) -> int:
    return EXECUTABLE if existing is not None and existing.mode == EXECUTABLE else FILE


def _after_removal(
    existing: TreeEntry | None, change: TreeChange | None, path: str
) -> TreeEntry | None:
    if isinstance(change, Remove):
        if existing is None or existing.is_folder:
            raise EntryNotFound(f"Cannot remove {path!r}: no file of that name exists.")
        return None
    if isinstance(change, RemoveFolder):
        if existing is None or not existing.is_folder:
            raise EntryNotFound(f"Cannot remove {path!r}: no folder of that name exists.")
        return None
    return existing


def _apply_below(
    store: GitStore, left: TreeEntry | None, node: _Plan, path: str
) -> TreeEntry | None:
    if left is not None and not left.is_folder:
        raise InvalidInput(f"Cannot change anything below {path!r}: it is a file, not a folder.")
    below = _Plan(None, node.below)
    tree = _apply_folder(store, left.oid if left else None, below, f"{path}/")
    return TreeEntry(path.rpartition("/")[2], FOLDER, tree) if tree is not None else None


def _find_raw(raws: list[bytes], name: str) -> TreeEntry | None:
    """Find an entry in an ordered list; a file and a folder of one name sort differently."""
    plain = name.encode()
    for key in (plain, plain + b"/"):
        at = bisect_left(raws, key, key=raw_key)
        if at < len(raws) and raw_key(raws[at]) == key:
            return parse_tree(raws[at])[0]
    return None


def _replace(raws: list[bytes], old: TreeEntry | None, new: TreeEntry | None) -> None:
    if old == new:
        return
    if old is not None:
        raw = encode_entry(old)
        del raws[bisect_left(raws, raw_key(raw), key=raw_key)]
    if new is not None:
        raw = encode_entry(new)
        raws.insert(bisect_left(raws, raw_key(raw), key=raw_key), raw)


def _split_path(path: str) -> list[str]:
    parts = check_path(path).split("/")
    if len(parts) > MAX_DEPTH:
        raise InvalidInput(f"Path {path[:80]!r}… is more than {MAX_DEPTH} folders deep.")
    return parts
