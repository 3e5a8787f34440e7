"""The one place where clients of the hub's API are made, and where access tokens are handed out."""

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from reprise import __version__
from reprise.hub import quick, settings
from reprise.hub.address import Address

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

_TIMEOUT = 10  # seconds for the one small answer that a revision needs
_MAX_COMMIT = 1 << 20  # bytes of that answer


def client(endpoint: str, token: str | bool | None = None) -> "HfApi":
    """Return an API client for an endpoint.

    Args:
        endpoint: Base URL of the hub.
        token: As for `token_for`.
    """
    from huggingface_hub import HfApi

    return HfApi(
        endpoint=endpoint,
        token=token_for(endpoint, token),
        library_name="reprise",
        library_version=__version__,
    )


def commit_of(address: Address, revision: str | None, token: str | bool | None = None) -> str:
    """Ask a hub which commit a revision means now, in one small request.

    Only what the request needs is imported: this runs on every call that names a branch, and the
    whole API client takes twice as long to import as the request takes.

    Raises:
        huggingface_hub.errors.HfHubHTTPError, httpx2.HTTPError: The hub says no, or nothing.
    """
    url = f"{address.endpoint}/api/{address.repo_type.plural}/{address.repo_id}"
    if revision is not None:
        url += f"/revision/{quote(revision, safe='')}"
    url += "?expand=sha"
    answer = quick.get(url, address.endpoint, token, limit=_MAX_COMMIT)
    if answer is not None and (commit := _commit_in(answer.body)):
        return commit
    return _commit_in(_whole_answer(url, address.endpoint, token))


def _whole_answer(url: str, endpoint: str, token: str | bool | None) -> bytes:
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented
        hf_raise_for_status,
    )

    answer = session().get(url, headers=headers_for(endpoint, token), timeout=_TIMEOUT)
    hf_raise_for_status(answer)
    return bytes(answer.content)


def _commit_in(body: bytes | None) -> str:
    try:
        return str(json.loads(body or b"")["sha"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def session() -> "httpx2.Client":
    """Return the client that all of huggingface_hub shares in this process, with its settings."""
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]  # documented

    return get_session()


def headers_for(endpoint: str, token: str | bool | None = None) -> dict[str, str]:
    """Return the headers of a request to an endpoint: who asks, and with which program."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented

    return build_hf_headers(
        token=token_for(endpoint, token), library_name="reprise", library_version=__version__
    )


def token_for(endpoint: str, token: str | bool | None) -> str | bool | None:
    """Return what may be sent to an endpoint: the stored token only goes to the hub in use.

    A repo id can name any host (`evil.example:owner/name`); a token that was stored for one hub
    must not travel to another just because of that.
    """
    if token is None and endpoint != settings.endpoint():
        return False
    return token
