"""Repos: create, find, change, move, delete."""

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from reprise.base.errors import AlreadyExists, InvalidInput, RepoNotFound, RepriseError
from reprise.base.ids import RESERVED_REPOS, RepoId, RepoType, check_new_name
from reprise.registry import accounts
from reprise.registry.access import Action, Caller, Repo, check
from reprise.registry.db.claim_tables import claim
from reprise.registry.db.database import lock_repo
from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import account, repo, repo_alias

DEFAULT_BRANCH = "main"
GATES = {"": "", "auto": "auto", "manual": "manual"}

_COLUMNS = select(repo, account.c.name.label("owner")).join(
    account, account.c.id == repo.c.owner_id
)
_BY_KEY = Prepared(_COLUMNS.where(repo.c.type == bindparam("type"), repo.c.key == bindparam("key")))
_BY_ALIAS = Prepared(
    _COLUMNS.join(repo_alias, repo_alias.c.repo_id == repo.c.id).where(
        repo_alias.c.type == bindparam("type"), repo_alias.c.key == bindparam("key")
    )
)


class RepoMoved(RepriseError):
    """The repo has another name now; the server answers with a redirect."""

    status = 307

    def __init__(self, old: str, moved: Repo) -> None:
        super().__init__(f"{old} is called {moved.repo_id} now.")
        self.old = old
        self.repo = moved


class RepoExists(AlreadyExists):
    """The id is taken; the existing repo goes into the answer."""

    def __init__(self, taken: Repo) -> None:
        super().__init__(f"You already created this {taken.type} repo: {taken.repo_id}")
        self.repo = taken


def find(
    conn: Connection,
    caller: Caller,
    repo_type: RepoType,
    repo_id: RepoId,
    *,
    action: Action = Action.READ,
) -> Repo:
    """Find a repo that the caller may act on.

    Raises:
        RepoNotFound: Absent, or hidden from the caller.
        RepoMoved: The caller may see it, under another name.
        Forbidden, Unauthenticated: Visible, but not for this action.
    """
    found = lookup(conn, repo_type, repo_id)
    if found is None:
        raise RepoNotFound(f"Repository not found: {repo_id}")
    check(caller, action, found)
    if found.repo_id.key != repo_id.key:
        raise RepoMoved(str(repo_id), found)
    return found


def lookup(conn: Connection, repo_type: RepoType, repo_id: RepoId) -> Repo | None:
    """Find a repo by its name or a former name, whoever asks."""
    key = {"type": repo_type.value, "key": repo_id.key}
    row = _BY_KEY.first(conn, **key) or _BY_ALIAS.first(conn, **key)
    return as_repo(row) if row is not None else None


def by_number(conn: Connection, number: int) -> Repo | None:
    """Find a repo by the number the database gave it, whoever asks."""
    row = conn.execute(_COLUMNS.where(repo.c.id == number)).one_or_none()
    return as_repo(row) if row is not None else None


def create(
    conn: Connection,
    caller: Caller,
    repo_type: RepoType,
    repo_id: RepoId,
    *,
    private: bool = False,
    now: int,
) -> Repo:
    """Create an empty repo. Give it its first commit with `commits.initial`.

    Raises:
        RepoExists: The id is taken by a repo the caller may see.
        Forbidden, Unauthenticated: The owner is not the caller's to create under.
    """
    owner = accounts.namespace(conn, caller, repo_id.owner or None)
    check_new_name(repo_id.name, RESERVED_REPOS)
    repo_id = RepoId(owner.name, repo_id.name)
    if (taken := lookup(conn, repo_type, repo_id)) and taken.repo_id.key == repo_id.key:
        check(caller, Action.READ, taken)
        raise RepoExists(taken)
    check_creation(caller, repo_type, repo_id)
    _forget_alias(conn, repo_type, repo_id)
    values = {
        "type": repo_type.value,
        "owner_id": owner.id,
        "creator_id": caller.user.id,
        "name": repo_id.name,
        "key": repo_id.key,
        "private": private,
        "default_branch": DEFAULT_BRANCH,
        "created_at": now,
        "updated_at": now,
    }
    conn.execute(insert(repo).values(values))
    created = lookup(conn, repo_type, repo_id)
    assert created is not None
    return created


