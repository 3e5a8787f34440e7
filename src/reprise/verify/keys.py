"""The key that signs verdicts: made once, kept where only its owner can read it."""

import os
from pathlib import Path

from reprise.base.errors import InvalidFormat, NotFound
from reprise.base.files import write_bytes
from reprise.base.optional import require
from reprise.formats import sshsig
from reprise.hub import settings

_SIZE = 32  # bytes of a private key
_MODE = 0o600


def key_file() -> Path:
    """Return where the key lies: beside what remembers whose code may run."""
    return settings.trust_file().with_name("verdict.key")


def make(path: Path | None = None) -> str:
    """Make a key unless there is one; return the public one as a line of OpenSSH.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    place = path or key_file()
    keys = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="verify")
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        data = keys.Ed25519PrivateKey.generate().private_bytes_raw().hex().encode()
        before = os.umask(0o077)
        try:
            write_bytes(place, data + b"\n")
        finally:
            os.umask(before)
        place.chmod(_MODE)
    public = keys.Ed25519PrivateKey.from_private_bytes(read(place)).public_key()
    return sshsig.public_line(public.public_bytes_raw(), "reprise")


def read(path: Path | None = None) -> bytes:
    """Return the private key, 32 bytes.

    Raises:
        NotFound: There is none.
        InvalidFormat: The file holds something else.
    """
    place = path or key_file()
    try:
        found = bytes.fromhex(place.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise NotFound(
            f"There is no key at {place}.", hint="reprise verify --sign makes one."
        ) from None
    except ValueError:
        found = b""
    if len(found) != _SIZE:
        raise InvalidFormat(f"{place} holds no key.", hint="Move it away; a new one is made then.")
    return found
