"""Verify a claim from its pins to its verdict: fetch, run, score, judge, keep the evidence."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

from reprise.base.clock import Clock, iso, system_clock
from reprise.formats.card_claims import Found
from reprise.formats.claim import Claim
from reprise.formats.claimed_values import unit_of
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.hub import settings
from reprise.hub.address import LocalFolder
from reprise.hub.isolated import Isolation
from reprise.hub.locked import packages_path
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.metrics.paired import Difference
from reprise.verify import (
    compare,
    evidence,
    gathering,
    locked,
    predictions,
    rerun,
    retraining,
    scoring,
)
from reprise.verify.compare import Judged, Noise, Observed
from reprise.verify.gathering import Data, Model
from reprise.verify.plan import NoAnswer
from reprise.verify.rerun import Advance
from reprise.verify.retraining import Plan
from reprise.verify.scoring import Scored
from reprise.verify.work import work_of

_MAX_LOG = 100_000  # characters


@dataclass(frozen=True)
class How:
    """How to verify.

    Attributes:
        level: `recomputed` from stored predictions, `rerun`, or `retrained`.
        isolation: What the worker is like.
        options: How to fetch.
        folder: Where evidence goes; by default below the cache of snapshots.
        key: Private key that signs; None for no signature.
        clock: Tells the time.
        lock: A `reprise.lock` that decides commits, rows and packages.
        training: How often to train, at level `retrained`.
        advance: Told how many examples have been answered since it was last told.
    """

    level: Level = Level.RERUN
    isolation: Isolation = field(default_factory=Isolation)
    options: Options = field(default_factory=Options)
    folder: Path | None = None
    key: bytes | None = None
    clock: Clock = system_clock
    lock: Path | None = None
    training: Plan = field(default_factory=Plan)
    advance: Advance | None = None


@dataclass(frozen=True)
class Report:
    """A verdict, the claim it is about, and where its evidence lies."""

    found: Found
    verdict: Verdict
    folder: Path


@dataclass(frozen=True)
class Computed:
    """Everything that a computation found, before it is judged."""

    model: Model
    data: Data
    scored: Scored
    values: tuple[Any, ...]
    noise: Noise = field(default_factory=Noise)
    difference: Difference | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    pins: dict[str, Any] = field(default_factory=dict)
    is_guess: bool = False

    @property
    def ids(self) -> range:
        """What the examples are called: their rows."""
        return range(len(self.values))


def verify(repo: str, claim_id: str | None = None, how: How | None = None) -> list[Report]:
    """Verify the claims of a repo, or one of them.

    Args:
        repo: As for `reprise.load`.
        claim_id: Its id, or the beginning of its digest.
        how: How to verify.

    Raises:
        NotFound: The repo claims nothing, or not that.
        NotSupported: This machine cannot confine untrusted code.
        HubUnreachable: The hub did not answer: no verdict on anybody's claim.
    """
    chosen = how or How()
    snapshot = open_snapshot(repo, chosen.options)
    claims = gathering.choose(gathering.claims_of(snapshot), claim_id)
    return [verify_claim(found, chosen, snapshot.root) for found in claims]


def verify_claim(found: Found, how: How, beside: Path) -> Report:
    """Verify one claim. What fails is a verdict, too; see `verify` for what is an error.

    Args:
        found: The claim.
        how: How to verify.
        beside: Root of the repo that claims it, at the commit that holds predictions and lock:
            it is later than the one that the claim pins.
    """
    claimed = found.claim
    folder = _folder(claimed, how)
    if how.lock is not None:
        claimed = locked.pinned(claimed, how.lock, how.options)
    try:
        made = _answer(found.claim, claimed, (how, folder, beside))
    except NoAnswer as error:
        kept = evidence.keep(folder, found.claim, log=error.log[:_MAX_LOG])
        made = Verdict(
            found.claim.digest, how.level, error.outcome, claimed.result.value,
            reason=error.message, evidence=kept, hardware=evidence.hardware(),
            made_at=iso(how.clock()),
        )  # fmt: skip
    evidence.keep_verdict(folder, made, how.key)
    return Report(found, made, folder)


def _answer(stated: Claim, claimed: Claim, where: tuple[How, Path, Path]) -> Verdict:
    """Answer a claim as it is stated, from the claim with all pins that are known."""
    how, folder, beside = where
    if how.level is Level.RETRAINED:
        return _retrained(stated, claimed, where)
    return _judged(stated, compute(claimed, how, beside), how, folder)


def compute(claimed: Claim, how: How, beside: Path | None = None) -> Computed:
    """Compute a claimed value again.

    Args:
        claimed: The claim.
        how: How to compute.
        beside: Where its predictions and its lock are; None for where the model is.

    Raises:
        NoAnswer: It cannot be computed; the outcome says why.
    """
    model = _model(claimed, how, beside)
    data = gathering.data_of(claimed, how.options)
    held = beside or model.snapshot.root
    old = predictions.stored(held, claimed.result.predictions_sha256)
    if how.level is Level.RECOMPUTED:
        return _recomputed(claimed, model, data, old)
    how = replace(how, isolation=_isolation(claimed, how, held))
    return _rerun(claimed, model, data, old, how)


def _model(claimed: Claim, how: How, beside: Path | None) -> Model:
    """Fetch the model; but no weights for stored predictions whose claim pins what made them."""
    pin = claimed.model
    if how.level is Level.RECOMPUTED and beside is not None and pin.commit and pin.tree_sha256:
        return Model(Snapshot(beside, LocalFolder(beside), pin.commit), pin.tree_sha256)
    return gathering.model_of(claimed, how.options)


def _isolation(claimed: Claim, how: How, held: Path) -> Isolation:
    """Return what the worker is like: with the packages of the claim's lock, or of the caller's."""
    packages = gathering.packages_of(claimed, held)
    if packages is None and how.lock is not None:
        packages = packages_path(how.lock)
    if packages is None or how.isolation.packages is not None:
        return how.isolation
    return replace(how.isolation, packages=packages)


def _recomputed(claimed: Claim, model: Model, data: Data, old: dict[Any, Any] | None) -> Computed:
    if old is None:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            f"the repo holds no predictions of this claim below {predictions.FOLDER}",
        )
    work = work_of(claimed, model, data)
    values = _aligned(old, len(work.inputs))
    return Computed(model, data, work.scored(claimed, values), tuple(values))


def _rerun(
    claimed: Claim, model: Model, data: Data, old: dict[Any, Any] | None, how: How
) -> Computed:
    work = work_of(claimed, model, data)
    started = work.start(rerun.deterministic(how.isolation, claimed.run.threads or 1))
    found = rerun.run(started.place, started.calling, work.inputs, advance=how.advance)
    values = tuple(it.value for it in found.predictions)
    scored = work.scored(claimed, values)
    difference = None
    if old is not None:
        before = work.scored(claimed, _aligned(old, len(work.inputs)))
        difference = scoring.paired(before, scored)
    noise = work.noise(claimed, found)
    pins = {**started.pins, "metric.args": work.metric.args}
    return Computed(
        model, data, scored, values, noise, difference, found.environment, pins, work.is_guess
    )


def _judged(claimed: Claim, done: Computed, how: How, folder: Path) -> Verdict:
    score, data = done.scored.score, predictions.encode(done.ids, done.values)
    digest = predictions.digest(done.ids, done.values) if how.level is Level.RERUN else None
    seen = Observed(score.value, score.unit, score.n, score.signature, digest)
    judged = compare.judge(claimed, seen, done.noise, paired=done.difference)
    if done.is_guess and judged.outcome in {Outcome.CLOSE, Outcome.CONTRADICTED}:
        # Only a claim that says how its model is asked can be contradicted.
        reason = f"{judged.reason}, asked in the usual way; the claim does not say how: run.entry"
        judged = replace(judged, outcome=Outcome.UNVERIFIABLE, reason=reason)
    kept = evidence.keep(
        folder, claimed, predictions=data, scored=done.scored, environment=done.environment
    )
    return Verdict(
        claimed.digest, how.level, judged.outcome, claimed.result.value,
        value=None if score.value is None else repr(float(score.value)),
        tolerance=f"{judged.tolerance:.12g}",
        reason=_reason(claimed, score.unit, judged),
        signature=score.signature,
        unit=score.unit,
        n=score.n,
        ci=() if score.ci is None else (repr(score.ci[0]), repr(score.ci[1])),
        stderr=None if score.stderr is None else repr(score.stderr),
        flips=scoring.flips(done.difference),
        subjects=subjects(claimed, done),
        environment=done.environment,
        hardware=evidence.hardware(),
        evidence=kept,
        pins=_missing(claimed, pins_of(done)),
        made_at=iso(how.clock()),
    )  # fmt: skip


def _retrained(stated: Claim, claimed: Claim, where: tuple[How, Path, Path]) -> Verdict:
    how, folder, beside = where
    model = gathering.model_of(claimed, how.options)
    data = gathering.data_of(claimed, how.options)
    isolation = _isolation(claimed, how, beside)
    done = retraining.retrain(claimed, model, data, (how.training, isolation, how.options))
    score = done.trainings[-1].score
    seen = Observed(score.value, score.unit, score.n, score.signature)
    if reason := compare.not_comparable(claimed, seen):
        raise NoAnswer(Outcome.NOT_COMPARABLE, reason)
    judged = compare.judge_training(claimed, done.values, score.unit)
    answers = {
        f"predictions-seed-{it.seed}.jsonl": predictions.encode(range(len(it.answers)), it.answers)
        for it in done.trainings
    }
    kept = evidence.keep(folder, stated, environment=done.environment, predictions=answers)
    return Verdict(
        stated.digest, how.level, judged.outcome, claimed.result.value,
        value=repr(mean(done.values)), tolerance=f"{judged.tolerance:.12g}", reason=judged.reason,
        signature=score.signature, unit=score.unit, n=score.n,
        subjects={
            f"model:{claimed.model.repo}": model.tree_sha256,
            f"data:{claimed.data.repo}": data.rows.content_sha256,
        },
        environment=done.environment, hardware=evidence.hardware(), evidence=kept,
        pins={name: value for name, value in done.pins.items()
              if not claimed.run.args.get("train", {}).get(name.rpartition(".")[2])},
        made_at=iso(how.clock()),
    )  # fmt: skip


def subjects(claimed: Claim, done: Computed) -> dict[str, str]:
    """Name the content that a verdict is about."""
    found = {
        f"model:{claimed.model.repo}": done.model.tree_sha256,
        f"data:{claimed.data.repo}": done.data.rows.content_sha256,
    }
    return found | ({"lock": claimed.run.lock} if claimed.run.lock else {})


def pins_of(done: Computed) -> dict[str, Any]:
    """Return every pin that a computation found, by its name in a claim."""
    score = done.scored.score
    return {
        "model.commit": done.model.snapshot.commit,
        "model.tree-sha256": done.model.tree_sha256,
        "data.commit": done.data.commit,
        "data.content-sha256": done.data.rows.content_sha256,
        "metric.signature": score.signature,
        "metric.unit": score.unit,
        **done.pins,
    }


def _missing(claimed: Claim, found: dict[str, Any]) -> dict[str, Any]:
    """Keep the pins that the claim lacks."""
    lacks = {*claimed.missing_pins, *(() if claimed.run.args else ("run.args",))}
    return {name: value for name, value in found.items() if name in lacks and value is not None}


def _reason(claimed: Claim, unit: str, judged: Judged) -> str:
    said = judged.reason
    if claimed.metric.unit is None and unit != "raw":
        said += f"; the claim names no unit, {unit_of(claimed, unit)} was assumed"
    return said


def _aligned(old: dict[Any, Any], count: int) -> list[Any]:
    """Return predictions in the order of the rows."""
    if set(old) != set(range(count)):
        raise NoAnswer(
            Outcome.NOT_RUNNABLE,
            f"the claimed predictions are {len(old):,} and not one for each of {count:,} rows",
        )
    return [old[number] for number in range(count)]


def _folder(claimed: Claim, how: How) -> Path:
    root = how.folder or settings.cache_dir() / "verdicts"
    return root / f"{claimed.digest[:16]}-{how.level}"
