"""The signed head of a hub's log: how long it is, and one hash over all of it.

The head is a DSSE envelope by the hub's own key. What is signed names that key, so that a client
that sees a hub for the first time knows which one to remember:

    {"schema": 1, "key": "ssh-ed25519 AAAA… hub", "size": 12, "root": "9f3c…", "at": "2026-…Z"}
"""

import json
from dataclasses import dataclass
from typing import Any

from reprise.base.digests import canonical_json
from reprise.base.errors import CorruptContent, InvalidFormat
from reprise.formats import dsse, sshsig
from reprise.formats.dsse import Envelope
from reprise.formats.reading import Reader

PAYLOAD_TYPE = "application/vnd.reprise.log-head+json"
MAX_SIZE = 16 << 10  # bytes of a sealed head
SCHEMA = 1
_WHAT = "This head of a log"
_COMMENT = "hub"


@dataclass(frozen=True)
class Head:
    """A head.

    Attributes:
        key: Public key of the hub, 32 raw bytes.
        size: Entries of the log.
        root: RFC 6962 hash over all of them.
        at: When it was signed, ISO 8601, UTC.
    """

    key: bytes
    size: int
    root: bytes
    at: str

    @property
    def hub(self) -> str:
        """Fingerprint of the hub's key, as verdicts name the hub."""
        return dsse.key_id(self.key)


def seal(head: Head, private: bytes) -> Envelope:
    """Sign a head with the hub's private key.

    Raises:
        MissingExtra: `cryptography` is not installed.
    """
    payload = {
        "schema": SCHEMA, "key": sshsig.public_line(head.key, _COMMENT), "size": head.size,
        "root": head.root.hex(), "at": head.at,
    }  # fmt: skip
    return dsse.sign(canonical_json(payload), private, PAYLOAD_TYPE)


def unseal(data: bytes) -> Head:
    """Read a sealed head and check that the key it names signed it; trusting it is the caller's.

    Raises:
        InvalidFormat: It is none.
        CorruptContent: It was changed after it was signed.
        MissingExtra: `cryptography` is not installed.
    """
    if len(data) > MAX_SIZE:
        raise InvalidFormat(f"{_WHAT} is larger than {MAX_SIZE >> 10} KiB.")
    envelope = dsse.decode(data)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise InvalidFormat(f"{_WHAT} is of another type: {envelope.payload_type[:80]!r}.")
    found = _decode(envelope.payload)
    try:
        dsse.verify(envelope, [found.key])
    except CorruptContent:
        raise CorruptContent(
            f"{_WHAT} is not signed by the key it names.",
            hint="Ask again; if it stays so, tell the hub's operator.",
        ) from None
    return found


def _decode(payload: bytes) -> Head:
    reader = Reader(parsed(payload, _WHAT), what=_WHAT)
    if (schema := reader.whole("schema")) != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    key, size = sshsig.public_key(reader.text("key")), reader.whole("size")
    root, at = reader.sha256("root"), reader.text("at")
    reader.end()
    if size is None or root is None:
        raise reader.wrong("", "needs size and root")
    return Head(key, size, bytes.fromhex(root), at)


def parsed(payload: bytes, what: str) -> Any:
    """Read the JSON of something that was signed.

    Raises:
        InvalidFormat: It is none.
    """
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{what} is not JSON: {error}") from None
