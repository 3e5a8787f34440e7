"""The key that speaks for the hub itself: every server of a hub has its secret, and so the key."""

import hashlib
import hmac

from reprise.formats import dsse

_PURPOSE = b"reprise operator key 1"


def operator_key(secret: bytes) -> bytes:
    """Derive the private Ed25519 key, 32 raw bytes, from the registry's secret."""
    return hmac.new(secret, _PURPOSE, hashlib.sha256).digest()


def hub_id(secret: bytes) -> str:
    """Return the fingerprint of the hub's public key, by which verdicts name the hub.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    return dsse.key_id(dsse.public_key(operator_key(secret)))
