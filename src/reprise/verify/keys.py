"""The keys that sign verdicts: one of our own, made once, or an SSH key through `ssh-keygen`."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reprise.base.errors import InvalidFormat, InvalidInput, MissingExtra, NotFound
from reprise.base.files import write_bytes
from reprise.base.optional import require
from reprise.formats import dsse, sshsig
from reprise.formats.dsse import Envelope, Signature
from reprise.hub import settings

_SIZE = 32  # bytes of a private key
_MODE = 0o600
_SSH_SECONDS = 120  # an agent or a token may ask its owner first


@dataclass(frozen=True)
class Signer:
    """A key that can sign: its public half, 32 raw bytes, and what signs a payload of a type."""

    public: bytes
    sign: Callable[[bytes, str], Envelope]

    @property
    def fingerprint(self) -> str:
        """What the key is called: `SHA256:…`."""
        return dsse.key_id(self.public)

    @property
    def line(self) -> str:
        """The public key as a line of OpenSSH."""
        return sshsig.public_line(self.public)


def own(path: Path | None = None) -> Signer:
    """Return our own key, made unless there is one.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    public, private = sshsig.public_key(make(path)), read(path)
    return Signer(public, lambda payload, kind: dsse.sign(payload, private, kind))


def ssh(path: Path) -> Signer:
    """Return an SSH key that signs through `ssh-keygen -Y sign`, so agents and tokens work, too.

    Args:
        path: Of the private key; of the public one where an agent holds the private one.

    Raises:
        NotFound: There is no public key at `path` or beside it.
        NotSupported: It is of another kind than Ed25519.
    """
    public_file = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        public = sshsig.public_key(public_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        raise NotFound(
            f"There is no public key at {public_file}.",
            hint="Make a key with: ssh-keygen -t ed25519",
        ) from None
    return Signer(public, partial(_sign_with_ssh, path, public))


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
    return sshsig.public_line(dsse.public_key(read(place)), "reprise")


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


def _sign_with_ssh(path: Path, public: bytes, payload: bytes, kind: str) -> Envelope:
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", sshsig.NAMESPACE, "-f", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; the file is the caller's own
            command, input=dsse.pae(kind, payload), capture_output=True, timeout=_SSH_SECONDS,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise MissingExtra(
            "ssh-keygen is not installed.", hint="Install OpenSSH, or leave out --ssh-key."
        ) from None
    except subprocess.TimeoutExpired:
        raise InvalidInput(f"ssh-keygen did not sign within {_SSH_SECONDS} seconds.") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise InvalidInput(f"ssh-keygen did not sign with {path}: {said[-300:]}")
    signature = Signature(dsse.key_id(public), done.stdout)
    return Envelope(payload, kind, (signature,))
