"""Make a claim by computing it: every pin filled in, predictions and lock kept beside it."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from reprise.base.files import write_bytes
from reprise.formats import card_claims, claim, yaml_json
from reprise.formats.claim import Claim, Stated
from reprise.formats.reprise_lock import LockedMetric, RepriseLock
from reprise.hub import lock
from reprise.hub.lock import Made, Wish
from reprise.hub.locking import Locking
from reprise.metrics.fingerprint import definition_hash
from reprise.tokenizers.identity import fingerprint_of
from reprise.verify import gathering, predictions
from reprise.verify.compare import exact
from reprise.verify.evaluators import catalogue
from reprise.verify.running import Computed, How, compute, pins_of

_NUMERIC = ("numpy", "onnxruntime", "reprise", "safetensors", "tokenizers", "torch")
_DECIMALS = {"fraction": 4, "percent": 2, "raw": 4}


@dataclass(frozen=True)
class Wanted:
    """What to claim.

    Attributes:
        draft: A claim without value and with the pins that are known.
        slug: What the claim's file is called.
        decimals: Of the value; by default 4, or 2 of a percentage.
        task_id: Task of a benchmark: also write the score to `.eval_results`, where other hubs
            and their clients look for it.
    """

    draft: Claim
    slug: str
    decimals: int | None = None
    task_id: str | None = None


def make(wanted: Wanted, into: Path, how: How, locking: Locking) -> Claim:
    """Compute a value and write the claim of it, to be published with the model's repo.

    Args:
        wanted: What to claim.
        into: Folder of the model's repo.
        how: How to compute.
        locking: How to choose packages for the lock.

    Raises:
        NoAnswer: It cannot be computed; the message says why.
        RepriseError: What it rests on cannot be locked.
    """
    slug = claim.check_slug(wanted.slug)
    done = compute(wanted.draft, how)
    locked = lock.save(
        _locked(wanted.draft, done, how, locking), into / gathering.LOCKS / slug / lock.NAME
    )
    made = _filled(wanted, done, locked)
    name = f"{slug}.jsonl"
    write_bytes(into / predictions.FOLDER / name, predictions.encode(done.ids, done.values))
    write_bytes(into / claim.FOLDER / f"{slug}.toml", claim.write(made).encode())
    if wanted.task_id is not None:
        entry = card_claims.to_eval_result(made, wanted.task_id)
        text = yaml_json.dump([entry])
        write_bytes(into / card_claims.EVAL_RESULTS / f"{slug}.yaml", text.encode())
    return made


def _filled(wanted: Wanted, done: Computed, locked: RepriseLock) -> Claim:
    draft, score, pins = wanted.draft, done.scored.score, pins_of(done)
    decimals = _DECIMALS[score.unit] if wanted.decimals is None else wanted.decimals
    stated = Stated(
        value=_rounded(score.value, decimals),
        n=score.n,
        ci=() if score.ci is None else tuple(_rounded(end, decimals) for end in score.ci),
        stderr=None if score.stderr is None else _rounded(score.stderr, decimals + 2),
        predictions_sha256=predictions.digest(done.ids, done.values),
    )
    run_args = {**pins.get("run.args", {}), **draft.run.args}
    return replace(
        draft,
        model=replace(
            draft.model, commit=pins["model.commit"], tree_sha256=pins["model.tree-sha256"]
        ),
        data=replace(
            draft.data, commit=pins["data.commit"], rows=len(done.data.rows),
            content_sha256=pins["data.content-sha256"],
        ),
        metric=replace(
            draft.metric, id=score.metric, value=score.name, args=pins["metric.args"],
            signature=score.signature, unit=score.unit,
            higher_is_better=score.higher_is_better,
        ),
        result=stated,
        run=replace(
            draft.run, entry=pins["run.entry"], args=run_args,
            batch=draft.run.batch or pins["run.batch"], threads=draft.run.threads or 1,
            lock=locked.digest,
        ),
    )  # fmt: skip


def _locked(draft: Claim, done: Computed, how: How, locking: Locking) -> Made:
    definition = done.scored.result.computation.definition
    rows = done.data.rows
    wishes = [
        Wish(f"{draft.model.repo}@{done.model.snapshot.commit}"),
        Wish(
            f"{draft.data.repo}@{done.data.commit}", "dataset", draft.data.split,
            draft.data.config, (len(rows), rows.content_sha256),
        ),
    ]  # fmt: skip
    found = lock.resolve(wishes, options=how.options)
    named = fingerprint_of(done.model.snapshot.root)
    found = replace(found, model=tuple(replace(it, tokenizer=named) for it in found.model))
    metric = LockedMetric(definition.id, definition.version, definition_hash(definition))
    batch = draft.run.batch or done.pins["run.batch"]
    settings = {"threads": draft.run.threads or 1, "batch-size": batch}
    found = replace(found, metric=(metric,), determinism=settings, system=_system(done))
    return Made(found, lock.packages_of(found, locking, how.options))


def _system(done: Computed) -> dict[str, Any]:
    """Pin what a built-in evaluator ran on: there is no code whose packages could be locked."""
    if not catalogue.is_evaluator(done.pins["run.entry"]):
        return {}
    there = done.environment["packages"]
    return {"evaluator": done.pins["run.entry"],
            "packages": {name: there[name] for name in _NUMERIC if name in there}}  # fmt: skip


def _rounded(value: float | None, decimals: int) -> str:
    number = exact(0.0 if value is None else value)
    return str(number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN))
