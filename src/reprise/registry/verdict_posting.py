"""Taking in verdicts: nothing in one is believed before it is checked.

Who posts must own the key that signed; what is signed must be about this claim, for this hub, once;
its numbers must be what an honest rerun can say. Whether the verifier is independent of the claim's
authors is for the hub to find out, from who may write to the repo.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, case, func, insert, select

from reprise.base.clock import iso
from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import (
    AlreadyExists,
    InvalidFormat,
    InvalidInput,
    NotFound,
    TooLarge,
    TooManyRequests,
)
from reprise.formats import dsse, verdict_checks
from reprise.formats import verdict as verdicts_format
from reprise.formats.dsse import Envelope, Statement
from reprise.formats.verdict import Verdict
from reprise.registry import claims, repos, verdict_log, verdicts, verifier_keys
from reprise.registry.access import Caller, check_speaks
from reprise.registry.claims import StatedClaim
from reprise.registry.db.claim_tables import run, verdict
from reprise.registry.operator_key import hub_id
from reprise.registry.registry import Registry
from reprise.registry.storage.store import evidence_key
from reprise.registry.verdicts import PostedVerdict
from reprise.registry.verifier_keys import VerifierKey

MAX_ENVELOPE = 256 << 10  # bytes
MAX_EVIDENCE = 16 << 20  # bytes of all files of one verdict
MAX_FILES = 16
LOG = "log.txt"
_FILE = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_MAX_TEXT = 300  # characters of what columns and listings show
_PER_DAY = 200  # verdicts of one account
_PER_CLAIM = 20  # of these on one claim
_DAY = 86_400_000_000  # microseconds
_WORD = re.compile(r"[^a-z0-9_.]+")


@dataclass(frozen=True)
class Posted:
    """What somebody sends: a signed verdict, and the texts of its evidence by name."""

    envelope: Envelope
    evidence: Mapping[str, str]


@dataclass(frozen=True)
class _Read:
    """A verdict whose form is sound: what is signed, and by which key."""

    envelope: Envelope
    statement: Statement
    verdict: Verdict
    key: str
    made_at: int


def read(body: Mapping[str, Any]) -> Posted:
    """Read what was posted from the JSON of a request: `{"envelope": {…}, "evidence": {…}}`.

    Raises:
        InvalidInput: A part is missing or something else.
        TooLarge: It is over `MAX_ENVELOPE` or `MAX_EVIDENCE`.
    """
    said, evidence = body.get("envelope"), body.get("evidence", {})
    if not isinstance(said, dict):
        raise InvalidInput("'envelope' must be a DSSE envelope: reprise verify --post sends one.")
    text = json.dumps(said).encode()
    if len(text) > MAX_ENVELOPE:
        raise TooLarge(f"A verdict has at most {MAX_ENVELOPE >> 10} KiB.")
    if not isinstance(evidence, dict) or not all(isinstance(it, str) for it in evidence.values()):
        raise InvalidInput("'evidence' must give the text of each file by its name.")
    if len(evidence) > MAX_FILES or not all(map(_FILE.fullmatch, evidence)):
        raise InvalidInput(f"'evidence' has at most {MAX_FILES} files with names like log.txt.")
    if sum(len(it.encode()) for it in evidence.values()) > MAX_EVIDENCE:
        raise TooLarge(f"The evidence of a verdict has at most {MAX_EVIDENCE >> 20} MiB.")
    return Posted(dsse.decode(text), evidence)


def post(
    registry: Registry, caller_of: Callable[[Connection], Caller], digest: str, posted: Posted
) -> PostedVerdict:
    """Check a verdict and keep it; opens transactions of its own.

    Args:
        registry: The hub.
        caller_of: Says who is calling, given a connection: rights are looked at twice.
        digest: Of the claim, or the beginning of it.
        posted: What was sent.

    Raises:
        NotFound: No such claim for the caller.
        InvalidInput: The verdict is no sound one on this claim, or it was made for another hub.
        CorruptContent: Its signature is false, or evidence has another digest.
        Forbidden: The key or the access token may not speak here.
        AlreadyExists: It was posted before.
        TooManyRequests: The account posted its share for today.
    """
    with registry.db.read() as conn:
        now, caller = registry.clock(), caller_of(conn)
        found = _check(conn, caller, digest, posted, registry)
    kept = _store(registry, found.verdict, posted.evidence)
    with registry.db.write() as conn:
        verdict_log.lock(conn)
        caller = caller_of(conn)
        stated, key = _check_again(conn, caller, digest, found, now=now)
        _check_rate(conn, caller, stated, now)
        number = _keep(conn, caller, _Row(stated, key, found, kept), now=now)
        made = verdicts.by_id(conn, number)
    assert made is not None
    return made


@dataclass(frozen=True)
class _Row:
    claim: StatedClaim
    key: VerifierKey
    found: _Read
    kept: Mapping[str, str | None]


def hardware_class(hardware: Mapping[str, Any]) -> str:
    """Return the class of a machine, in which numbers are expected to agree: `x86_64-linux`.

    Example:
        >>> hardware_class({"machine": "x86_64", "system": "Linux", "accelerator": "NVIDIA H100"})
        'x86_64-linux-nvidia-h100'
    """
    parts = (hardware.get(name) for name in ("machine", "system", "accelerator"))
    words = (_WORD.sub("-", str(part).lower()).strip("-") for part in parts if part)
    return "-".join(word for word in words if word)[:_MAX_TEXT] or "unknown"


# -- checks -----------------------------------------------------------------------------------


def _check(
    conn: Connection, caller: Caller, digest: str, posted: Posted, registry: Registry
) -> _Read:
    """Check all of a verdict, the cheap things first."""
    stated = _claim(conn, caller, digest)
    found = _read(posted.envelope)
    if found.verdict.hub != (here := hub_id(registry.secret)):
        raise InvalidInput(
            f"This verdict was made for {found.verdict.hub or 'no hub in particular'}, and this "
            f"hub is {here}.",
            hint="Verify on this hub: reprise verify --post",
        )
    key = verifier_keys.by_fingerprint(conn, found.key)
    now = registry.clock()
    if found.made_at > now + verifier_keys.SKEW:
        raise InvalidInput(f"This verdict says that it was made at {iso(found.made_at)}: not yet.")
    signer = verifier_keys.check_signs(key, caller, made_at=found.made_at, now=now)
    dsse.verify(found.envelope, [signer.public_key])
    wrong = verdict_checks.problems(stated.claim, found.verdict, found.statement.subjects)
    if wrong:
        raise InvalidInput(f"This is no verdict on the claim {stated.digest}: {'; '.join(wrong)}.")
    _check_new(conn, found)
    return found


def _check_again(
    conn: Connection, caller: Caller, digest: str, found: _Read, *, now: int
) -> tuple[StatedClaim, VerifierKey]:
    """Check once more what may have changed since: rights, keys, and whether it was posted."""
    stated = _claim(conn, caller, digest)
    key = verifier_keys.by_fingerprint(conn, found.key)
    signer = verifier_keys.check_signs(key, caller, made_at=found.made_at, now=now)
    _check_new(conn, found)
    return stated, signer


def _claim(conn: Connection, caller: Caller, digest: str) -> StatedClaim:
    stated = claims.find(conn, caller, digest)
    repo = repos.by_number(conn, stated.repo_id) if stated.repo_id is not None else None
    if repo is None:
        raise NotFound(f"The repo {stated.repo_name} was deleted: there is nothing to verify.")
    check_speaks(caller, repo)
    return stated


def _read(envelope: Envelope) -> _Read:
    if envelope.payload_type != dsse.PAYLOAD_TYPE:
        raise InvalidFormat(f"An envelope of {envelope.payload_type[:80]!r} holds no verdict.")
    if len(envelope.signatures) != 1:
        raise InvalidFormat("A verdict has one signature, by the key of who posts it.")
    statement = dsse.decode_statement(envelope.payload)
    if statement.predicate_type != dsse.PREDICATE:
        raise InvalidFormat(f"A statement of {statement.predicate_type[:80]!r} is no verdict.")
    found = verdicts_format.from_dict(dict(statement.predicate))
    _check_texts(found)
    return _Read(envelope, statement, found, envelope.signatures[0].keyid, _made_at(found))


def _check_texts(found: Verdict) -> None:
    texts = (found.value, found.signature, found.unit, *found.ci)
    if any("\0" in (it or "") for it in texts):
        raise InvalidFormat("This verdict holds a NUL character.")
    if max(map(len, (found.value or "", found.unit or "", *found.ci))) > _MAX_TEXT:
        raise InvalidFormat(f"This verdict has a number of more than {_MAX_TEXT} characters.")


def _made_at(found: Verdict) -> int:
    """Read when a verdict was made, in microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(found.made_at or "")
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise InvalidFormat(
            "made-at of a verdict must be a time such as 2026-11-21T07:46:00.000Z, "
            f"not {str(found.made_at)[:40]!r}."
        ) from None


