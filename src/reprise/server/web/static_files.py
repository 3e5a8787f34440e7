"""Style, fonts and the icon: from memory, kept by browsers for ever because addresses change."""

from starlette.requests import Request
from starlette.responses import Response

from reprise.server.errors import error_response
from reprise.server.web.render import web_of

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"


def static_file(request: Request) -> Response:
    """`GET /static/{path}`."""
    found = web_of(request).static.get(request.path_params["path"])
    if found is None:
        return error_response(404, "There is no such static file.")
    fixed = request.query_params.get("v") == found.version
    headers = {
        "Cache-Control": _FOR_EVER if fixed else _FOR_AN_HOUR,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    }
    return Response(found.body, headers=headers, media_type=found.media_type)


def favicon(request: Request) -> Response:
    """`GET /favicon.ico`: the icon, in the one format it comes in."""
    request.path_params["path"] = "icon.svg"
    return static_file(request)
