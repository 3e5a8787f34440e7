"""What one commit says, gathered from rows: files, card, config. The ground of repo info."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from reprise.formats.lfs_pointer import Pointer
from reprise.registry import stored
from reprise.registry.access import Repo
from reprise.registry.cards import MAX_CONFIG, read_files, read_root_file
from reprise.registry.description import Description, describe, read_json
from reprise.registry.git import entries, refs, trees
from reprise.registry.git.objects import SUBMODULE, TreeEntry
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import GitStore
from reprise.registry.stored import StoredFile

TOKENIZER_CONFIG = "tokenizer_config.json"
SAFETENSORS = ".safetensors"
MAX_SHARDS = 256  # weight files of one model whose headers are read
_MAX_SMALL_WEIGHTS = 16 << 20  # bytes; safetensors files kept in git itself
_ALL = 10_000_000  # more rows than any repo has


@dataclass(frozen=True)
class FileFact:
    """One file of the commit. `blob_size` is that of the blob in git, perhaps a pointer."""

    path: str
    oid: bytes
    blob_size: int
    pointer: Pointer | None

    @property
    def size(self) -> int:
        """Bytes of the file itself."""
        return self.pointer.size if self.pointer else self.blob_size


@dataclass(frozen=True)
class CommitFacts:
    """Everything that repo info is made of, except what must be read from large files."""

    commit: bytes
    micros: int  # committer's date
    files: list[FileFact]  # by path
    description: Description
    config: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    large_weights: list[StoredFile] = field(default_factory=list)
    small_weights: list[bytes] = field(default_factory=list)


def gather(conn: Connection, repo: Repo, commit: bytes) -> CommitFacts:
    """Read what a commit says; a handful of queries, however many files it has."""
    store = GitStore(conn, repo.id)
    head = store.read_commit(commit)
    files = sorted(_files(conn, repo, commit, head.tree), key=lambda file: file.path)
    described = read_files(store, head.tree)
    root = store.read_tree(head.tree)
    weights = _weights(files)
    return CommitFacts(
        commit=commit,
        micros=head.committer.micros,
        files=files,
        description=describe(repo.type, described),
        config=described.config,
        tokenizer=_json_at(store, root, TOKENIZER_CONFIG) if described.config else {},
        large_weights=list(_large(conn, repo.id, weights)),
        small_weights=[store.read(file.oid).body for file in weights if file.pointer is None],
    )


def files_at(conn: Connection, repo: Repo, commit: bytes) -> list[FileFact]:
    """List every file of a commit, by path."""
    tree = GitStore(conn, repo.id).read_commit(commit).tree
    return sorted(_files(conn, repo, commit, tree), key=lambda file: file.path)


def _files(conn: Connection, repo: Repo, commit: bytes, tree: bytes) -> Iterator[FileFact]:
    if refs.read(conn, repo.id, refs.HEADS + repo.default_branch) == commit:
        for listed in entries.list_recursive(conn, repo.id, limit=_ALL):
            if not listed.is_folder:
                yield FileFact(listed.path, listed.oid, listed.size, listed.pointer)
        return
    store = GitStore(conn, repo.id)
    found = [
        (path, entry.oid)
        for path, entry in trees.list_tree(store, tree, recursive=True)
        if not entry.is_folder and entry.mode != SUBMODULE
    ]
    sizes = store.sizes({oid for _, oid in found})
    pointers = pointers_of(conn, repo.id, sizes)
    for path, oid in found:
        yield FileFact(path, oid, sizes.get(oid, 0), pointers.get(oid))


def _weights(files: list[FileFact]) -> list[FileFact]:
    """Pick the safetensors files at the root: the one model, its shards, or whatever there is."""
    found = [it for it in files if it.path.endswith(SAFETENSORS) and "/" not in it.path]
    single = [file for file in found if file.path == "model.safetensors"]
    shards = [file for file in found if file.path.startswith("model-")]
    chosen = single or shards or found
    return [it for it in chosen if it.pointer or it.size <= _MAX_SMALL_WEIGHTS][:MAX_SHARDS]


def _large(conn: Connection, repo_id: int, weights: list[FileFact]) -> Iterator[StoredFile]:
    for file in weights:
        if file.pointer is not None:
            found = stored.find(conn, repo_id, bytes.fromhex(file.pointer.sha256))
            if found is not None:
                yield found


def _json_at(store: GitStore, root: tuple[TreeEntry, ...], name: str) -> dict[str, Any]:
    return read_json(read_root_file(store, root, name, MAX_CONFIG))
