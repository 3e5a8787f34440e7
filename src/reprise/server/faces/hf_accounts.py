"""Accounts over the Hub API: who am I, user and organisation overviews."""

from starlette.responses import JSONResponse, Response

from reprise.base.clock import iso
from reprise.base.errors import NotFound
from reprise.registry import accounts
from reprise.registry.access import Account, Caller, OrgRole, TokenRole
from reprise.server.calls import Call

# How the wire spells token roles.
_ROLES = {role: role.value for role in TokenRole} | {TokenRole.FINE_GRAINED: "fineGrained"}


def whoami(call: Call) -> Response:
    """`GET /api/whoami-v2`: the account and token behind the request."""
    with call.read() as (conn, caller):
        orgs = accounts.orgs_of(conn, caller.user)
    return JSONResponse(_whoami_body(caller, orgs))


def user_overview(call: Call) -> Response:
    """`GET /api/users/{name}/overview`."""
    with call.read() as (conn, _caller):
        user = _find(accounts.find(conn, call.param("name")), "user")
        orgs = accounts.orgs_of(conn, user)
    body = {
        "user": user.name,
        "fullname": user.fullname,
        "avatarUrl": "",
        "isPro": False,
        "type": "user",
        "createdAt": iso(user.created_at),
        "orgs": [_name_of(org) for org, _role in orgs],
    }
    return JSONResponse(body)


def org_overview(call: Call) -> Response:
    """`GET /api/organizations/{name}/overview`."""
    with call.read() as (conn, _caller):
        org = _find(accounts.find(conn, call.param("name")), "org")
        members = accounts.members_of(conn, org)
    body = {
        "name": org.name,
        "fullname": org.fullname,
        "avatarUrl": "",
        "type": "org",
        "createdAt": iso(org.created_at),
        "numUsers": len(members),
    }
    return JSONResponse(body)


def org_members(call: Call) -> Response:
    """`GET /api/organizations/{name}/members`."""
    with call.read() as (conn, _caller):
        org = _find(accounts.find(conn, call.param("name")), "org")
        members = accounts.members_of(conn, org)
    return JSONResponse(
        [
            {"user": user.name, "fullname": user.fullname, "avatarUrl": "", "role": role}
            for user, role in members
        ]
    )


def _whoami_body(caller: Caller, orgs: list[tuple[Account, OrgRole]]) -> dict[str, object]:
    user, token = caller.user, caller.token
    assert token is not None
    access = {"displayName": token.name, "role": _ROLES[token.role]}
    return {
        "type": "user",
        "id": str(user.id),
        "name": user.name,
        "fullname": user.fullname,
        "isPro": False,
        "canPay": False,
        "avatarUrl": "",
        "orgs": [
            {"type": "org", "id": str(org.id), **_name_of(org), "roleInOrg": role.value}
            for org, role in orgs
        ],
        "auth": {"type": "access_token", "accessToken": access},
    }


def _name_of(org: Account) -> dict[str, str]:
    return {"name": org.name, "fullname": org.fullname, "avatarUrl": ""}


def _find(account: Account, kind: str) -> Account:
    if account.kind != kind:
        raise NotFound(f"{account.name!r} is not a {'user' if kind == 'user' else 'organisation'}.")
    return account
