"""Signed, short-lived links and tokens: whoever holds one may do one thing, until it expires."""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from reprise.base.digests import canonical_json
from reprise.base.errors import Forbidden

_EXPIRES, _SIGNATURE = "expires", "signature"
_MICROS = 1_000_000


def query(secret: bytes, purpose: str, fields: Mapping[str, str], *, expires: int) -> str:
    """Build the query string of a link.

    Args:
        secret: The registry's signing key.
        purpose: What the link is for; a link for one purpose is no good for another.
        fields: What it is limited to; travels in clear, cannot be changed.
        expires: Microseconds since 1970.
    """
    dated = {**fields, _EXPIRES: str(expires // _MICROS)}
    return urlencode({**dated, _SIGNATURE: _sign(secret, purpose, dated)})


def check(secret: bytes, purpose: str, params: Mapping[str, str], *, now: int) -> dict[str, str]:
    """Return the fields of a link that was signed here and has not expired.

    Raises:
        Forbidden: It was not, or it has.
    """
    fields = {name: value for name, value in params.items() if name != _SIGNATURE}
    signature = params.get(_SIGNATURE, "")
    if not hmac.compare_digest(signature.encode(), _sign(secret, purpose, fields).encode()):
        raise Forbidden(
            "This link was not signed by this hub, or it was changed. Ask for a new one."
        )
    if int(fields.pop(_EXPIRES)) * _MICROS <= now:
        raise Forbidden("This link has expired. Ask for a new one.")
    return fields


def token(secret: bytes, purpose: str, fields: Mapping[str, str], *, expires: int) -> str:
    """Build the same as one word, for places that take a token; see `query`."""
    text = query(secret, purpose, fields, expires=expires)
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def open_token(secret: bytes, purpose: str, text: str, *, now: int) -> dict[str, str]:
    """Return the fields of a token that was signed here and has not expired.

    Raises:
        Forbidden: It was not, or it has.
    """
    try:
        sent = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        return check(secret, purpose, dict(parse_qsl(sent, keep_blank_values=True)), now=now)
    except (binascii.Error, ValueError):
        raise Forbidden("This token was not made by this hub. Ask for a new one.") from None


def _sign(secret: bytes, purpose: str, fields: Mapping[str, str]) -> str:
    message = canonical_json([purpose, dict(fields)])
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