def check_creation(caller: Caller, repo_type: RepoType, repo_id: RepoId) -> None:
    """Let a caller's token create a repo of this id, or say why not.

    A write token may create; a fine-grained one only repos that its scopes name for writing.
    """
    probe = Repo(0, repo_type, caller.user.id, repo_id, True, DEFAULT_BRANCH, 0, 0)
    check(caller, Action.WRITE, probe)


def move(conn: Connection, caller: Caller, moved: Repo, target: RepoId, *, now: int) -> Repo:
    """Give a repo a new id; the old one redirects until somebody takes it.

    Raises:
        RepoExists: The new id is taken.
        Forbidden: The caller administers the repo but not the new owner.
    """
    check(caller, Action.ADMIN, moved)
    owner = accounts.namespace(conn, caller, target.owner or None)
    target = RepoId(owner.name, check_new_name(target.name, RESERVED_REPOS))
    taken = lookup(conn, moved.type, target)
    if taken is not None and taken.repo_id.key == target.key and taken.id != moved.id:
        raise RepoExists(taken)
    lock_repo(conn, moved.id)
    _forget_alias(conn, moved.type, target)
    conn.execute(
        update(repo)
        .where(repo.c.id == moved.id)
        .values(owner_id=owner.id, name=target.name, key=target.key, updated_at=now)
    )
    if target.key != moved.repo_id.key:
        add_alias(conn, moved, moved.repo_id)
    result = lookup(conn, moved.type, target)
    assert result is not None
    return result


def add_alias(conn: Connection, target: Repo, alias: RepoId) -> None:
    """Make a former name, or a legacy one-part id, lead to a repo."""
    if lookup(conn, target.type, alias) not in (None, target):
        raise AlreadyExists(f"{alias} leads to another repo already.")
    _forget_alias(conn, target.type, alias)
    conn.execute(
        insert(repo_alias).values(type=target.type.value, key=alias.key, repo_id=target.id)
    )


def change(
    conn: Connection,
    changed: Repo,
    *,
    private: bool | None = None,
    gated: str | None = None,
) -> None:
    """Change a repo's visibility or gate; None leaves a setting as it is."""
    if gated is not None and gated not in GATES:
        raise InvalidInput("'gated' must be false, 'auto' or 'manual'.")
    values = {"private": private, "gated": gated}
    values = {name: value for name, value in values.items() if value is not None}
    if values:
        conn.execute(update(repo).where(repo.c.id == changed.id).values(values))


def remove(conn: Connection, removed: Repo) -> None:
    """Delete a repo with its history; `registry.unused` deletes its large files later.

    Its claims stay, with the verdicts on them; those of a private repo stay out of sight.
    """
    lock_repo(conn, removed.id)
    mine = claim.c.repo_id == removed.id
    name = {"repo_name": str(removed.repo_id), "repo_key": removed.repo_id.key}
    gone = {"hidden": removed.private or removed.disabled, **name}
    conn.execute(update(claim).where(mine).values(gone))
    conn.execute(delete(repo).where(repo.c.id == removed.id))


def as_repo(row: Row[tuple[object, ...]]) -> Repo:
    """Build a repo from a row of its table joined with the owner's name."""
    return Repo(
        id=row.id,
        type=RepoType(row.type),
        owner_id=row.owner_id,
        repo_id=RepoId(row.owner, row.name),
        private=row.private,
        default_branch=row.default_branch,
        created_at=row.created_at,
        updated_at=row.updated_at,
        creator_id=row.creator_id,
        gated=row.gated,
        disabled=row.disabled,
        downloads=row.downloads,
        likes=row.likes,
        used_storage=row.used_storage,
        pipeline_tag=row.pipeline_tag,
        library_name=row.library_name,
        summary=row.summary,
        card=row.card,
    )


def _forget_alias(conn: Connection, repo_type: RepoType, repo_id: RepoId) -> None:
    conn.execute(
        delete(repo_alias).where(
            repo_alias.c.type == repo_type.value, repo_alias.c.key == repo_id.key
        )
    )
