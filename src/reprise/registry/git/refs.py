"""Refs: names for commits, moved by compare-and-swap, and the way from a revision to a commit."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from reprise.base.errors import InvalidInput, NotFound, RevisionNotFound, StaleParent
from reprise.base.ids import is_commit
from reprise.registry.access import Repo
from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import git_commit, git_ref
from reprise.registry.db.upsert import insert
from reprise.registry.git.history import nodes
from reprise.registry.git.losses import note_losses
from reprise.registry.git.names import check_ref_name
from reprise.registry.git.objects import OID_SIZE, Kind, decode_tag
from reprise.registry.git.store import GitStore

__all__ = [
    "HEADS",
    "TAGS",
    "Ref",
    "check_ref_name",
    "list_refs",
    "move",
    "peel",
    "read",
    "resolve",
]

HEADS = "refs/heads/"
TAGS = "refs/tags/"
_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")
# Tags of tags of tags …: git follows them, we stop somewhere.
_MAX_PEEL = 16

_BY_NAME = Prepared(
    select(git_ref.c.oid).where(
        git_ref.c.repo_id == bindparam("repo_id"), git_ref.c.name == bindparam("name")
    )
)


@dataclass(frozen=True)
class Ref:
    """A ref's full name and the object it points at (a commit, or an annotated tag)."""

    name: str
    oid: bytes
    protected: bool | None = None
    peeled: bytes | None = None  # what an annotated tag leads to

    @property
    def short(self) -> str:
        """The name without `refs/heads/` or `refs/tags/`."""
        return self.name.removeprefix(HEADS).removeprefix(TAGS)


def read(conn: Connection, repo_id: int, name: str) -> bytes | None:
    """Read what a ref, given by its full name, points at."""
    row = _BY_NAME.first(conn, repo_id=repo_id, name=name)
    return None if row is None else row.oid


def list_refs(conn: Connection, repo_id: int, prefix: str = "refs/") -> list[Ref]:
    """List refs below a prefix, sorted by name."""
    columns = (git_ref.c.name, git_ref.c.oid, git_ref.c.protected, git_ref.c.peeled)
    query = select(*columns).where(
        git_ref.c.repo_id == repo_id, git_ref.c.name.startswith(prefix, autoescape=True)
    )
    return [Ref(*row) for row in conn.execute(query.order_by(git_ref.c.name))]


def resolve(conn: Connection, repo: Repo, revision: str) -> bytes:
    """Resolve what a caller typed to a commit.

    Tried in this order: a full commit id, `HEAD`, a full ref name, a branch, a tag, and at last
    an abbreviated commit id of at least 7 digits. Annotated tags are followed to their commit.

    Raises:
        RevisionNotFound: None of these, or an abbreviation that fits several commits.
    """
    if is_commit(revision):
        return _existing_commit(conn, repo, bytes.fromhex(revision), revision)
    for name in _candidates(repo, revision):
        oid = read(conn, repo.id, name)
        if oid is not None:
            return _existing_commit(conn, repo, oid, revision)
    if _ABBREVIATED.fullmatch(revision):
        return _abbreviated(conn, repo, revision)
    raise _not_found(repo, revision)


def peel(store: GitStore, oid: bytes) -> tuple[Kind, bytes]:
    """Follow annotated tags to what they mark.

    Raises:
        NotFound: The chain is broken or too long.
    """
    for _ in range(_MAX_PEEL):
        head = store.heads([oid]).get(oid)
        if head is None:
            break
        if head.kind is not Kind.TAG:
            return head.kind, oid
        oid = decode_tag(store.read(oid).body).target
    raise NotFound(f"Object {oid.hex()} leads nowhere.")


