"""Small git histories made straight in a registry, without HTTP."""

from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy import Connection

from reprise.base.errors import AlreadyExists
from reprise.base.ids import RepoId, RepoType
from reprise.registry import accounts, repos, tokens
from reprise.registry.access import Repo
from reprise.registry.git import trees
from reprise.registry.git.objects import FILE, Commit, Kind, Signature, encode_commit
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry
from tests.factories import make_user

START = 1_700_000_000  # seconds


def bare_repo(registry: Registry, name: str = "model") -> Repo:
    """A repo without any commit; its owner `ada` is created if need be."""
    with suppress(AlreadyExists):
        make_user(registry, "ada")
    with registry.db.write() as conn:
        caller = tokens.caller_of(conn, accounts.find(conn, "ada"))
        return repos.create(conn, caller, RepoType.MODEL, RepoId("ada", name), now=1)


def changes(store: GitStore, files: Mapping[str, str | None]) -> dict[str, trees.TreeChange]:
    """Text to put at paths; None removes a file, and a path that ends in `/` a folder."""
    result: dict[str, trees.TreeChange] = {}
    for path, text in files.items():
        if text is not None:
            result[path] = trees.Put(FILE, store.write(Kind.BLOB, text.encode()))
        elif path.endswith("/"):
            result[path.removesuffix("/")] = trees.RemoveFolder()
        else:
            result[path] = trees.Remove()
    return result


def commit(
    store: GitStore,
    files: Mapping[str, str | None],
    *parents: bytes,
    at: int = 0,
    title: str = "A change",
) -> bytes:
    """Commit changes on top of the first parent, `at` seconds after the first commit."""
    base = store.read_commit(parents[0]).tree if parents else None
    tree = trees.apply_changes(store, base, changes(store, files))
    who = Signature("Ada", "ada@example.org", START + at)
    return store.write(Kind.COMMIT, encode_commit(Commit(tree, parents, who, who, title)))


def paths(conn: Connection, repo: Repo, commit_oid: bytes) -> dict[str, str]:
    """Every file of a commit and its text."""
    store = GitStore(conn, repo.id)
    listed = trees.list_tree(store, store.read_commit(commit_oid).tree, "", True)
    return {
        path: store.read(entry.oid).body.decode() for path, entry in listed if not entry.is_folder
    }