def _check_new(conn: Connection, found: _Read) -> None:
    same = (verdict.c.envelope_digest == _digest(found.envelope)) | (
        verdict.c.statement_digest == sha256_hex(found.envelope.payload)
    )
    old = conn.execute(select(verdict.c.log_index).where(same)).scalar()
    if old is not None:
        raise AlreadyExists(f"This verdict was posted before: it is entry {old} of the log.")


def _check_rate(conn: Connection, caller: Caller, stated: StatedClaim, now: int) -> None:
    mine = (verdict.c.account_id == caller.user.id) & (verdict.c.posted_at > now - _DAY)
    here = func.sum(case((verdict.c.claim_id == stated.id, 1), else_=0))
    row = conn.execute(select(func.count(), here).select_from(verdict).where(mine)).one()
    if row[0] >= _PER_DAY or (row[1] or 0) >= _PER_CLAIM:
        raise TooManyRequests(
            f"An account posts at most {_PER_DAY} verdicts a day, {_PER_CLAIM} on one claim."
        )


# -- keeping ----------------------------------------------------------------------------------


def _store(
    registry: Registry, found: Verdict, evidence: Mapping[str, str]
) -> dict[str, str | None]:
    """Put evidence into the store after holding each file against its digest."""
    for name, text in evidence.items():
        if found.evidence.get(name) != sha256_hex(text.encode()):
            raise InvalidInput(f"The file {name!r} is not the one that the verdict names.")
    if not evidence:
        return {"log_digest": None, "evidence_digest": None}
    log = evidence.get(LOG)
    return {
        "log_digest": _put(registry, log.encode()) if log is not None else None,
        "evidence_digest": _put(registry, canonical_json(dict(evidence))),
    }


