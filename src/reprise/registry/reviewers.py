"""Reviewers: accounts whose members decide on submissions."""

from sqlalchemy import Connection, delete, select

from reprise.base.errors import NotFound
from reprise.registry.access import Account, Caller, OrgRole
from reprise.registry.accounts import as_account
from reprise.registry.db.schema import account, reviewer
from reprise.registry.db.upsert import insert


def add(conn: Connection, who: Account, *, now: int) -> None:
    """Make a user a reviewer, or all members of an organisation with the write role."""
    row = {"account_id": who.id, "created_at": now}
    conn.execute(insert(conn, reviewer).values(row).on_conflict_do_nothing())


def remove(conn: Connection, who: Account) -> None:
    """Take the right to decide away.

    Raises:
        NotFound: The account is no reviewer.
    """
    gone = conn.execute(delete(reviewer).where(reviewer.c.account_id == who.id))
    if gone.rowcount == 0:
        raise NotFound(f"{who.name!r} is no reviewer.")


def list_all(conn: Connection) -> list[Account]:
    """List the reviewers by name."""
    rows = conn.execute(
        select(account)
        .join(reviewer, reviewer.c.account_id == account.c.id)
        .order_by(account.c.key)
    )
    return [as_account(row) for row in rows]


def reviews(conn: Connection, caller: Caller) -> bool:
    """Tell whether a caller is a reviewer, alone or through an organisation."""
    if caller.account is None:
        return False
    roles = {OrgRole.WRITE, OrgRole.ADMIN}
    ids = [caller.account.id, *(org for org, role in caller.orgs.items() if role in roles)]
    found = select(reviewer.c.account_id).where(reviewer.c.account_id.in_(ids)).limit(1)
    return conn.execute(found).first() is not None
