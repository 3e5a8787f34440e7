"""Differences between two trees as text, in the format of `git diff`."""

import difflib
from collections.abc import Iterator

from reprise.registry.git import trees
from reprise.registry.git.objects import TreeEntry
from reprise.registry.git.store import GitStore

# Comparing lines takes quadratic time at worst; larger files are only named.
MAX_LINES = 2000
MAX_BYTES = 256 << 10
MAX_FILES = 100
_NOTHING = "/dev/null"


def patch(store: GitStore, old: bytes | None, new: bytes) -> str:
    """Write what changed from one tree to another; binary and very large files are only named."""
    parts: list[str] = []
    for path, was, now in trees.diff(store, old, new):
        if _is_file(was) or _is_file(now):
            if len(parts) == MAX_FILES:
                return "".join([*parts, "… and more files\n"])
            parts.append("".join(_file(store, path, was, now)))
    return "".join(parts)


def _file(
    store: GitStore, path: str, was: TreeEntry | None, now: TreeEntry | None
) -> Iterator[str]:
    before, after = was if _is_file(was) else None, now if _is_file(now) else None
    yield f"diff --git a/{path} b/{path}\n"
    if before is None and after is not None:
        yield f"new file mode {after.mode:o}\n"
    if after is None and before is not None:
        yield f"deleted file mode {before.mode:o}\n"
    yield f"index {_short(before)}..{_short(after)}\n"
    old_lines, new_lines = _lines(store, before), _lines(store, after)
    source = f"a/{path}" if before is not None else _NOTHING
    target = f"b/{path}" if after is not None else _NOTHING
    if old_lines is None or new_lines is None:
        yield f"Binary files {source} and {target} differ\n"
        return
    for line in difflib.unified_diff(old_lines, new_lines, source, target):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(store: GitStore, entry: TreeEntry | None) -> list[str] | None:
    """Return a file's lines; None when it is not text that can be compared."""
    if entry is None:
        return []
    size = store.sizes([entry.oid]).get(entry.oid)
    if size is None or size > MAX_BYTES:
        return None
    body = store.read(entry.oid).body
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    lines = text.splitlines(keepends=True) if "\r" not in text else text.split("\n")
    return lines if b"\0" not in body and len(lines) <= MAX_LINES else None


def _is_file(entry: TreeEntry | None) -> bool:
    return entry is not None and not entry.is_folder


def _short(entry: TreeEntry | None) -> str:
    return entry.oid.hex()[:7] if entry is not None else "0" * 7
