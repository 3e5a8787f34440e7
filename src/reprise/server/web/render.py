"""From a template to an answer, with the headers that keep a page to itself."""

import re
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import reprise
from reprise.server.calls import registry_of
from reprise.server.web.state import Web

# Nothing is loaded from anywhere else, nothing runs, nothing frames us.
POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Authorization",
}
# What machines speak to; a browser there gets JSON too.
_MACHINES = re.compile(r"/(?:api|cas|health)(?:/|$)|.*\.git/")


def web_of(request: Request) -> Web:
    """Return what pages share."""
    web: Web = request.app.state.web
    return web


def page(
    request: Request, template: str, *, status: int = HTTPStatus.OK, **context: Any
) -> Response:
    """Render a template to an HTML answer."""
    shared = {
        "version": reprise.__version__,
        "host": str(request.base_url).rstrip("/"),
        "path": request.scope["path"],
        "search": "",
        "now": registry_of(request).clock(),
    }
    html = web_of(request).templates.get_template(template).render({**shared, **context})
    return Response(html, status, HEADERS, "text/html; charset=utf-8")


def wants_page(request: Request) -> bool:
    """Tell whether a person looks at the answer in a browser."""
    reads = request.method in {"GET", "HEAD"}
    html = "text/html" in request.headers.get("accept", "")
    return reads and html and not _MACHINES.match(request.scope["path"])
