"""Verdicts as the hub keeps them, and what they say together. `verdict_posting` takes them in."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from reprise.base.clock import iso
from reprise.formats import dsse
from reprise.formats import verdict as verdicts_format
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.registry.db.claim_tables import run, verdict, verdict_answer, verifier_key
from reprise.registry.db.schema import account
from reprise.registry.registry import Registry
from reprise.registry.storage.store import evidence_key

_STRENGTH = {Level.CLAIMED: 0, Level.RECOMPUTED: 1, Level.RERUN: 2, Level.RETRAINED: 3}
_QUOTING = frozenset({"examples.jsonl", "predictions.jsonl", "log.txt"})
_BEST = (Outcome.EXACT, Outcome.REPRODUCED, Outcome.CONSISTENT)


@dataclass(frozen=True)
class Answer:
    """What an author of a claim said to a verdict; `author` is None when the account is gone."""

    id: int
    author: str | None
    text: str
    at: int


@dataclass(frozen=True)
class PostedVerdict:
    """A verdict that the hub took in. Times are microseconds since 1970, UTC.

    Attributes:
        id: Number of the row.
        claim_id: Number of the claim's row.
        account: Who posted it; None when the account is gone.
        key: Fingerprint of the key that signed it, `SHA256:…`.
        key_kind: `ed25519` or `ssh`.
        value: The new value; None when there is none. Numbers are decimal texts.
        ci: Ends of the 95 % sampling interval; empty when there is none.
        independent: The verifier could not write to the claim's repo.
        hardware_class: `x86_64-linux`, with the accelerator where there was one.
        envelope: DSSE, canonical JSON.
        envelope_digest: Its SHA-256, hex.
        log_index: Its place in the log.
        revoked_at: When the key was revoked; the verdict does not count any more.
        log_digest: SHA-256 of the run's log in the store, see `evidence_of`.
        evidence_digest: SHA-256 of the run's files in the store.
        answers: Of the claim's authors, oldest first.
    """

    id: int
    claim_id: int
    account: str | None
    key: str
    key_kind: str
    level: Level
    outcome: Outcome
    value: str | None
    n: int | None
    ci: tuple[str, ...]
    signature: str | None
    unit: str | None
    independent: bool
    hardware_class: str
    envelope: str
    envelope_digest: str
    made_at: int
    posted_at: int
    log_index: int
    revoked_at: int | None = None
    log_digest: str | None = None
    evidence_digest: str | None = None
    answers: tuple[Answer, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it is any evidence: its key was not revoked."""
        return self.revoked_at is None

    @property
    def verdict(self) -> Verdict:
        """All that was signed."""
        payload = dsse.decode(self.envelope.encode()).payload
        return verdicts_format.from_dict(dict(dsse.decode_statement(payload).predicate))


@dataclass(frozen=True)
class Standing:
    """What the verdicts on a claim say together.

    Attributes:
        level: The strongest level of an independent verdict that passes; `claimed` without one.
        outcome: The best outcome at that level; without a pass, what spoke last; None for nothing.
        verifiers: Names of the accounts whose independent verdicts pass, sorted.
        at: When the newest of these was made; without a pass, when the last verdict was.
        contradicted: Somebody's newest verdict contradicts the claim.
        verified: At least one independent pass, and none contradicts it on the same hardware.
        value: The new value of the newest verdict that counts towards `outcome`.
        ci: Its interval.
        was_run: As `verified`, by somebody who ran the model: whoever only recomputes the metric
            believes the author's predictions.
    """

    level: Level = Level.CLAIMED
    outcome: Outcome | None = None
    verifiers: tuple[str, ...] = ()
    at: int | None = None
    contradicted: bool = False
    verified: bool = False
    value: str | None = None
    ci: tuple[str, ...] = ()
    was_run: bool = False


def of_claim(conn: Connection, claim_id: int) -> list[PostedVerdict]:
    """List the verdicts on a claim, newest first, with the answers to each."""
    return of_claims(conn, [claim_id]).get(claim_id, [])


def of_claims(conn: Connection, claim_ids: Iterable[int]) -> dict[int, list[PostedVerdict]]:
    """List the verdicts on each of many claims, newest first; claims without any are left out."""
    wanted = sorted(set(claim_ids))
    rows = conn.execute(_ALL.where(verdict.c.claim_id.in_(wanted)).order_by(verdict.c.id.desc()))
    posted = [_posted(row) for row in rows]
    answers = _answers(conn, [it.id for it in posted])
    found: dict[int, list[PostedVerdict]] = {}
    for it in posted:
        said = replace(it, answers=tuple(answers.get(it.id, ())))
        found.setdefault(it.claim_id, []).append(said)
    return found


def by_id(conn: Connection, number: int) -> PostedVerdict | None:
    """Find a verdict by its number."""
    row = conn.execute(_ALL.where(verdict.c.id == number)).one_or_none()
    if row is None:
        return None
    return replace(_posted(row), answers=tuple(_answers(conn, [number]).get(number, ())))