def _put(registry: Registry, data: bytes) -> str:
    digest = sha256_hex(data)
    registry.store.put(evidence_key(digest), data)
    return digest


def _keep(conn: Connection, caller: Caller, row: _Row, *, now: int) -> int:
    found, digest = row.found.verdict, _digest(row.found.envelope)
    said = {"envelope-sha256": digest}
    log_index = verdict_log.append(conn, verdict_log.VERDICT, said, now=now)
    done = {
        "claim_id": row.claim.id, "account_id": caller.user.id, "level": found.level.value,
        "state": "finished", "environment": json.dumps(dict(found.environment)),
        "finished_at": row.found.made_at, **row.kept,
    }  # fmt: skip
    run_id = conn.execute(insert(run).values(done).returning(run.c.id)).scalar_one()
    values = {
        "claim_id": row.claim.id,
        "run_id": run_id,
        "account_id": caller.user.id,
        "key_id": row.key.id,
        "level": found.level.value,
        "outcome": found.outcome.value,
        "value": found.value,
        "n": found.n,
        "ci_low": found.ci[0] if found.ci else None,
        "ci_high": found.ci[1] if found.ci else None,
        "signature": found.signature,
        "unit": found.unit,
        "independent": not claims.is_own(conn, caller, row.claim),
        "hardware_class": hardware_class(found.hardware),
        "envelope": dsse.encode(row.found.envelope).decode(),
        "envelope_digest": digest,
        "statement_digest": sha256_hex(row.found.envelope.payload),
        "made_at": row.found.made_at,
        "posted_at": now,
        "log_index": log_index,
    }
    number: int = conn.execute(insert(verdict).values(values).returning(verdict.c.id)).scalar_one()
    return number


def _digest(envelope: Envelope) -> str:
    return sha256_hex(dsse.encode(envelope))
