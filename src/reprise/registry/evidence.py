"""What automatic checks look at: a commit's files, card and manifest, gathered before they run."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from reprise.base.errors import InvalidFormat, RevisionNotFound
from reprise.formats.pickle_names import unsafe_names
from reprise.hub.manifest import Manifest
from reprise.registry import files, manifests
from reprise.registry.access import Repo
from reprise.registry.cards import MAX_README, README, read_root_file
from reprise.registry.git import trees
from reprise.registry.git.objects import EXECUTABLE, FILE
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from reprise.registry.revisions import tree_of

MAX_FILES = 20_000
MAX_SCANNED = 2 << 30  # bytes of one checkpoint that are looked into
_TORCH = (".pt", ".pth", ".bin", ".ckpt")  # what torch.load reads
_PICKLES = (".pkl", ".pickle", ".joblib", ".dill")


@dataclass(frozen=True)
class Seen:
    """A file of the commit; `sha256` is set for files stored by it."""

    size: int
    oid: bytes
    sha256: str | None


@dataclass(frozen=True)
class Evidence:
    """All that checks need; `scans` says of each checkpoint what is wrong with it, or nothing."""

    files: Mapping[str, Seen]
    readme: str
    manifest: Manifest
    scans: Mapping[str, str] = field(default_factory=dict)
    too_large: tuple[str, ...] = ()  # checkpoints that were not looked into
    cut: bool = False  # there are more files than are looked at


def gather(registry: Registry, repo: Repo, commit: bytes) -> Evidence:
    """Read a commit for checking. Opens connections of its own; call it outside of any.

    Raises:
        RevisionNotFound: The repo has no such commit any more.
    """
    with registry.db.read() as conn:
        seen = _files(conn, repo, commit)
        readme = _readme(conn, repo, commit)
        manifest = manifests.stored(conn, repo, commit)
        sources = manifests.sources_of(conn, repo, commit) if manifest is None else {}
    if manifest is None:
        manifest = manifests.read(sources)
    checkpoints = {path: it for path, it in seen.items() if path.lower().endswith(_TORCH)}
    large = tuple(sorted(path for path, it in checkpoints.items() if it.size > MAX_SCANNED))
    scans = {path: _PLAIN for path in seen if path.lower().endswith(_PICKLES)}
    for path, it in checkpoints.items():
        if path not in large:
            scans[path] = _scan(registry, repo, it)
    return Evidence(seen, readme, manifest, scans, large, cut=len(seen) >= MAX_FILES)


_PLAIN = "is a pickle that only code can load"


def _files(conn: Connection, repo: Repo, commit: bytes) -> dict[str, Seen]:
    store, tree = GitStore(conn, repo.id), tree_of(conn, repo.id, commit)
    if tree is None:
        raise RevisionNotFound(f"Invalid rev id: {commit.hex()}")
    listed = dict[str, bytes]()
    for path, entry in trees.list_tree(store, tree, recursive=True):
        if entry.mode in {FILE, EXECUTABLE}:
            listed[path] = entry.oid
        if len(listed) >= MAX_FILES:
            break
    oids = set(listed.values())
    sizes, pointers = store.sizes(oids), pointers_of(conn, repo.id, oids)
    found = {}
    for path, oid in listed.items():
        pointer = pointers.get(oid)
        size = pointer.size if pointer else sizes.get(oid, 0)
        found[path] = Seen(size, oid, pointer.sha256 if pointer else None)
    return found


def _readme(conn: Connection, repo: Repo, commit: bytes) -> str:
    store = GitStore(conn, repo.id)
    root = store.read_tree(store.read_commit(commit).tree)
    return read_root_file(store, root, README, MAX_README).decode("utf-8", "replace")


def _scan(registry: Registry, repo: Repo, seen: Seen) -> str:
    """Return what is wrong with a checkpoint, or an empty text."""
    with tempfile.NamedTemporaryFile(prefix="reprise-checkpoint-") as copy:
        path = Path(copy.name)
        with registry.db.read() as conn:
            if seen.sha256 is None:
                copy.write(GitStore(conn, repo.id).read(seen.oid).body)
                stored = None
            else:
                stored = files.find(conn, repo.id, bytes.fromhex(seen.sha256))
        if seen.sha256 is not None and stored is None:
            return "is not on this hub"
        whole = files.local_path(registry, stored) if stored is not None else None
        if stored is not None and whole is None:
            for piece in files.open_range(registry, stored, 0, stored.size):
                copy.write(piece)
        copy.flush()
        try:
            names = unsafe_names(whole or path)
        except InvalidFormat as error:
            return f"cannot be read as a checkpoint: {error.message}"
    return f"would import {', '.join(names[:5])} when loaded" if names else ""
