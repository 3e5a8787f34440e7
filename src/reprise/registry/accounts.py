"""Users and organisations."""

from sqlalchemy import Connection, Row, select

from reprise.base.errors import AlreadyExists, Forbidden, InvalidInput, NotFound
from reprise.base.ids import RESERVED_OWNERS, check_new_name
from reprise.registry.access import Account, Caller, OrgRole
from reprise.registry.db.schema import account, membership
from reprise.registry.db.upsert import insert

MAX_FULLNAME = 200


def create_user(conn: Connection, name: str, *, now: int, fullname: str = "") -> Account:
    """Create a user.

    Raises:
        InvalidId: The name breaks the grammar or is kept for the hub's own pages.
        AlreadyExists: A user or organisation has the name, whatever its case.
    """
    return _create(conn, name, "user", fullname, now=now)


def create_org(conn: Connection, name: str, *, now: int, fullname: str = "") -> Account:
    """Create an organisation; add members with `set_role`."""
    return _create(conn, name, "org", fullname, now=now)


def find(conn: Connection, name: str) -> Account:
    """Find an account by name, whatever its case.

    Raises:
        NotFound: There is none.
    """
    row = conn.execute(select(account).where(account.c.key == name.lower())).one_or_none()
    if row is None:
        raise NotFound(f"No user or organisation is called {name!r}.")
    return as_account(row)


def set_role(conn: Connection, org: Account, user: Account, role: OrgRole) -> None:
    """Make a user a member of an organisation, or change the member's role."""
    if org.kind != "org":
        raise InvalidInput(f"{org.name!r} is a user; only organisations have members.")
    if user.kind != "user":
        raise InvalidInput(f"{user.name!r} is an organisation; only users can be members.")
    row = {"org_id": org.id, "user_id": user.id, "role": role.value}
    statement = insert(conn, membership).values(row)
    conn.execute(
        statement.on_conflict_do_update(
            index_elements=["org_id", "user_id"], set_={"role": role.value}
        )
    )


def orgs_of(conn: Connection, user: Account) -> list[tuple[Account, OrgRole]]:
    """List the organisations a user belongs to, by name."""
    rows = conn.execute(
        select(account, membership.c.role)
        .join(membership, membership.c.org_id == account.c.id)
        .where(membership.c.user_id == user.id)
        .order_by(account.c.key)
    )
    return [(as_account(row), OrgRole(row.role)) for row in rows]


def members_of(conn: Connection, org: Account) -> list[tuple[Account, OrgRole]]:
    """List the members of an organisation, by name."""
    rows = conn.execute(
        select(account, membership.c.role)
        .join(membership, membership.c.user_id == account.c.id)
        .where(membership.c.org_id == org.id)
        .order_by(account.c.key)
    )
    return [(as_account(row), OrgRole(row.role)) for row in rows]


def namespace(conn: Connection, caller: Caller, owner: str | None) -> Account:
    """Find the account under which a caller wants to create something.

    Raises:
        Unauthenticated: Nobody is signed in.
        Forbidden: The owner is somebody else, or the role in the organisation is too low.
    """
    user = caller.user
    if not owner or owner.lower() == user.name.lower():
        return user
    refusal = Forbidden(
        f"You don't have the rights to create a repo under the namespace {owner!r}. "
        "Use your own name, or ask an admin of the organisation for the contributor role."
    )
    try:
        org = find(conn, owner)
    except NotFound:
        raise refusal from None
    if caller.orgs.get(org.id) not in {OrgRole.CONTRIBUTOR, OrgRole.WRITE, OrgRole.ADMIN}:
        raise refusal
    return org


def as_account(row: Row[tuple[object, ...]]) -> Account:
    """Build an account from a row of its table."""
    return Account(row.id, row.name, row.kind, row.fullname, row.created_at)


def _create(conn: Connection, name: str, kind: str, fullname: str, *, now: int) -> Account:
    check_new_name(name, RESERVED_OWNERS)
    if len(fullname) > MAX_FULLNAME:
        raise InvalidInput(f"A full name has at most {MAX_FULLNAME} characters.")
    values = {
        "name": name,
        "key": name.lower(),
        "kind": kind,
        "fullname": fullname or name,
        "created_at": now,
    }
    statement = insert(conn, account).values(values).on_conflict_do_nothing()
    row = conn.execute(statement.returning(account.c.id)).one_or_none()
    if row is None:
        raise AlreadyExists(f"An account called {name!r} exists already; choose another name.")
    return Account(row.id, name, kind, fullname or name, now)
