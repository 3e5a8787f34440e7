"""The one place where clients of the hub's API are made, and where access tokens are handed out."""

from typing import TYPE_CHECKING

from reprise import __version__
from reprise.hub import settings

if TYPE_CHECKING:
    from huggingface_hub import HfApi


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


def token_for(endpoint: str, token: str | bool | None) -> str | bool | None:
    """Return what may be sent to an endpoint: the stored token only goes to the hub in use.

    A repo id can name any host (`evil.example:owner/name`); a token that was stored for one hub
    must not travel to another just because of that.
    """
    if token is None and endpoint != settings.endpoint():
        return False
    return token
