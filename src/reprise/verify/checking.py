"""Check a signed verdict: who signed it, and that it is about the claim it is shown with."""

from collections.abc import Iterable
from dataclasses import dataclass

from reprise.base.errors import CorruptContent, InvalidFormat
from reprise.formats import dsse, verdict
from reprise.formats.claim import Claim
from reprise.formats.verdict import Verdict
from reprise.verify.evidence import statement


@dataclass(frozen=True)
class Checked:
    """A verdict and the ids of the accepted keys that signed it."""

    verdict: Verdict
    signers: tuple[str, ...]


def check(data: bytes, claimed: Claim, keys: Iterable[bytes]) -> Checked:
    """Read an envelope and hold it against a claim.

    Args:
        data: The envelope, JSON.
        claimed: The claim that it is shown with.
        keys: Public keys that are accepted, 32 raw bytes each.

    Raises:
        InvalidFormat: It is no envelope of a verdict.
        CorruptContent: Nobody accepted signed it, it was changed, or it is about another claim.
        MissingExtra: `cryptography` is not installed.
    """
    envelope = dsse.decode(data)
    signers = dsse.verify(envelope, keys)
    if envelope.payload_type != dsse.PAYLOAD_TYPE:
        raise InvalidFormat(f"The envelope holds {envelope.payload_type[:80]!r}, no statement.")
    said = dsse.decode_statement(envelope.payload)
    if said.predicate_type != dsse.PREDICATE:
        raise InvalidFormat(f"The statement is {said.predicate_type[:80]!r}, no verdict.")
    found = verdict.from_dict(said.predicate)
    if found.claim != claimed.digest:
        raise CorruptContent(
            "The verdict is about another claim.",
            hint=f"It is about {found.claim[:12]}…, and this is {claimed.digest[:12]}….",
        )
    if dict(said.subjects) != dict(statement(found).subjects):
        raise CorruptContent("The verdict and its statement name different content.")
    if found.claimed != claimed.result.value:
        raise CorruptContent("The verdict answers another value than the claimed one.")
    return Checked(found, signers)
