"""The one place where clients of the hub's API are made, and where access tokens are handed out."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from reprise import __version__
from reprise.hub import settings
from reprise.hub.address import Address

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfApi

_TIMEOUT = 10  # seconds for the one small answer that a revision needs


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
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented
        hf_raise_for_status,
    )

    url = f"{address.endpoint}/api/{address.repo_type.plural}/{address.repo_id}"
    if revision is not None:
        url += f"/revision/{quote(revision, safe='')}"
    headers = headers_for(address.endpoint, token)
    answer = session().get(url, params={"expand": "sha"}, headers=headers, timeout=_TIMEOUT)
    hf_raise_for_status(answer)
    try:
        return str(answer.json()["sha"])
    except (ValueError, KeyError, TypeError):
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
