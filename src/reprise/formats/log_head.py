"""The signed head of a hub's log: how long it is, and one hash over all of it.

The head is a DSSE envelope by the hub's own key. What is signed names that key, so that a client
that sees a hub for the first time knows which one to remember:

    {"schema": 1, "key": "ssh-ed25519 AAAA… hub", "size": 12, "root": "9f3c…", "at": "2026-…Z"}
"""

from dataclasses import dataclass

from reprise.base.digests import canonical_json
from reprise.formats import dsse, self_signed, sshsig
from reprise.formats.dsse import Envelope
from reprise.formats.reading import Reader
from reprise.formats.self_signed import Kind

PAYLOAD_TYPE = "application/vnd.reprise.log-head+json"
MAX_SIZE = 16 << 10  # bytes of a sealed head
SCHEMA = 1
_KIND = Kind(PAYLOAD_TYPE, "This head of a log", MAX_SIZE)
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
    return self_signed.unseal(data, _KIND, _read)


def _read(reader: Reader) -> Head:
    if (schema := reader.whole("schema")) != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    key, size = sshsig.public_key(reader.text("key")), reader.whole("size")
    root, at = reader.sha256("root"), reader.text("at")
    reader.end()
    if size is None or root is None:
        raise reader.wrong("", "needs size and root")
    return Head(key, size, bytes.fromhex(root), at)
