"""Default models: what the hub's operator chose to run a task when nobody names a model."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from reprise.base.errors import InvalidInput, NotFound, RevisionNotFound
from reprise.base.ids import RepoId, RepoType
from reprise.formats import defaults as files
from reprise.formats.defaults import Default
from reprise.registry import repos, revisions
from reprise.registry.access import ANONYMOUS, Action, Repo, allowed
from reprise.registry.db.schema import default_model
from reprise.registry.db.upsert import insert
from reprise.registry.operator_key import operator_key


@dataclass(frozen=True)
class Chosen:
    """One task's model as the operator sees it."""

    task: str
    default: Default
    set_at: int
    public: bool  # whether everybody may fetch it: others are not told of it


def choose(conn: Connection, task: str, repo_id: RepoId, revision: str, *, now: int) -> Default:
    """Make a model the default of a task, at the commit that a revision means now.

    Args:
        conn: An open transaction.
        task: A task, or `translation_xx_to_yy`.
        repo_id: A model that everybody may fetch.
        revision: Branch, tag or commit; empty for the default branch.
        now: Microseconds since 1970.

    Raises:
        InvalidInput: There is no such task, or not everybody may fetch the model.
        RevisionNotFound: The repo has no such revision.
    """
    if not files.is_task(task):
        raise InvalidInput(f"There is no task {task[:80]!r}.",
                           hint="Tasks are named as on cards: text-classification.")  # fmt: skip
    found = repos.lookup(conn, RepoType.MODEL, repo_id)
    if found is None or not _is_public(found):
        raise InvalidInput(
            f"No model {repo_id} here can be fetched by everybody.",
            hint="A default must be a public model of this hub without a gate.",
        )
    try:
        at = revisions.locate(conn, found, revision or found.default_branch)
    except RevisionNotFound:
        raise RevisionNotFound(f"{repo_id} has no revision {revision[:80]!r}.") from None
    values = {"repo_id": found.id, "commit_oid": at.commit, "set_at": now}
    statement = insert(conn, default_model).values(task=task, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["task"], set_=values))
    return Default(found.repo_id, at.hex)


def remove(conn: Connection, task: str) -> None:
    """Leave a task without a default.

    Raises:
        NotFound: It has none.
    """
    gone = conn.execute(delete(default_model).where(default_model.c.task == task))
    if gone.rowcount == 0:
        raise NotFound(f"The task {task[:80]!r} has no default.",
                       hint="reprise defaults list --data DIR shows those that have.")  # fmt: skip


def list_all(conn: Connection) -> list[Chosen]:
    """List the defaults by task."""
    rows = conn.execute(select(default_model).order_by(default_model.c.task))
    found = ((row, repos.by_number(conn, row.repo_id)) for row in rows.all())
    return [
        Chosen(row.task, Default(repo.repo_id, row.commit_oid.hex()), row.set_at, _is_public(repo))
        for row, repo in found if repo is not None
    ]  # fmt: skip


def signed(conn: Connection, secret: bytes) -> bytes:
    """Return `defaults.json`: those that everybody may fetch, signed by the operator's key.

    Args:
        conn: An open connection.
        secret: The registry's.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    models = {it.task: it.default for it in list_all(conn) if it.public}
    return files.seal(models, operator_key(secret))


def _is_public(repo: Repo) -> bool:
    level = allowed(ANONYMOUS, repo)
    return level is not None and level >= Action.FETCH
