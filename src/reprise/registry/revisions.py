"""From the revision a caller typed to a commit, in as few queries as possible."""

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from reprise.base.errors import RevisionNotFound
from reprise.base.ids import is_commit
from reprise.registry.access import Repo
from reprise.registry.db.schema import git_commit, git_ref
from reprise.registry.git import refs

_REFS = select(git_ref.c.name, git_ref.c.oid).where(
    git_ref.c.repo_id == bindparam("repo_id"),
    git_ref.c.name.in_([bindparam("tip"), bindparam("branch")]),
)
_COMMIT = select(git_commit.c.tree).where(
    git_commit.c.repo_id == bindparam("repo_id"), git_commit.c.oid == bindparam("oid")
)


@dataclass(frozen=True)
class Located:
    """A commit, and whether it is the tip of the default branch, which is indexed."""

    commit: bytes
    is_tip: bool

    @property
    def hex(self) -> str:
        """The commit as the wire writes it."""
        return self.commit.hex()


def locate(conn: Connection, repo: Repo, revision: str) -> Located:
    """Resolve a branch, tag, commit id or full ref name.

    Raises:
        RevisionNotFound: The repo has none of that name.
    """
    tip_ref, branch = refs.HEADS + repo.default_branch, refs.HEADS + revision
    rows = conn.execute(_REFS, {"repo_id": repo.id, "tip": tip_ref, "branch": branch})
    found = {row.name: row.oid for row in rows}
    tip = found.get(tip_ref)
    if is_commit(revision):
        commit = bytes.fromhex(revision)
        if commit != tip and tree_of(conn, repo.id, commit) is None:
            raise RevisionNotFound(f"Invalid rev id: {revision}")
    else:
        commit = found.get(branch) or refs.resolve(conn, repo, revision)
    return Located(commit, commit == tip)


def tree_of(conn: Connection, repo_id: int, commit: bytes) -> bytes | None:
    """Return the root tree of a commit, or None when the repo has no such commit."""
    return conn.execute(_COMMIT, {"repo_id": repo_id, "oid": commit}).scalar()