def standing(verdicts: Sequence[PostedVerdict]) -> Standing:
    """Say what the verdicts on one claim come to.

    Only each verifier's newest word on a level and a class of hardware counts, never one whose key
    was revoked. A claim is verified by one independent pass that nobody contradicts on the same
    class of hardware; an author's own verdict never verifies, but may contradict.
    """
    counted = _newest([it for it in verdicts if it.counts])
    contradicting = [it for it in counted if it.outcome is Outcome.CONTRADICTED]
    passing = [it for it in counted if it.outcome.passes and it.independent]
    if not passing:
        last = max(counted, key=lambda it: it.id, default=None)
        if last is None:
            return Standing()
        return Standing(
            outcome=last.outcome, at=last.made_at, contradicted=bool(contradicting),
            value=last.value, ci=last.ci,
        )  # fmt: skip
    level = max((it.level for it in passing), key=_STRENGTH.__getitem__)
    strongest = [it for it in passing if it.level is level]
    best = min((it.outcome for it in strongest), key=_BEST.index)
    newest = max((it for it in strongest if it.outcome is best), key=lambda it: it.id)
    against = {it.hardware_class for it in contradicting}
    standing_ones = [it for it in passing if it.hardware_class not in against]
    return Standing(
        level, best, tuple(sorted({it.account or "somebody" for it in passing})),
        max(it.made_at for it in passing), bool(contradicting),
        bool(standing_ones), newest.value, newest.ci,
        any(it.level is not Level.RECOMPUTED for it in standing_ones),
    )  # fmt: skip


def evidence_of(registry: Registry, posted: PostedVerdict, *, rows: bool = True) -> dict[str, str]:
    """Return the texts that a verification left, by file name; nothing where none were posted.

    Args:
        registry: The hub.
        posted: The verdict.
        rows: With what quotes the data: only for who may read that, see `claims.sees_data`.
    """
    if posted.evidence_digest is None:
        return {}
    found: dict[str, str] = json.loads(registry.store.read(evidence_key(posted.evidence_digest)))
    return {name: text for name, text in found.items() if rows or name not in _QUOTING}


def as_json(posted: PostedVerdict) -> dict[str, Any]:
    """Return a verdict as the API shows it."""
    return {
        "id": posted.id, "account": posted.account, "key": posted.key, "keyKind": posted.key_kind,
        "level": posted.level.value, "outcome": posted.outcome.value, "value": posted.value,
        "n": posted.n, "ci": list(posted.ci), "signature": posted.signature, "unit": posted.unit,
        "independent": posted.independent, "hardwareClass": posted.hardware_class,
        "counts": posted.counts, "logIndex": posted.log_index,
        "madeAt": iso(posted.made_at), "postedAt": iso(posted.posted_at),
        "envelopeSha256": posted.envelope_digest, "envelope": json.loads(posted.envelope),
        "verdict": verdicts_format.to_dict(posted.verdict),
        "answers": [
            {"id": it.id, "author": it.author, "text": it.text, "at": iso(it.at)}
            for it in posted.answers
        ],
    }  # fmt: skip


def _newest(verdicts: Sequence[PostedVerdict]) -> list[PostedVerdict]:
    """Keep each verifier's last word on each level and class of hardware."""
    found: dict[tuple[object, ...], PostedVerdict] = {}
    for it in sorted(verdicts, key=lambda it: it.id):
        found[it.account or it.key, it.level, it.hardware_class] = it
    return list(found.values())


def _answers(conn: Connection, verdict_ids: Sequence[int]) -> dict[int, list[Answer]]:
    rows = conn.execute(
        select(verdict_answer, account.c.name.label("author"))
        .outerjoin(account, account.c.id == verdict_answer.c.account_id)
        .where(verdict_answer.c.verdict_id.in_(verdict_ids))
        .order_by(verdict_answer.c.id)
    )
    found: dict[int, list[Answer]] = {}
    for row in rows:
        answer = Answer(row.id, row.author, row.text, row.at)
        found.setdefault(row.verdict_id, []).append(answer)
    return found


_ALL: Select[Any] = (
    select(
        verdict,
        account.c.name.label("account"),
        verifier_key.c.fingerprint,
        verifier_key.c.kind,
        verifier_key.c.revoked_at,
        run.c.log_digest,
        run.c.evidence_digest,
    )
    .join(verifier_key, verifier_key.c.id == verdict.c.key_id)
    .join(run, run.c.id == verdict.c.run_id)
    .outerjoin(account, account.c.id == verdict.c.account_id)
)


def _posted(row: Row[Any]) -> PostedVerdict:
    ends = (row.ci_low, row.ci_high)
    return PostedVerdict(
        row.id, row.claim_id, row.account, row.fingerprint, row.kind, Level(row.level),
        Outcome(row.outcome), row.value, row.n,
        tuple(it for it in ends if it is not None),
        row.signature, row.unit, row.independent, row.hardware_class, row.envelope,
        row.envelope_digest, row.made_at, row.posted_at, row.log_index, row.revoked_at,
        row.log_digest, row.evidence_digest,
    )  # fmt: skip
