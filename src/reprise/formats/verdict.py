"""Verdicts: what came out when somebody computed a claim again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reprise.base.digests import canonical_json, is_sha256, sha256_hex
from reprise.formats.claim import table_of
from reprise.formats.reading import Reader, is_number

SCHEMA = 1
_WHAT = "This verdict"
MAX_DIFFERING = 1_000  # ids of examples that are listed


class Outcome(StrEnum):
    """What a verdict says."""

    EXACT = "exact"  # the predictions are the same, byte for byte
    REPRODUCED = "reproduced"  # the value agrees to its last digit, up to numeric noise
    CONSISTENT = "consistent"  # training only: inside what repeated training gives
    CLOSE = "close"  # outside of noise, inside the sampling interval: not a pass
    CONTRADICTED = "contradicted"  # another value
    NOT_COMPARABLE = "not-comparable"  # a value of another metric, or of other examples
    NOT_RUNNABLE = "not-runnable"  # code, environment or data failed
    UNVERIFIABLE = "unverifiable"  # hidden labels, gated files, pins that nobody can guess

    @property
    def passes(self) -> bool:
        """Whether the claim stands."""
        return self in _PASSING

    @property
    def is_answer(self) -> bool:
        """Whether there is a value at all that was held against the claimed one."""
        return self not in {Outcome.NOT_RUNNABLE, Outcome.UNVERIFIABLE}


_PASSING = frozenset({Outcome.EXACT, Outcome.REPRODUCED, Outcome.CONSISTENT})
_WITH_VALUE = _PASSING | {Outcome.CLOSE, Outcome.CONTRADICTED}


class Level(StrEnum):
    """How much was done again; a later one includes the earlier ones' doubts."""

    CLAIMED = "claimed"
    RECOMPUTED = "recomputed"  # the metric, from stored predictions
    RERUN = "rerun"  # the model, from pinned weights
    RETRAINED = "retrained"  # the training, several times


@dataclass(frozen=True)
class Flips:
    """Examples that came out otherwise than in the claimed predictions.

    Attributes:
        count: How many.
        better: On how many the new prediction scores above the claimed one.
        worse: On how many below.
        p_value: McNemar's exact test of these, as decimal text.
        examples: Their ids, the first `MAX_DIFFERING`.
    """

    count: int
    better: int
    worse: int
    p_value: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """One verdict. Numbers are decimal texts, in the claim's unit.

    Attributes:
        claim: Digest of the claim.
        level: How much was done again.
        outcome: What came out.
        claimed: The claimed value.
        value: The new value; None when there is none.
        tolerance: How far apart both may be: half a unit of the last digit, and noise.
        reason: In a sentence.
        signature: Of the new value.
        unit: Of all values here.
        n: Examples.
        ci: 95 % sampling interval of the new value. Never the tolerance.
        stderr: Of the new value.
        flips: Against the claimed predictions, where these are there.
        subjects: Content that the verdict is about: name -> SHA-256.
        environment: What it ran in: level of isolation, packages, threads.
        hardware: What it ran on.
        evidence: Files kept: name -> SHA-256.
        pins: Pins that the claim lacks and that this rerun found.
        made_at: When, ISO 8601, UTC.
        hub: For which hub it was made: the fingerprint of the key that signs the hub's log. No
            other hub takes it.
    """

    claim: str
    level: Level
    outcome: Outcome
    claimed: str
    value: str | None = None
    tolerance: str | None = None
    reason: str = ""
    signature: str | None = None
    unit: str | None = None
    n: int | None = None
    ci: tuple[str, ...] = ()
    stderr: str | None = None
    flips: Flips | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    pins: Mapping[str, Any] = field(default_factory=dict)
    made_at: str | None = None
    hub: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON."""
        return sha256_hex(canonical_json(to_dict(self)))


def to_dict(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data; what is not said is left out."""
    found = {"schema": SCHEMA, **table_of(verdict)}
    return {key: value for key, value in found.items() if value != ""}


def from_dict(value: object) -> Verdict:
    """Read a verdict from plain data.

    Raises:
        InvalidFormat: It is none; the message names the key.
    """
    reader = Reader(value, what=_WHAT)
    if (schema := reader.whole("schema")) != SCHEMA:
        raise reader.wrong("schema", f"is {schema}; this reads schema {SCHEMA}")
    claim, level = reader.sha256("claim"), reader.choice("level", tuple(Level))
    outcome, claimed = reader.choice("outcome", tuple(Outcome)), reader.number("claimed")
    if not (claim and level and outcome and claimed):
        raise reader.wrong("", "needs claim, level, outcome and claimed")
    found = Verdict(
        claim, Level(level), Outcome(outcome), claimed,
        value=reader.number("value"),
        tolerance=reader.number("tolerance"),
        reason=reader.maybe_text("reason") or "",
        signature=reader.maybe_text("signature"),
        unit=reader.maybe_text("unit"),
        n=reader.whole("n"),
        ci=_numbers(reader, "ci"),
        stderr=reader.number("stderr"),
        flips=_flips(reader.table("flips")) if reader.has("flips") else None,
        subjects=_digests(reader, "subjects"),
        environment=reader.plain("environment"),
        hardware=reader.plain("hardware"),
        evidence=_digests(reader, "evidence"),
        pins=reader.plain("pins"),
        made_at=reader.maybe_text("made-at"),
        hub=reader.maybe_text("hub"),
    )  # fmt: skip
    _check(found, reader)
    reader.end()
    return found


def _check(found: Verdict, reader: Reader) -> None:
    """Refuse verdicts that contradict themselves."""
    if found.outcome in _WITH_VALUE and found.value is None:
        raise reader.wrong("value", f"is missing: the outcome is {found.outcome}")
    if found.outcome is Outcome.CONSISTENT and found.level is not Level.RETRAINED:
        raise reader.wrong("outcome", "consistent is about training that was repeated")
    if found.level is Level.CLAIMED:
        raise reader.wrong("level", "claimed means that nothing was done again")


def _flips(reader: Reader) -> Flips:
    found = Flips(
        reader.whole("count") or 0, reader.whole("better") or 0, reader.whole("worse") or 0,
        reader.number("p-value") or "1", reader.texts("examples"),
    )  # fmt: skip
    if len(found.examples) > min(found.count, MAX_DIFFERING):
        raise reader.wrong("examples", "are more than there can be")
    reader.end()
    return found


def _numbers(reader: Reader, key: str) -> tuple[str, ...]:
    found = reader.texts(key)
    if found and (len(found) != 2 or not all(map(is_number, found))):  # noqa: PLR2004
        raise reader.wrong(key, "must be two decimal numbers")
    return found


def _digests(reader: Reader, key: str) -> dict[str, str]:
    found = reader.plain(key)
    if not all(isinstance(it, str) and is_sha256(it) for it in found.values()):
        raise reader.wrong(key, "must give a SHA-256 for every name")
    return found
