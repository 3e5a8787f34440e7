"""What a verification leaves behind: files that let others check the verdict without a model."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reprise.base.digests import sha256_hex
from reprise.base.files import write_bytes
from reprise.formats import claim, dsse, verdict
from reprise.formats.claim import Claim
from reprise.formats.dsse import Envelope, Statement
from reprise.formats.verdict import Verdict
from reprise.verify.scoring import Scored

CLAIM, VERDICT, ENVELOPE = "claim.toml", "verdict.json", "verdict.dsse.json"
PREDICTIONS, EXAMPLES, LOG = "predictions.jsonl", "examples.jsonl", "log.txt"
ENVIRONMENT = "environment.json"


def keep(
    folder: Path,
    claimed: Claim,
    *,
    predictions: bytes | Mapping[str, bytes] | None = None,
    scored: Scored | None = None,
    environment: Mapping[str, Any] | None = None,
    log: str = "",
) -> dict[str, str]:
    """Write the evidence of one run; return the digest of each file by name.

    Predictions of several trainings are a file each.
    """
    files = {CLAIM: claim.write(claimed).encode()}
    if isinstance(predictions, bytes):
        files[PREDICTIONS] = predictions
    elif predictions is not None:
        files |= predictions
    if environment:
        files[ENVIRONMENT] = (json.dumps(environment, indent=2, sort_keys=True) + "\n").encode()
    if log:
        files[LOG] = log.encode("utf-8", "replace")
    for name, data in files.items():
        write_bytes(folder / name, data)
    if scored is not None:
        scored.result.examples.to_jsonl(folder / EXAMPLES)
        files[EXAMPLES] = (folder / EXAMPLES).read_bytes()
    return {name: sha256_hex(data) for name, data in sorted(files.items())}


def keep_verdict(folder: Path, made: Verdict, private: bytes | None = None) -> Envelope | None:
    """Write a verdict, and signed where there is a key."""
    text = json.dumps(verdict.to_dict(made), indent=2, ensure_ascii=False) + "\n"
    write_bytes(folder / VERDICT, text.encode())
    if private is None:
        return None
    envelope = dsse.sign(dsse.encode_statement(statement(made)), private)
    write_bytes(folder / ENVELOPE, dsse.encode(envelope) + b"\n")
    return envelope


def statement(made: Verdict) -> Statement:
    """Return a verdict as an in-toto statement about the claim and all content it rests on."""
    return Statement({"claim": made.claim, **made.subjects}, verdict.to_dict(made))


def hardware() -> dict[str, Any]:
    """Describe this machine, for the record."""
    return {"machine": platform.machine(), "system": platform.system(), "cpu": _cpu()}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "unknown")
