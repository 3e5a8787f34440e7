"""What a key says about itself: that it belongs to an account of a hub, or counts no longer.

Both are signed by the key, so that nobody registers somebody else's. They name hub and account,
so that what was said to one is no good for another.
"""

from dataclasses import dataclass, replace

from reprise.base.digests import canonical_json
from reprise.base.errors import CorruptContent
from reprise.formats import dsse, self_signed, sshsig
from reprise.formats.dsse import Envelope
from reprise.formats.self_signed import Kind

PAYLOAD_TYPE = "application/vnd.reprise.key+json"
ADD, REVOKE = "add", "revoke"
SCHEMA = 1
_KIND = Kind(PAYLOAD_TYPE, "This statement of a key")


@dataclass(frozen=True)
class KeyStatement:
    """One statement.

    Attributes:
        does: `add` or `revoke`.
        key: The public key, 32 raw bytes.
        account: Whose it is.
        hub: Fingerprint of the hub's key.
    """

    does: str
    key: bytes
    account: str
    hub: str


def payload(statement: KeyStatement) -> bytes:
    """Return the bytes that are signed."""
    return canonical_json({
        "schema": SCHEMA, "does": statement.does, "key": sshsig.public_line(statement.key),
        "account": statement.account.lower(), "hub": statement.hub,
    })  # fmt: skip


def check(envelope: Envelope, expected: KeyStatement) -> str:
    """Check that a key signed exactly this, and return the kind of the signature: ed25519 or ssh.

    Raises:
        InvalidFormat: The envelope holds something else.
        CorruptContent: It says something else, or the key did not sign it.
        MissingExtra: `cryptography` is not installed.
    """
    if read(envelope) != replace(expected, account=expected.account.lower()):
        raise CorruptContent(
            "What the key signed is about another account, another hub, or another key.",
            hint="Sign it anew with: reprise key add",
        )
    return kind_of(envelope)


def read(envelope: Envelope) -> KeyStatement:
    """Read what a key says about itself, and check that it signed that.

    Raises:
        InvalidFormat: The envelope holds something else.
        CorruptContent: Another key signed it.
        MissingExtra: `cryptography` is not installed.
    """
    found = _read(envelope)
    dsse.verify(envelope, [found.key])
    return found


def kind_of(envelope: Envelope) -> str:
    """Tell how an envelope is signed: `ssh` by `ssh-keygen -Y`, or `ed25519`."""
    return "ssh" if sshsig.is_one(envelope.signatures[0].data) else "ed25519"


def _read(envelope: Envelope) -> KeyStatement:
    reader = self_signed.contents(envelope, _KIND)
    if (schema := reader.whole("schema")) != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    does = reader.choice("does", (ADD, REVOKE)) or ""
    key = sshsig.public_key(reader.text("key"))
    found = KeyStatement(does, key, reader.text("account"), reader.text("hub"))
    reader.end()
    return found
