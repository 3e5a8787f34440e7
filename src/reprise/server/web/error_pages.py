"""Errors for people: the same status and headers as for programs, as a page."""

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from reprise.server.web.render import page, wants_page

Handler = Callable[[Request, Exception], Response]

_TITLES = {
    400: "That request makes no sense here",
    401: "Sign in first",
    403: "Not for you",
    404: "Nothing here",
    405: "That cannot be done here",
    429: "Too fast",
    500: "The hub failed",
}
_HINTS = {
    401: "Send an access token in the Authorization header.",
    404: "It may have been moved or deleted, or it is private and you may not see it.",
    429: "Wait a moment, then try again.",
    500: "The log has the details. Trying again may help; telling the operator will.",
}


def for_people(handler: Handler) -> Handler:
    """Let an error handler answer browsers with a page."""

    def handle(request: Request, error: Exception) -> Response:
        answer = handler(request, error)
        if answer.status_code < 400 or not wants_page(request):  # noqa: PLR2004 - errors only
            return answer
        return _page(request, answer)

    return handle


def _page(request: Request, answer: Response) -> Response:
    status = answer.status_code
    message = json.loads(bytes(answer.body)).get("error", "")
    shown = page(
        request,
        "error.html",
        status=status,
        title=_TITLES.get(status, "Something went wrong"),
        code=status,
        message=message,
        hint=_HINTS.get(status, ""),
    )
    for name, value in answer.headers.items():
        if name.startswith("x-error"):
            shown.headers[name] = value
    return shown
