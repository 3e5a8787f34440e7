"""Access tokens out of request headers: Bearer for the API, Basic for git."""

import binascii
from base64 import b64decode

from starlette.requests import Request


def access_token(request: Request) -> str | None:
    """Return the secret a request carries, or None.

    `Bearer hf_…` is what API clients send, `token hf_…` clients made for GitHub; git sends Basic
    with any user name and the token as password.
    """
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        return value.strip() or None
    if scheme.lower() == "basic":
        return _password(value)
    return None


def _password(encoded: str) -> str | None:
    try:
        user, _, password = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or user or None
