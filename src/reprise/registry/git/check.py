"""Is a repo whole? The check to run after a crash, a migration, or on any doubt."""

from collections.abc import Iterator

from sqlalchemy import Connection, and_, select

from reprise.base.errors import NotFound, RepriseError
from reprise.registry.db.schema import git_object, git_pointer, repo_file, stored_file
from reprise.registry.git import fsck
from reprise.registry.git.history import nodes
from reprise.registry.git.objects import GitObject, Kind, object_id
from reprise.registry.git.pointers import pointer_row, pointers_of
from reprise.registry.git.refs import list_refs, peel
from reprise.registry.git.store import GitStore


def check_repo(conn: Connection, repo_id: int) -> list[str]:
    """List everything that is wrong with a repo; an empty list means that it is whole.

    Every ref leads to a commit; every object hashes to its id, follows git's rules and refers to
    objects that are there; the index of commits agrees with the commits; every LFS pointer leads
    to a file that the repo may refer to and the hub holds.
    """
    store = GitStore(conn, repo_id)
    return [*_check_refs(store), *_check_objects(store), *_check_pointers(store)]


def _check_refs(store: GitStore) -> Iterator[str]:
    for ref in list_refs(store.conn, store.repo_id):
        try:
            kind, commit = peel(store, ref.oid)
        except NotFound:
            yield f"{ref.name} points at {ref.oid.hex()}, which is missing"
            continue
        if ref.peeled != (commit if commit != ref.oid else None):
            yield f"{ref.name} remembers another object than the one it leads to"
        if kind is not Kind.COMMIT:
            yield f"{ref.name} leads to {commit.hex()}, which is a {kind.name.lower()}"


def _check_objects(store: GitStore) -> Iterator[str]:
    query = select(git_object.c.oid, git_object.c.kind).where(git_object.c.repo_id == store.repo_id)
    kinds = {row.oid: Kind(row.kind) for row in store.conn.execute(query)}
    trees = fsck.TreeInspector()
    for oid in kinds:
        try:
            found = store.read(oid)
            needs = _references(trees, found)
        except RepriseError as error:
            yield f"{oid.hex()}: {error.message}"
            continue
        if object_id(found.kind, found.body) != oid:
            yield f"{oid.hex()} does not hash to its id"
        for target, kind in needs:
            if kinds.get(target) is not kind:
                yield f"{oid.hex()} needs {kind.name.lower()} {target.hex()}, which is missing"
        yield from _check_index(store, oid, found)


def _references(trees: fsck.TreeInspector, found: GitObject) -> list[fsck.Reference]:
    if found.kind is not Kind.TREE:
        return fsck.references(found.kind, found.body)
    return [it for entry in trees.fresh(found.body) if (it := fsck.reference(entry)) is not None]


def _check_index(store: GitStore, oid: bytes, found: GitObject) -> Iterator[str]:
    """Compare an object with what other tables remember of it."""
    if found.kind is Kind.COMMIT:
        commit, node = store.read_commit(oid), nodes(store, [oid]).get(oid)
        expected = (commit.tree, commit.parents, commit.committer.seconds)
        if node is None or tuple(node) != expected:
            yield f"commit {oid.hex()} is missing from the index of commits, or differs there"
    row = pointer_row(oid, found.body) if found.kind is Kind.BLOB else None
    if row and pointers_of(store.conn, store.repo_id, [oid]).get(oid) != row.pointer:
        yield f"pointer {oid.hex()} is missing from the index of pointers, or differs there"


def _check_pointers(store: GitStore) -> Iterator[str]:
    linked = and_(
        repo_file.c.repo_id == git_pointer.c.repo_id, repo_file.c.sha256 == git_pointer.c.sha256
    )
    query = (
        select(git_pointer, repo_file.c.sha256.label("linked"), stored_file.c.size.label("stored"))
        .outerjoin(repo_file, linked)
        .outerjoin(stored_file, stored_file.c.sha256 == git_pointer.c.sha256)
        .where(git_pointer.c.repo_id == store.repo_id)
    )
    for row in store.conn.execute(query):
        if row.linked is None or row.stored is None:
            yield f"pointer {row.oid.hex()} leads to file {row.sha256.hex()}, which is missing"
        elif row.stored != row.size:
            yield f"pointer {row.oid.hex()} says {row.size} bytes, its file has {row.stored}"
