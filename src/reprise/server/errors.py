"""Errors on the wire: one JSON shape, and the headers from which clients rebuild the class."""

import logging
import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from reprise.base.errors import RepoNotFound, RepriseError
from reprise.registry.repos import RepoMoved

log = logging.getLogger("reprise.server")

# Messages quote what callers sent; none of it may end a header.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MAX_HEADER = 500  # characters; proxies cut longer headers off


def error_response(
    status: int, message: str, *, code: str | None = None, retry_after: int = 0
) -> Response:
    """Build the JSON error that PROTOCOL's table asks for."""
    headers = {"X-Error-Message": _header_text(message)}
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        headers["Connection"] = "close"  # the rest of the body may be endless
    if code is not None:
        headers["X-Error-Code"] = code
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="Reprise", Bearer'
    return JSONResponse({"error": message}, status, headers)


def on_reprise_error(_request: Request, error: Exception) -> Response:
    """Answer an error that Reprise raised on purpose."""
    assert isinstance(error, RepriseError)
    return error_response(
        error.status, error.message, code=error.code, retry_after=error.retry_after
    )


def on_moved(request: Request, error: Exception) -> Response:
    """Send the caller on to a repo's new name, keeping method, rest of the path and query."""
    assert isinstance(error, RepoMoved)
    path = request.url.path.replace(error.old, str(error.repo.repo_id), 1)
    query = f"?{request.url.query}" if request.url.query else ""
    if path == request.url.path:  # the id was sent percent-encoded: no redirect could mend that
        return error_response(HTTPStatus.NOT_FOUND, error.message, code=RepoNotFound.code)
    return RedirectResponse(path + query, status_code=307)


def on_http_error(_request: Request, error: Exception) -> Response:
    """Answer an error raised by the framework: no such route, wrong method."""
    assert isinstance(error, HTTPException)
    return error_response(error.status_code, error.detail)


def on_crash(request: Request, error: Exception) -> Response:
    """Answer a bug without telling anything about the inside."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return error_response(500, "The hub failed on this request; the log has the details.")


def _header_text(message: str) -> str:
    line = " ".join(_CONTROL.sub(" ", message).split())[:_MAX_HEADER]
    return line.encode("latin-1", "replace").decode("latin-1")
