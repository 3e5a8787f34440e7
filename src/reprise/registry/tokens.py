"""Access tokens: random, shown once, stored as a hash."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, bindparam, delete, select

from reprise.base.errors import AlreadyExists, InvalidInput, NotFound, Unauthenticated
from reprise.base.ids import RepoId, RepoType
from reprise.registry.access import (
    ANONYMOUS,
    AccessToken,
    Account,
    Action,
    Caller,
    OrgRole,
    TokenRole,
)
from reprise.registry.db.prepared import Prepared
from reprise.registry.db.schema import access_token, account, membership
from reprise.registry.db.upsert import insert

# Clients test for this prefix, and secret scanners know it.
PREFIX = "hf_"
_SECRET_BYTES = 32
MAX_NAME = 100
_SCOPES = {"read": Action.FETCH, "write": Action.WRITE}


@dataclass(frozen=True)
class NewToken:
    """A token just made. `secret` is never shown again."""

    token: AccessToken
    secret: str


@dataclass(frozen=True)
class Grant:
    """What a new token shall be allowed to do.

    `scopes` go with the fine-grained role: `"model/owner/name"` to `"read"` or `"write"`.
    `expires_at` is in microseconds since 1970; None means never.
    """

    name: str
    role: TokenRole
    scopes: Mapping[str, str] = field(default_factory=dict)
    expires_at: int | None = None


def create(conn: Connection, user: Account, grant: Grant, *, now: int) -> NewToken:
    """Make an access token for a user.

    Raises:
        AlreadyExists: The user has a token of that name.
        InvalidInput: A bad name, or scopes on a token that is not fine-grained.
    """
    _check_grant(user, grant)
    secret = PREFIX + secrets.token_hex(_SECRET_BYTES)
    values = {
        "account_id": user.id,
        "name": grant.name,
        "role": grant.role.value,
        "secret_sha256": _digest(secret),
        "scopes": json.dumps(_check_scopes(grant.scopes)),
        "created_at": now,
        "expires_at": grant.expires_at,
    }
    statement = insert(conn, access_token).values(values).on_conflict_do_nothing()
    row = conn.execute(statement.returning(access_token)).one_or_none()
    if row is None:
        raise AlreadyExists(f"{user.name} has a token called {grant.name!r}; revoke it first.")
    return NewToken(_as_token(row), secret)


def revoke(conn: Connection, user: Account, name: str) -> None:
    """Delete a token; requests that carry it are refused from now on.

    Raises:
        NotFound: The user has no token of that name.
    """
    where = (access_token.c.account_id == user.id) & (access_token.c.name == name)
    if conn.execute(delete(access_token).where(where)).rowcount == 0:
        raise NotFound(f"{user.name} has no token called {name!r}.")


def list_of(conn: Connection, user: Account) -> list[AccessToken]:
    """List a user's tokens by name, without secrets."""
    rows = conn.execute(
        select(access_token)
        .where(access_token.c.account_id == user.id)
        .order_by(access_token.c.name)
    )
    return [_as_token(row) for row in rows]


def identify(conn: Connection, secret: str | None, *, now: int) -> Caller:
    """Find out who sends a secret; nobody sends none.

    Raises:
        Unauthenticated: The secret is unknown or expired.
    """
    if secret is None:
        return ANONYMOUS
    rows = _BY_SECRET.all(conn, digest=_digest(secret))
    if not rows:
        raise Unauthenticated("Invalid access token: this hub does not know it. Make a new one.")
    if _is_over(rows[0], now):
        raise Unauthenticated(f"The access token {rows[0].name!r} has expired. Make a new one.")
    return _as_caller(rows)


def recall(conn: Connection, token_id: int, *, now: int) -> Caller:
    """Find the caller behind an access token seen earlier, as its rights stand now.

    Raises:
        Unauthenticated: The token was revoked or has expired since.
    """
    rows = _BY_ID.all(conn, id=token_id)
    if not rows or _is_over(rows[0], now):
        raise Unauthenticated("The access token behind this one was revoked or has expired.")
    return _as_caller(rows)


def caller_of(conn: Connection, user: Account) -> Caller:
    """Speak for a user without a token, for commands run on the server's own machine."""
    roles = conn.execute(_ROLES, {"user": user.id})
    return Caller(user, None, {org: OrgRole(role) for org, role in roles})


# A row for each organisation of the user, or one without: every request asks this, once.
_WITH_USER = (
    select(
        access_token,
        account.c.name.label("account_name"),
        account.c.fullname,
        account.c.created_at.label("account_since"),
        membership.c.org_id,
        membership.c.role.label("org_role"),
    )
    .join(account, account.c.id == access_token.c.account_id)
    .outerjoin(membership, membership.c.user_id == account.c.id)
)
_BY_SECRET = Prepared(_WITH_USER.where(access_token.c.secret_sha256 == bindparam("digest")))
_BY_ID = Prepared(_WITH_USER.where(access_token.c.id == bindparam("id")))
_ROLES = select(membership.c.org_id, membership.c.role).where(
    membership.c.user_id == bindparam("user")
)


def _is_over(row: Row[tuple[object, ...]], now: int) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def _as_caller(rows: Sequence[Row[tuple[object, ...]]]) -> Caller:
    row = rows[0]
    user = Account(row.account_id, row.account_name, "user", row.fullname, row.account_since)
    roles = {it.org_id: OrgRole(it.org_role) for it in rows if it.org_id is not None}
    return Caller(user, _as_token(row), roles)


def _digest(secret: str) -> bytes:
    # A fast hash is right here: the secret has 256 random bits, nothing a guesser could walk.
    return hashlib.sha256(secret.encode()).digest()


def _check_grant(user: Account, grant: Grant) -> None:
    if user.kind != "user":
        raise InvalidInput(f"{user.name!r} is an organisation; tokens belong to users.")
    if not grant.name or len(grant.name) > MAX_NAME:
        raise InvalidInput(f"A token's name has 1 to {MAX_NAME} characters.")
    if bool(grant.scopes) != (grant.role is TokenRole.FINE_GRAINED):
        raise InvalidInput("Scopes go with the fine-grained role, and only with it.")


def _check_scopes(scopes: Mapping[str, str]) -> dict[str, str]:
    for scope, action in scopes.items():
        kind, _, repo_id = scope.partition("/")
        RepoId.parse(repo_id)
        if kind not in set(RepoType) or action not in _SCOPES:
            raise InvalidInput(
                f"Scope {scope}={action} is malformed: write TYPE/OWNER/NAME=read or =write, "
                "for example model/ada/bert=write."
            )
    return {scope.lower(): action for scope, action in scopes.items()}


def _as_token(row: Row[tuple[object, ...]]) -> AccessToken:
    scopes = {scope: _SCOPES[action] for scope, action in json.loads(row.scopes).items()}
    return AccessToken(row.id, row.name, TokenRole(row.role), scopes, row.expires_at)
