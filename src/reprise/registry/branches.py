"""Branches and tags: made, deleted, squashed; and what follows when one of them moves."""

from collections.abc import Iterable

from sqlalchemy import Connection, and_, bindparam, func, select, update

from reprise.base.errors import AlreadyExists, Forbidden, InvalidId, InvalidInput, RevisionNotFound
from reprise.base.ids import RepoType
from reprise.registry import cards, manifests
from reprise.registry.access import Repo
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import entry, git_pointer
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.git import entries, refs, trees
from reprise.registry.git.objects import (
    Commit,
    Kind,
    Signature,
    Tag,
    TreeEntry,
    encode_commit,
    encode_tag,
)
from reprise.registry.git.pointers import pointers_of
from reprise.registry.git.store import GitStore
from reprise.registry.registry import Registry

CONVERT = "refs/convert/"  # branches that tools write, such as refs/convert/parquet
MAX_MESSAGE = 65_536

Change = tuple[str, TreeEntry | None, TreeEntry | None]  # path, before, after

_SIZE_AT_TIP = (
    select(func.coalesce(func.sum(func.coalesce(git_pointer.c.size, entry.c.size)), 0))
    .select_from(entry)
    .outerjoin(
        git_pointer,
        and_(git_pointer.c.repo_id == entry.c.repo_id, git_pointer.c.oid == entry.c.oid),
    )
    .where(entry.c.repo_id == bindparam("repo_id"))
)


def moved(  # noqa: PLR0913 - what happened to a ref has this many parts
    conn: Connection,
    registry: Registry,
    repo: Repo,
    ref: str,
    *,
    old: bytes | None,
    new: bytes | None,
    now: int,
    store: GitStore | None = None,
) -> None:
    """Bring everything that is kept about a repo up to date after a ref moved.

    Call it in the transaction that moved the ref, for commits over the API and pushes alike. Only
    the default branch has consequences: listing, card, tags, size, date.

    Args:
        conn: The open write transaction.
        registry: The hub.
        repo: The repo as it was before.
        ref: Full name of the ref.
        old: The commit it pointed at; None when it is new.
        new: The commit it points at now; None when it was deleted.
        now: Microseconds since 1970, UTC.
        store: The repo's objects as this transaction has read them so far.
    """
    del registry  # part of the contract: consequences outside the database will need it
    if ref != refs.HEADS + repo.default_branch:
        return
    store = store or GitStore(conn, repo.id)
    entries.update(conn, repo, old, new, store=store)
    due = repo.type is RepoType.MODEL
    values: dict[str, object] = {"updated_at": now, "parameters_due": due, "claims_due": due}
    if old is None or new is None:
        values["used_storage"] = conn.execute(_SIZE_AT_TIP, {"repo_id": repo.id}).scalar_one()
        describes = new is not None
    else:
        changes = _changes(store, old, new)
        values["used_storage"] = repo_table.c.used_storage + _growth(store, changes)
        describes = any(cards.concerns(path, was, now) for path, was, now in changes)
    if new is not None and describes:
        cards.refresh(conn, repo, new, store=store)
    manifests.note(conn, repo, old, new, store=store, now=now)
    conn.execute(update(repo_table).where(repo_table.c.id == repo.id).values(values))


def create_branch(conn: Connection, repo: Repo, name: str, start: str | None = None) -> bytes:
    """Create a branch and return the commit it points at.

    Args:
        conn: An open write transaction.
        repo: The repo.
        name: Short name, or `refs/convert/…`.
        start: A revision; None means the default branch.

    Raises:
        AlreadyExists: There is a branch of that name.
        InvalidInput: The name cannot name a branch.
        RevisionNotFound: The starting point does not exist.
    """
    ref = branch_ref(name)
    lock_repo(conn, repo.id)
    if refs.read(conn, repo.id, ref) is not None:
        raise AlreadyExists(f"Reference {ref} already exists")
    oid = refs.resolve(conn, repo, repo.default_branch if start is None else start)
    refs.move(conn, repo.id, ref, old=None, new=oid)
    return oid


def delete_branch(conn: Connection, repo: Repo, name: str) -> None:
    """Delete a branch.

    Raises:
        Forbidden: It is the default branch, or protected.
        RevisionNotFound: There is none of that name.
    """
    ref = branch_ref(name)
    lock_repo(conn, repo.id)
    if name == repo.default_branch:
        raise Forbidden(f"Cannot delete {ref}: it is the default branch.")
    found = next((it for it in refs.list_refs(conn, repo.id, ref) if it.name == ref), None)
    if found is None:
        raise RevisionNotFound(f"Reference {ref} does not exist")
    if found.protected:
        raise Forbidden(f"Cannot delete {ref}: it is protected.")
    refs.move(conn, repo.id, ref, old=found.oid, new=None)


