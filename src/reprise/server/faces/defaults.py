"""Default models over the API."""

from starlette.responses import Response

from reprise.registry import defaults
from reprise.server.calls import Call


def signed(call: Call) -> Response:
    """`GET /api/defaults`: which model runs a task when nobody names one, signed by the hub."""
    with call.read() as (conn, _):
        body = defaults.signed(conn, call.registry.secret)
    return Response(body, media_type="application/json")
