"""Signatures and public keys of OpenSSH, as far as Ed25519 goes (PROTOCOL.sshsig)."""

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

from reprise.base.errors import InvalidFormat, NotSupported

NAMESPACE = "reprise-verdict"
_MAGIC = b"SSHSIG"
_TYPE = b"ssh-ed25519"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_HASHES = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}
_MAX = 64 << 10  # bytes
_KEY_SIZE = 32


@dataclass(frozen=True)
class SshSignature:
    """A parsed signature: who, for what purpose, over which hash, and the 64 bytes."""

    public: bytes
    namespace: str
    hash_name: bytes
    signature: bytes

    def signed_bytes(self, message: bytes) -> bytes:
        """Return what was really signed for a message."""
        digest = _HASHES[self.hash_name](message).digest()
        parts = (self.namespace.encode(), b"", self.hash_name, digest)
        return _MAGIC + b"".join(map(_string, parts))


def is_one(data: bytes) -> bool:
    """Tell whether bytes look like an SSH signature, as text or as bytes."""
    return data.startswith((_MAGIC, _BEGIN.encode()))


def parse(data: bytes) -> SshSignature:
    """Read what `ssh-keygen -Y sign` writes, or the bytes inside.

    Raises:
        InvalidFormat: It is no signature.
        NotSupported: Of another kind of key than Ed25519.
    """
    blob = _unarmored(data) if data.startswith(_BEGIN.encode()) else data
    if len(blob) > _MAX or not blob.startswith(_MAGIC):
        raise InvalidFormat("This is no SSH signature.")
    if blob[6:10] != b"\0\0\0\1":
        raise InvalidFormat("This SSH signature is of another version than 1.")
    key, namespace, reserved, hash_name, signed = _strings(blob[10:], 5)
    if hash_name not in _HASHES or reserved:
        raise InvalidFormat("This SSH signature uses a hash that none should.")
    kind, signature = _strings(signed, 2)
    if kind != _TYPE:
        raise NotSupported(f"SSH signatures of {kind[:40]!r} are not read; use an Ed25519 key.")
    try:
        return SshSignature(_public(key), namespace.decode(), hash_name, signature)
    except UnicodeDecodeError:
        raise InvalidFormat("This SSH signature's namespace is no text.") from None


def public_key(line: str) -> bytes:
    """Read a line such as `ssh-ed25519 AAAA… comment`; return the 32 raw bytes.

    Raises:
        InvalidFormat: It is no public key.
        NotSupported: Of another kind than Ed25519.
    """
    words = line.split()
    if len(words) < 2 or not words[0].startswith(("ssh-", "ecdsa-", "sk-")):  # noqa: PLR2004
        raise InvalidFormat("A public key is a line such as: ssh-ed25519 AAAA… name")
    if words[0] != _TYPE.decode():
        raise NotSupported(f"Keys of {words[0][:40]} are not read; make one: ssh-keygen -t ed25519")
    return _public(_decoded(words[1]))


def public_line(public: bytes, comment: str = "") -> str:
    """Return a public key as a line of OpenSSH."""
    return f"{_TYPE.decode()} {base64.b64encode(key_blob(public)).decode()} {comment}".rstrip()


def key_blob(public: bytes) -> bytes:
    """Return a raw public key in OpenSSH's own encoding."""
    return _string(_TYPE) + _string(public)


def _public(blob: bytes) -> bytes:
    kind, key = _strings(blob, 2)
    if kind != _TYPE:
        raise NotSupported(f"Keys of {kind[:40]!r} are not read; use an Ed25519 key.")
    if len(key) != _KEY_SIZE:
        raise InvalidFormat("This public key has a wrong length.")
    return key


def _unarmored(data: bytes) -> bytes:
    try:
        text = data.decode("ascii").strip()
    except UnicodeDecodeError:
        raise InvalidFormat("This is no SSH signature.") from None
    if not text.endswith(_END) or len(text) > 2 * _MAX:
        raise InvalidFormat("This SSH signature does not end.")
    return _decoded("".join(text[len(_BEGIN) : -len(_END)].split()))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidFormat("This is no Base64.") from None


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes, count: int) -> list[bytes]:
    """Split into exactly so many strings, each after its length."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            raise InvalidFormat("This key or signature is cut off.")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    if data:
        raise InvalidFormat("This key or signature has bytes too many.")
    return found
