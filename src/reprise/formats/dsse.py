"""DSSE envelopes around in-toto statements, signed with Ed25519 keys or SSH keys.

The envelope is the one of the DSSE specification 1.0; keys are named as OpenSSH names them:
`SHA256:…` of the public key. A signature by `ssh-keygen -Y sign` counts as one of the same key.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from reprise.base.digests import canonical_json
from reprise.base.errors import CorruptContent, InvalidFormat, RepriseError
from reprise.base.optional import require
from reprise.formats import sshsig
from reprise.formats.reading import Reader

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:reprise:verdict:1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_SIZE = 4 << 20  # bytes of an envelope
MAX_SIGNATURES = 16
_WHAT = "This envelope"
_RAW_KEY = 32  # bytes of an Ed25519 public key, and of a private one
_SIGNATURE = 64


@dataclass(frozen=True)
class Signature:
    """One signature: by which key, and its bytes (64, or a whole SSHSIG)."""

    keyid: str
    data: bytes


@dataclass(frozen=True)
class Envelope:
    """Bytes and who signed them."""

    payload: bytes
    payload_type: str = PAYLOAD_TYPE
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True)
class Statement:
    """An in-toto statement: `subjects` (name -> SHA-256) and what is said about them."""

    subjects: Mapping[str, str]
    predicate: Mapping[str, Any]
    predicate_type: str = PREDICATE


def key_id(public: bytes) -> str:
    """Return the name of a public key, 32 raw bytes, as `ssh-keygen -l` prints it."""
    digest = base64.b64encode(sha256(sshsig.key_blob(public)).digest())
    return f"SHA256:{digest.decode().rstrip('=')}"


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: the pre-authentication encoding of DSSE.

    Example:
        >>> pae("http://example.com/HelloWorld", b"hello world")
        b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode_statement(statement: Statement) -> bytes:
    """Return the JSON of a statement, canonical."""
    subjects = [
        {"name": name, "digest": {"sha256": digest}}
        for name, digest in sorted(statement.subjects.items())
    ]
    return canonical_json({
        "_type": STATEMENT, "subject": subjects, "predicateType": statement.predicate_type,
        "predicate": dict(statement.predicate),
    })  # fmt: skip


def decode_statement(payload: bytes) -> Statement:
    """Read a statement.

    Raises:
        InvalidFormat: It is none.
    """
    reader = Reader(_json(payload, "This statement"), what="This statement")
    if (kind := reader.text("_type")) != STATEMENT:
        raise reader.wrong("_type", f"is {kind[:80]!r}, not {STATEMENT}")
    subjects: dict[str, str] = {}
    for item in reader.tables("subject"):
        name, digest = item.text("name"), item.table("digest").sha256("sha256")
        if digest is None or name in subjects:
            raise item.wrong("digest", "has no sha256, or the name comes twice")
        subjects[name] = digest
        item.end()
    found = Statement(subjects, reader.plain("predicate"), reader.text("predicateType"))
    reader.end()
    return found


def public_key(private: bytes) -> bytes:
    """Return the public key, 32 raw bytes, of an Ed25519 private key of 32 raw bytes.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    keys = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="verify")
    public = keys.Ed25519PrivateKey.from_private_bytes(private).public_key()
    found: bytes = public.public_bytes_raw()
    return found


def sign(payload: bytes, private: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Sign with an Ed25519 private key of 32 raw bytes.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    keys = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="verify")
    key = keys.Ed25519PrivateKey.from_private_bytes(private)
    signature = Signature(key_id(public_key(private)), key.sign(pae(payload_type, payload)))
    return Envelope(payload, payload_type, (signature,))


def verify(envelope: Envelope, keys: Iterable[bytes]) -> tuple[str, ...]:
    """Return the ids of those keys that signed an envelope, in the order of the signatures.

    Args:
        envelope: What was signed.
        keys: Public keys that are accepted, 32 raw bytes each. Others do not count.

    Raises:
        CorruptContent: An accepted key's signature is false, or no accepted key signed.
        MissingExtra: `cryptography` is not installed.
    """
    known = {key_id(public): public for public in keys}
    signed = pae(envelope.payload_type, envelope.payload)
    found: list[str] = []
    for signature in envelope.signatures:
        public = known.get(signature.keyid)
        if public is None or signature.keyid in found:
            continue
        if not _holds(signature.data, signed, public):
            raise CorruptContent(
                f"The signature by {signature.keyid} is false: what it signs was changed.",
                hint="Get the envelope again from where it was published.",
            )
        found.append(signature.keyid)
    if not found:
        raise CorruptContent(
            "None of the accepted keys signed this.",
            hint=f"It names {', '.join(s.keyid for s in envelope.signatures) or 'no key'}.",
        )
    return tuple(found)


def encode(envelope: Envelope) -> bytes:
    """Return the JSON of an envelope, canonical."""
    return canonical_json({
        "payload": base64.b64encode(envelope.payload).decode(),
        "payloadType": envelope.payload_type,
        "signatures": [
            {"keyid": it.keyid, "sig": base64.b64encode(it.data).decode()}
            for it in envelope.signatures
        ],
    })  # fmt: skip


def decode(data: bytes) -> Envelope:
    """Read an envelope; its signatures are not checked yet.

    Raises:
        InvalidFormat: It is none.
    """
    reader = Reader(_json(data, _WHAT), what=_WHAT)
    payload = _base64(reader, "payload", reader.long_text("payload"))
    kind = reader.text("payloadType")
    signatures = []
    for item in reader.tables("signatures"):
        signature = _base64(item, "sig", item.long_text("sig"))
        signatures.append(Signature(item.text("keyid"), signature))
        item.end()
    reader.end()
    if not 0 < len(signatures) <= MAX_SIGNATURES:
        raise reader.wrong("signatures", f"must be 1 to {MAX_SIGNATURES}")
    return Envelope(payload, kind, tuple(signatures))


def _holds(signature: bytes, signed: bytes, public: bytes) -> bool:
    """Tell whether a signature is this key's over these bytes."""
    if sshsig.is_one(signature):
        try:
            found = sshsig.parse(signature)
        except RepriseError:
            return False
        if found.public != public or found.namespace != sshsig.NAMESPACE:
            return False
        return _ed25519_holds(found.signature, found.signed_bytes(signed), public)
    return _ed25519_holds(signature, signed, public)


def _ed25519_holds(signature: bytes, signed: bytes, public: bytes) -> bool:
    keys = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="verify")
    wrong = require("cryptography.exceptions", extra="verify").InvalidSignature
    if len(signature) != _SIGNATURE or len(public) != _RAW_KEY:
        return False
    try:
        keys.Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (wrong, ValueError):
        return False
    return True


def _json(data: bytes, what: str) -> Any:
    if len(data) > MAX_SIZE:
        raise InvalidFormat(f"{what} is larger than {MAX_SIZE >> 20} MiB.")
    try:
        return json.loads(data, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{what} is not JSON: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse keys that come twice: two readers could see two documents in one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _base64(reader: Reader, key: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise reader.wrong(key, "must be Base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise reader.wrong(key, "must be Base64") from None
