"""Post verdicts: for one hub, signed by a key that it knows, with the texts of their evidence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.base.errors import Forbidden
from reprise.base.files import write_bytes
from reprise.formats import dsse, key_statements, verdict
from reprise.formats.key_statements import KeyStatement
from reprise.formats.log_head import Head
from reprise.hub import verdicts
from reprise.verify import evidence
from reprise.verify.keys import Signer
from reprise.verify.running import Report

_MAX_TEXTS = 12 << 20  # bytes of evidence that are posted; what has no room is left out
_POSTED = (evidence.CLAIM, evidence.ENVIRONMENT, evidence.LOG, evidence.EXAMPLES)


@dataclass(frozen=True)
class Desk:
    """Where verdicts are posted: the hub, by the head of its log, and the key that signs."""

    head: Head
    signer: Signer
    endpoint: str | None = None


def open_desk(signer: Signer, endpoint: str | None = None) -> Desk:
    """Find out whether a hub will take what a key signs, before hours are spent on computing.

    Raises:
        NotSupported: The hub keeps no verdicts.
        Forbidden: The key is not registered there for the signed-in account, or was revoked.
        CorruptContent: The hub signs with another key than before.
    """
    head = verdicts.hub(endpoint=endpoint)
    known = {row.get("fingerprint"): row for row in verdicts.keys(endpoint=endpoint)}
    row = known.get(signer.fingerprint)
    if row is None:
        raise Forbidden(
            f"Your key {signer.fingerprint} is not registered on this hub.",
            hint="Register it: reprise key add",
        )
    if row.get("revokedAt"):
        raise Forbidden(
            f"Your key {signer.fingerprint} was revoked.",
            hint="Register another one: reprise key add --ssh-key FILE, or move the file that "
            "reprise key add names away.",
        )
    return Desk(head, signer, endpoint)


def post(desk: Desk, report: Report) -> dict[str, Any]:
    """Sign a verdict for a hub, keep it beside its evidence, and post it; return what it became."""
    made = replace(report.verdict, hub=desk.head.hub)
    payload = dsse.encode_statement(evidence.statement(made))
    envelope = desk.signer.sign(payload, dsse.PAYLOAD_TYPE)
    text = json.dumps(verdict.to_dict(made), indent=2, ensure_ascii=False) + "\n"
    write_bytes(report.folder / evidence.VERDICT, text.encode())
    write_bytes(report.folder / evidence.ENVELOPE, dsse.encode(envelope) + b"\n")
    texts = _texts(report.folder, made.evidence)
    return verdicts.post(made.claim, envelope, texts, endpoint=desk.endpoint)


def statement(signer: Signer, does: str, account: str, head: Head) -> dsse.Envelope:
    """Let a key say that it belongs to an account of a hub, or counts no longer."""
    said = KeyStatement(does, signer.public, account, head.hub)
    return signer.sign(key_statements.payload(said), key_statements.PAYLOAD_TYPE)


def _texts(folder: Path, digests: Mapping[str, str]) -> dict[str, str]:
    """Read what is posted, as long as there is room."""
    found: dict[str, str] = {}
    left = _MAX_TEXTS
    for name in _POSTED:
        path = folder / name
        if name not in digests or not path.is_file() or path.stat().st_size > left:
            continue
        data = path.read_bytes()
        left -= len(data)
        found[name] = data.decode("utf-8", "replace")
    return found
