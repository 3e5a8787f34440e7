"""The page of a person or an organisation: who, with whom, and what they published."""

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.errors import NotFound
from reprise.base.ids import RepoType
from reprise.registry import accounts, listing
from reprise.registry.access import Account, Caller
from reprise.registry.listing import Query
from reprise.server.calls import Call
from reprise.server.web import shelves
from reprise.server.web.card_page import card_page
from reprise.server.web.render import page

_SHELF = 20
_MOST = 10_000


def account_or_legacy_page(call: Call) -> Response:
    """`GET /{name}`: an account, or a model with a legacy id of one part."""
    name = call.param("repo")
    if "/" in name or call.repo_type() is not RepoType.MODEL:
        return card_page(call)
    with call.read() as (conn, caller):
        account = _find(conn, name)
        people = _people(conn, account) if account else []
        found = [_shelf(conn, caller, account, it) for it in RepoType] if account else []
    if account is None:
        return card_page(call)
    return page(
        call.request,
        "account.html",
        account=account,
        people=people,
        shelves=[shelf for shelf in found if shelf[1]],
    )


def _find(conn: Connection, name: str) -> Account | None:
    try:
        return accounts.find(conn, name)
    except NotFound:
        return None


def _people(conn: Connection, account: Account) -> list[tuple[Account, str]]:
    pairs = accounts.members_of if account.kind == "org" else accounts.orgs_of
    return [(other, role.value) for other, role in pairs(conn, account)]


def _shelf(
    conn: Connection, caller: Caller, account: Account, repo_type: RepoType
) -> tuple[RepoType, list[shelves.Line], int]:
    query = Query(repo_type, author=account.name, sort="lastModified")
    found = shelves.lines(listing.page(conn, caller, query, limit=_SHELF))
    return repo_type, found, listing.count(conn, caller, query, most=_MOST)
