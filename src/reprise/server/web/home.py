"""`/`: what this hub is, and what is new on it."""

from sqlalchemy import Connection
from starlette.responses import Response

from reprise.base.ids import RepoType
from reprise.registry import listing
from reprise.registry.access import Caller
from reprise.registry.listing import Query
from reprise.server.calls import Call
from reprise.server.web import shelves
from reprise.server.web.render import page

_SHELF = 6  # repos on each shelf
_MOST = 10_000


def home(call: Call) -> Response:
    """`GET /`."""
    with call.read() as (conn, caller):
        used = _shelf(conn, caller, Query(RepoType.MODEL))
        data = _shelf(conn, caller, Query(RepoType.DATASET))
        new = _shelf(conn, caller, Query(RepoType.MODEL, sort="createdAt"))
        totals = {it: listing.count(conn, caller, Query(it), most=_MOST) for it in RepoType}
    return page(
        call.request,
        "home.html",
        shelves=[
            ("Most used models", RepoType.MODEL, used, "/models"),
            ("Datasets", RepoType.DATASET, data, "/datasets"),
            ("New models", RepoType.MODEL, new, "/models?sort=createdAt"),
        ],
        totals=totals,
        empty=not any(totals.values()),
    )


def _shelf(conn: Connection, caller: Caller, query: Query) -> list[shelves.Line]:
    return shelves.lines(listing.page(conn, caller, query, limit=_SHELF))
