"""Votes: one per account and repo. The Hub API calls them likes; `repo.likes` counts them."""

from sqlalchemy import Connection, delete, func, select, update

from reprise.registry.access import Account, Caller, Repo, check_speaks
from reprise.registry.accounts import as_account
from reprise.registry.db.database import lock_repo
from reprise.registry.db.schema import account, vote
from reprise.registry.db.schema import repo as repo_table
from reprise.registry.db.upsert import insert

MAX_LISTED = 1000


def cast(conn: Connection, caller: Caller, repo: Repo, *, now: int) -> int:
    """Vote for a repo; voting again changes nothing. Returns the number of votes.

    Raises:
        Unauthenticated, Forbidden: See `access.check_speaks`.
    """
    check_speaks(caller, repo)
    lock_repo(conn, repo.id)
    row = {"repo_id": repo.id, "account_id": caller.user.id, "created_at": now}
    conn.execute(insert(conn, vote).values(row).on_conflict_do_nothing())
    return _count(conn, repo)


def withdraw(conn: Connection, caller: Caller, repo: Repo) -> int:
    """Take a vote back, if there is one. Returns the number of votes."""
    check_speaks(caller, repo)
    lock_repo(conn, repo.id)
    mine = (vote.c.repo_id == repo.id) & (vote.c.account_id == caller.user.id)
    conn.execute(delete(vote).where(mine))
    return _count(conn, repo)


def voters(conn: Connection, repo: Repo) -> list[Account]:
    """List who voted for a repo, the newest first, at most `MAX_LISTED`."""
    rows = conn.execute(
        select(account)
        .join(vote, vote.c.account_id == account.c.id)
        .where(vote.c.repo_id == repo.id)
        .order_by(vote.c.created_at.desc(), account.c.key)
        .limit(MAX_LISTED)
    )
    return [as_account(row) for row in rows]


def _count(conn: Connection, repo: Repo) -> int:
    count = select(func.count()).select_from(vote).where(vote.c.repo_id == repo.id)
    total: int = conn.execute(count).scalar_one()
    conn.execute(update(repo_table).where(repo_table.c.id == repo.id).values(likes=total))
    return total