def move(
    conn: Connection,
    repo_id: int,
    name: str,
    *,
    old: bytes | None,
    new: bytes | None,
    dropped: list[bytes] | None = None,
) -> None:
    """Create, move or delete a ref, provided it still points where the caller thinks.

    Take `lock_repo` first. Nothing is asked about protection; that is the caller's part.

    Args:
        conn: An open write transaction.
        repo_id: The repo.
        name: Full name, `refs/heads/main`.
        old: What the ref points at now; None when it must not exist.
        new: What it shall point at; None deletes it.
        dropped: Collects what may be lost by the move, for one `losses.note_losses` after many
            moves. Without it this is done at once.

    Raises:
        StaleParent: The ref points somewhere else by now.
        InvalidId: A new ref's name is not allowed.
        InvalidInput: A new ref's name lies above or below an existing one.
        NotFound: `new` is not there, or is a tag that leads nowhere.
    """
    if read(conn, repo_id, name) != old:
        raise StaleParent(f"{name} was moved by somebody else; fetch it and try again.")
    here = and_(git_ref.c.repo_id == repo_id, git_ref.c.name == name)
    if new is None:
        conn.execute(delete(git_ref).where(here))
    elif old is None:
        _check_free(conn, repo_id, check_ref_name(name))
        values = {"repo_id": repo_id, "name": name, **_ends(conn, repo_id, new)}
        conn.execute(insert(conn, git_ref).values(values))
    elif old != new:
        conn.execute(update(git_ref).where(here).values(_ends(conn, repo_id, new)))
    if old is not None and old != new and not _is_next(conn, repo_id, old, new):
        if dropped is None:
            note_losses(conn, repo_id, [old])
        else:
            dropped.append(old)


def _ends(conn: Connection, repo_id: int, new: bytes) -> dict[str, bytes | None]:
    _, end = peel(GitStore(conn, repo_id), new)
    return {"oid": new, "peeled": end if end != new else None}


def _check_free(conn: Connection, repo_id: int, name: str) -> None:
    """Check that no ref's name is a folder of another's."""
    parts = name.split("/")
    above = ["/".join(parts[:stop]) for stop in range(3, len(parts))]
    clash = select(git_ref.c.name).where(
        git_ref.c.repo_id == repo_id,
        or_(git_ref.c.name.in_(above), git_ref.c.name.startswith(f"{name}/", autoescape=True)),
    )
    other = conn.execute(clash.limit(1)).scalar()
    if other is not None:
        raise InvalidInput(f"Cannot create {name}: {other} exists, and one is a part of the other.")


def _is_next(conn: Connection, repo_id: int, old: bytes, new: bytes | None) -> bool:
    """Tell at little cost whether a commit is the direct child of another."""
    if new is None:
        return False
    found = nodes(GitStore(conn, repo_id), [new]).get(new)
    return found is not None and old in found.parents


def _candidates(repo: Repo, revision: str) -> list[str]:
    if revision == "HEAD":
        return [HEADS + repo.default_branch]
    full = [revision] if revision.startswith("refs/") else []
    return [*full, HEADS + revision, TAGS + revision]


def _existing_commit(conn: Connection, repo: Repo, oid: bytes, revision: str) -> bytes:
    try:
        kind, commit = peel(GitStore(conn, repo.id), oid)
    except NotFound:
        raise _not_found(repo, revision) from None
    if kind is not Kind.COMMIT:
        raise _not_found(repo, revision)
    return commit


def _abbreviated(conn: Connection, repo: Repo, digits: str) -> bytes:
    low = bytes.fromhex(digits.ljust(2 * OID_SIZE, "0"))
    high = bytes.fromhex(digits.ljust(2 * OID_SIZE, "f"))
    query = select(git_commit.c.oid).where(
        git_commit.c.repo_id == repo.id, git_commit.c.oid.between(low, high)
    )
    found = conn.execute(query.limit(2)).scalars().all()
    if len(found) > 1:
        raise RevisionNotFound(f"{digits} fits several commits of {repo.repo_id}; add digits.")
    if not found:
        raise _not_found(repo, digits)
    oid: bytes = found[0]
    return oid


def _not_found(repo: Repo, revision: str) -> RevisionNotFound:
    return RevisionNotFound(f"Invalid rev id: {revision} ({repo.repo_id} has no such revision)")
