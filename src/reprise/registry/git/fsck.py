"""Checks on every object that is pushed, after git's fsck, and what each object refers to."""

import re
from operator import ge

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.registry.git.names import fold_hfs
from reprise.registry.git.objects import (
    FOLDER,
    SUBMODULE,
    SYMLINK,
    Kind,
    TreeEntry,
    decode_commit,
    decode_entry,
    decode_tag,
    raw_key,
    split_tree,
)

Reference = tuple[bytes, Kind]  # an object id, and what it has to be

# What HFS+ and NTFS read as `.gitmodules`; git follows its content, so it must be what it seems.
_GITMODULES = re.compile(r"\.gitmodules[. ]*(?::.*)?|gitmod~\d|gi7eba~\d", re.IGNORECASE)
_SETTING = re.compile(r"\s*(url|path|update)\s*=\s*(.*?)\s*", re.IGNORECASE)
_SECTION = re.compile(r'\s*\[\s*submodule\s+"((?:[^"\\]|\\.)*)"\s*\]', re.IGNORECASE)
MAX_GITMODULES = 1 << 20
_REMEMBERED = 200_000  # entries; about 50 MB


def references(kind: Kind, body: bytes) -> list[Reference]:
    """Check a commit, tag or blob, and list what it refers to; trees go to `TreeInspector`.

    Raises:
        InvalidFormat: It breaks one of git's rules.
    """
    if kind is Kind.COMMIT:
        commit = decode_commit(body)
        return [(commit.tree, Kind.TREE), *((parent, Kind.COMMIT) for parent in commit.parents)]
    if kind is Kind.TAG:
        tag = decode_tag(body)
        return [(tag.target, tag.kind)]
    return []


class TreeInspector:
    """Checks trees, remembering entries: versions of a folder differ in few of them."""

    def __init__(self) -> None:
        self._keys: dict[bytes, bytes] = {}  # encoded entry -> key of git's order
        self._folders: set[bytes] = set()  # those keys that are folders

    def fresh(self, body: bytes) -> list[TreeEntry]:
        """Check a tree and return those of its entries that were not seen before.

        Raises:
            InvalidFormat, InvalidInput: It breaks one of git's rules, or of this hub's.
        """
        raws = split_tree(body)
        if sum(map(len, raws)) != len(body):
            raise InvalidFormat("A tree is malformed: its entries do not fill it exactly.")
        if len(self._keys) > _REMEMBERED:
            self._keys.clear()
            self._folders.clear()
        new = [raw for raw in raws if raw not in self._keys]
        entries = [decode_entry(raw) for raw in new]
        for raw, entry in zip(new, entries, strict=True):
            key = self._keys[raw] = raw_key(raw)
            if entry.is_folder:
                self._folders.add(key)
        keys = [self._keys[raw] for raw in raws]
        if any(map(ge, keys, keys[1:])):
            raise InvalidFormat("A tree's entries are not in git's order, or one occurs twice.")
        folders = self._folders.intersection(keys)
        if not {key[:-1] for key in folders}.isdisjoint(keys):
            raise InvalidFormat("A tree holds the same name twice.")
        return entries


def reference(entry: TreeEntry) -> Reference | None:
    """Tell what an entry refers to; None for submodules, which live in other repos."""
    if entry.mode == SUBMODULE:
        return None
    return entry.oid, Kind.TREE if entry.is_folder else Kind.BLOB


def is_gitmodules(entry: TreeEntry) -> bool:
    """Tell whether git would read an entry as `.gitmodules`.

    Raises:
        InvalidInput: It is a symbolic link, which some clients would follow.
    """
    if not _GITMODULES.fullmatch(fold_hfs(entry.name)) or entry.mode in {FOLDER, SUBMODULE}:
        return False
    if entry.mode == SYMLINK:
        raise InvalidInput(".gitmodules must not be a symbolic link.")
    return True


def check_gitmodules(body: bytes) -> None:
    """Refuse submodule settings with which a clone could run commands or leave its folder.

    Raises:
        InvalidInput: A name, URL, path or update rule that git's own fsck refuses.
        InvalidFormat: Longer than any honest one.
    """
    if len(body) > MAX_GITMODULES:
        raise InvalidFormat(f".gitmodules is over {MAX_GITMODULES} bytes.")
    for line in body.decode("utf-8", "replace").splitlines():
        section = _SECTION.match(line)
        if section and ".." in re.split(r"[/\\]", section[1]):
            raise InvalidInput(".gitmodules names a submodule outside of its folder.")
        rest = line[section.end() :] if section else line  # a setting may follow on the same line
        if setting := _SETTING.fullmatch(rest):
            _check_setting(setting[1].lower(), setting[2].replace('"', "").lower())


def _check_setting(key: str, value: str) -> None:
    if key == "url" and ("%0a" in value or "\\n" in value):
        raise InvalidInput(".gitmodules has a line feed in a URL, which could forge credentials.")
    if value.startswith("-"):
        raise InvalidInput(f".gitmodules has a {key} that git would take for an option: {value!r}.")
    if key == "update" and value.startswith("!"):
        raise InvalidInput(".gitmodules asks to run a command on update.")
