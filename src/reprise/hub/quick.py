"""One small answer of a hub by the standard library alone.

`list` and `help` take a fifth of a second as processes. Importing huggingface_hub's HTTP client and
what it stands on would double that, for one request. So as long as nobody imported it, and hence
nobody gave it settings of their own, that request is sent from here; whatever does not go smoothly
is asked again by the whole client, which knows every kind of proxy and token and explains errors.
"""

import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reprise import __version__
from reprise.hub import settings

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

_WHOLE_CLIENT = "huggingface_hub.utils._http"
_TIMEOUT = 10  # seconds without a byte


@dataclass(frozen=True)
class Answer:
    """What a hub has, whole; `body` is None where it has nothing."""

    body: bytes | None


def get(url: str, endpoint: str, token: str | bool | None, *, limit: int) -> Answer | None:
    """Send one GET request, or return None: then ask by the whole client.

    Args:
        url: An address of the hub.
        endpoint: Base URL of that hub.
        token: An access token for it, False for none, True for the stored one, None for the stored
            one if the hub is the one in use.
        limit: Bytes of a body that are read; a longer one gives None.
    """
    if _WHOLE_CLIENT in sys.modules:
        return None
    stored = settings.plain_token()
    if stored is None:
        return None
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    headers = {"User-Agent": f"reprise/{__version__}"}
    if secret := _chosen(token, stored, endpoint):
        headers["Authorization"] = f"Bearer {secret}"
    try:
        request = Request(url, headers=headers)  # noqa: S310 - the opener knows http(s) alone
        with _opener().open(request, timeout=_TIMEOUT) as answer:
            return _read(answer, limit)
    except HTTPError as error:
        error.close()
        return Answer(None) if error.code == HTTPStatus.NOT_FOUND else None
    except (OSError, HTTPException, ValueError):
        return None


def _opener() -> "OpenerDirector":
    """Return an opener that follows no redirect: a token must not travel with one.

    The process-wide opener is not used: it may lead elsewhere, see `reprise.hub.torch_hub`.
    """
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPErrorProcessor,
    ):
        opener.add_handler(handler())
    return opener


def _read(answer: Any, limit: int) -> Answer | None:
    body = answer.read(limit + 1)
    is_whole = len(body) <= limit and not answer.length  # `length` is what is still to come
    return Answer(body) if is_whole and answer.status == HTTPStatus.OK else None


def _chosen(token: str | bool | None, stored: str, endpoint: str) -> str:
    if isinstance(token, str):
        return token
    is_meant = token if token is not None else endpoint == settings.endpoint()
    return stored if is_meant else ""