def create_tag(
    conn: Connection, repo: Repo, name: str, revision: str, *, message: str, who: Signature
) -> None:
    """Create a tag; with a message it becomes an annotated one.

    Raises:
        AlreadyExists: There is a tag of that name.
        InvalidInput: The name cannot name a tag.
        RevisionNotFound: There is no such revision.
    """
    ref = _checked(refs.TAGS + name, "a tag", name)
    lock_repo(conn, repo.id)
    if refs.read(conn, repo.id, ref) is not None:
        raise AlreadyExists(f"Reference {ref} already exists")
    oid = refs.resolve(conn, repo, revision)
    if message.strip():
        check_message(message)
        tag = Tag(oid, Kind.COMMIT, name, who, f"{message.strip()}\n")
        oid = GitStore(conn, repo.id).write(Kind.TAG, encode_tag(tag))
    refs.move(conn, repo.id, ref, old=None, new=oid)


def delete_tag(conn: Connection, repo: Repo, name: str) -> None:
    """Delete a tag.

    Raises:
        RevisionNotFound: There is none of that name.
    """
    ref = _checked(refs.TAGS + name, "a tag", name)
    lock_repo(conn, repo.id)
    oid = refs.read(conn, repo.id, ref)
    if oid is None:
        raise RevisionNotFound(f"Reference {ref} does not exist")
    refs.move(conn, repo.id, ref, old=oid, new=None)


def super_squash(
    conn: Connection, registry: Registry, repo: Repo, name: str, *, message: str, who: Signature
) -> bytes:
    """Replace a branch's history by one commit that holds what its tip holds; return it.

    Raises:
        RevisionNotFound: There is no such branch.
    """
    ref = branch_ref(name)
    check_message(message)
    lock_repo(conn, repo.id)
    old = refs.read(conn, repo.id, ref)
    if old is None:
        raise RevisionNotFound(f"Invalid rev id: {name}")
    store = GitStore(conn, repo.id)
    squashed = Commit(store.read_commit(old).tree, (), who, who, f"{message.strip()}\n")
    new = store.write(Kind.COMMIT, encode_commit(squashed))
    if new != old:
        refs.move(conn, repo.id, ref, old=old, new=new)
        moved(conn, registry, repo, ref, old=old, new=new, now=registry.clock())
    return new


def branch_ref(name: str) -> str:
    """Return the full name of a branch.

    Raises:
        InvalidInput: The name cannot name a branch.
    """
    if name.startswith(CONVERT):
        return _checked(name, "a branch", name)
    if name.startswith("refs/"):
        raise InvalidInput(f"Invalid reference for a branch: {name}")
    return _checked(refs.HEADS + name, "a branch", name)


def check_message(message: str) -> None:
    """Refuse messages that git or a reader could not take.

    Raises:
        InvalidInput: Empty, too long, or with a NUL character.
    """
    if not message.strip() or len(message) > MAX_MESSAGE or "\0" in message:
        raise InvalidInput(f"A message must have 1 to {MAX_MESSAGE} characters, and no NUL.")


def _checked(ref: str, what: str, name: str) -> str:
    try:
        return refs.check_ref_name(ref)
    except InvalidId as error:
        raise InvalidInput(f"Invalid reference for {what}: {name} ({error.message})") from None


def _changes(store: GitStore, old: bytes, new: bytes) -> list[Change]:
    before, after = store.read_commit(old).tree, store.read_commit(new).tree
    return list(trees.diff(store, before, after))


def _growth(store: GitStore, changes: list[Change]) -> int:
    """Return by how many bytes the files grew, large files counted in full."""
    gone = [was.oid for _, was, _ in changes if was is not None and not was.is_folder]
    come = [now.oid for _, _, now in changes if now is not None and not now.is_folder]
    sizes = _real_sizes(store, {*gone, *come})
    return _total(sizes, come) - _total(sizes, gone)


def _real_sizes(store: GitStore, oids: set[bytes]) -> dict[bytes, int]:
    sizes = store.sizes(oids)
    pointers = pointers_of(store.conn, store.repo_id, oids)
    return {**sizes, **{oid: pointer.size for oid, pointer in pointers.items()}}


def _total(sizes: dict[bytes, int], oids: Iterable[bytes]) -> int:
    return sum(sizes.get(oid, 0) for oid in oids)
