"""Verify a claim from its pins to its verdict: fetch, run, score, judge, keep the evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reprise.base.clock import Clock, iso, system_clock
from reprise.formats import trial_plans
from reprise.formats.card_claims import Found
from reprise.formats.claim import Claim
from reprise.formats.claimed_values import unit_of
from reprise.formats.verdict import Level, Outcome, Verdict
from reprise.hub import settings
from reprise.hub.isolated import Isolation
from reprise.hub.manifest import Manifest, read_manifest
from reprise.hub.snapshots import Options, Snapshot, open_snapshot
from reprise.metrics.paired import Difference
from reprise.verify import compare, evidence, gathering, plan, predictions, rerun, scoring
from reprise.verify.compare import Judged, Noise, Observed
from reprise.verify.gathering import Data, Model
from reprise.verify.plan import Calling, Columns, NoAnswer, Offer
from reprise.verify.rerun import Rerun
from reprise.verify.scoring import Scored

_MAX_LOG = 100_000  # characters


@dataclass(frozen=True)
class How:
    """How to verify.

    Attributes:
        level: `recomputed` from stored predictions, or `rerun`.
        isolation: What the worker is like.
        options: How to fetch.
        folder: Where evidence goes; by default below the cache of snapshots.
        key: Private key that signs; None for no signature.
        clock: Tells the time.
    """

    level: Level = Level.RERUN
    isolation: Isolation = field(default_factory=Isolation)
    options: Options = field(default_factory=Options)
    folder: Path | None = None
    key: bytes | None = None
    clock: Clock = system_clock


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
    try:
        done = compute(claimed, how, beside)
    except NoAnswer as error:
        kept = evidence.keep(folder, claimed, log=error.log[:_MAX_LOG])
        made = Verdict(
            claimed.digest, how.level, error.outcome, claimed.result.value, reason=error.message,
            evidence=kept, hardware=evidence.hardware(), made_at=iso(how.clock()),
        )  # fmt: skip
    else:
        made = _judged(claimed, done, how, folder)
    evidence.keep_verdict(folder, made, how.key)
    return Report(found, made, folder)


def compute(claimed: Claim, how: How, beside: Path | None = None) -> Computed:
    """Compute a claimed value again.

    Args:
        claimed: The claim.
        how: How to compute.
        beside: Where its predictions and its lock are; None for where the model is.

    Raises:
        NoAnswer: It cannot be computed; the outcome says why.
    """
    if claimed.kind == "training" and how.level is Level.RETRAINED:
        raise NoAnswer(Outcome.UNVERIFIABLE, "training is not repeated by this version")
    model = gathering.model_of(claimed, how.options)
    data = gathering.data_of(claimed, how.options)
    held = beside or model.snapshot.root
    old = predictions.stored(held, claimed.result.predictions_sha256)
    if how.level is Level.RECOMPUTED:
        return _recomputed(claimed, model, data, old)
    packages = gathering.packages_of(claimed, held)
    if packages is not None and how.isolation.packages is None:
        how = replace(how, isolation=replace(how.isolation, packages=packages))
    return _rerun(claimed, model, data, old, how)


def _recomputed(claimed: Claim, model: Model, data: Data, old: dict[Any, Any] | None) -> Computed:
    if old is None:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            f"the repo holds no predictions of this claim below {predictions.FOLDER}",
        )
    values = _aligned(old, len(data.rows))
    truth = _truth(claimed, data, _columns(claimed, data), values)
    scored = scoring.score(claimed, values, truth)
    return Computed(model, data, scored, tuple(values))


def _rerun(
    claimed: Claim, model: Model, data: Data, old: dict[Any, Any] | None, how: How
) -> Computed:
    manifest = _manifest(model.snapshot)
    calling, chosen = _calling(claimed, model.snapshot, manifest), _columns(claimed, data)
    isolation = rerun.deterministic(how.isolation, claimed.run.threads or 1)
    inputs = data.rows.columns[chosen.input]
    found = rerun.run(model.snapshot, manifest, calling, inputs, isolation)
    values = tuple(it.value for it in found.predictions)
    truth = _truth(claimed, data, chosen, values)
    scored = scoring.score(claimed, values, truth)
    difference = None
    if old is not None:
        before = scoring.score(claimed, _aligned(old, len(data.rows)), truth)
        difference = scoring.paired(before, scored)
    return Computed(
        model, data, scored, values, _noise(claimed, found, truth), difference, found.environment,
        {"run.entry": plan.ENTRY_POINT,
         "run.args": {"name": calling.entry, "input": chosen.input, "label": chosen.label}},
    )  # fmt: skip


def _judged(claimed: Claim, done: Computed, how: How, folder: Path) -> Verdict:
    score, data = done.scored.score, predictions.encode(done.ids, done.values)
    digest = predictions.digest(done.ids, done.values) if how.level is Level.RERUN else None
    seen = Observed(score.value, score.unit, score.n, score.signature, digest)
    judged = compare.judge(claimed, seen, done.noise, paired=done.difference)
    kept = evidence.keep(
        folder, claimed, predictions=data, scored=done.scored, environment=done.environment
    )
    return Verdict(
        claimed.digest, how.level, judged.outcome, claimed.result.value,
        value=None if score.value is None else repr(float(score.value)),
        tolerance=str(judged.tolerance),
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


def _noise(claimed: Claim, found: Rerun, truth: list[Any]) -> Noise:
    probed = [it.value for it in found.probed]
    if probed and all(isinstance(it, float) for it in probed):
        first = [it.value for it in found.predictions[: len(probed)]]
        return scoring.probe_deviation(claimed, first, probed, truth)
    return rerun.noise_of(found)


def _manifest(snapshot: Snapshot) -> Manifest:
    manifest = read_manifest(snapshot.folder)
    if "no-hubconf" in manifest.flags:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            "the model's repo has no hubconf.py, and only entry points are run",
        )
    return manifest


def _calling(claimed: Claim, snapshot: Snapshot, manifest: Manifest) -> Calling:
    checks = gathering.read_card(snapshot.root).get(trial_plans.FIELD)
    checked = [str(name) for name in checks] if isinstance(checks, dict) else []
    offers = [
        Offer(entry.name, _needs_arguments(entry.signature))
        for entry in manifest.entry_points
        if entry.own
    ]
    return plan.calling(claimed, offers, checked)


def _needs_arguments(signature: str | None) -> bool:
    """Tell whether a signature has a parameter without a default; unknown ones may."""
    inside = (signature or "(?)").partition(")")[0].lstrip("(")
    parts = [part for part in inside.split(",") if part.strip(" */")]
    return any("=" not in part and not part.strip().startswith("*") for part in parts)


def _columns(claimed: Claim, data: Data) -> Columns:
    names = list(data.rows.columns)
    textual = [name for name in names if _is_textual(data.rows.columns[name])]
    return plan.columns(claimed, names, textual)


def _truth(claimed: Claim, data: Data, chosen: Columns, values: Sequence[Any]) -> list[Any]:
    labels = claimed.data.labels or data.rows.names.get(chosen.label, ())
    return scoring.named(data.rows.columns[chosen.label], labels, values)


def _is_textual(values: list[Any]) -> bool:
    first = next((value for value in values if value is not None), None)
    return isinstance(first, str) or (
        isinstance(first, list) and all(isinstance(item, str) for item in first)
    )


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
