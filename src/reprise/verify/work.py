"""What a claim asks for: inputs, a way to ask the model, and how answers meet the truth.

Two kinds of `run.entry` are known: an entry point of the model's own code, and a built-in
evaluator, which needs no code of the model.
"""

import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import reprise
from reprise.base.errors import InvalidInput, NotFound
from reprise.formats import trial_plans
from reprise.formats.claim import Claim, MetricPin
from reprise.formats.verdict import Outcome
from reprise.hub.isolated import Isolation
from reprise.hub.manifest import Manifest, read_manifest
from reprise.hub.snapshots import Snapshot
from reprise.verify import gathering, plan, rerun, scoring
from reprise.verify.compare import Noise
from reprise.verify.evaluators import catalogue
from reprise.verify.evaluators.evaluator import Evaluator
from reprise.verify.gathering import Data, Model
from reprise.verify.plan import Calling, Columns, NoAnswer, Offer
from reprise.verify.rerun import Place, Rerun

_T = TypeVar("_T")
# Tasks that models without code are asked in one usual way.
_USUAL = {
    "text-classification": "text-classification", "token-classification": "tagging",
    "question-answering": "question-answering", "sentence-similarity": "similarity",
}  # fmt: skip
_PROGRAM = Path(__file__).parent / "evaluators" / "inside"


@dataclass(frozen=True)
class Started:
    """Where and how the model is asked, and the pins that were found on the way."""

    place: Place
    calling: Calling
    pins: Mapping[str, Any]


@dataclass(frozen=True)
class Work:
    """What a claim asks for.

    Attributes:
        inputs: What the model is asked, one per example.
        pair: Turns answers to the first inputs into predictions and references of the metric.
        start: Prepares the worker; nothing of the model has run before.
        metric: The metric, with the options that follow from how the answers were made.
        continuous: Whether answers are numbers, which noise always moves.
        is_guess: Whether nobody says how the model is asked, and the usual way is taken.
    """

    inputs: Sequence[Any]
    pair: Callable[[Sequence[Any]], tuple[list[Any], list[Any] | None]]
    start: Callable[[Isolation], Started]
    metric: MetricPin
    continuous: bool = False
    is_guess: bool = False

    def scored(self, claimed: Claim, answers: Sequence[Any]) -> scoring.Scored:
        """Compute the metric of answers to all inputs.

        Raises:
            NoAnswer: It cannot be computed.
        """
        predictions, references = _refused(lambda: self.pair(answers), Outcome.NOT_RUNNABLE)
        return scoring.score(replace(claimed, metric=self.metric), predictions, references)

    def noise(self, claimed: Claim, found: Rerun) -> Noise:
        """Say what the probe tells about noise."""
        again = [it.value for it in found.probed]
        is_number = bool(again) and all(isinstance(it, float) for it in again)
        if not self.continuous and not is_number:
            return rerun.noise_of(found)
        if again and all(map(_is_pair, again)) and self.metric.id.partition("@")[0] == "blimp":
            return rerun.noise_of(rerun.as_decisions(found))
        first = [it.value for it in found.predictions[: len(again)]]
        sides = [self.pair(values) for values in (first, again)]
        return scoring.probe_deviation(replace(claimed, metric=self.metric), *sides)


def work_of(claimed: Claim, model: Model, data: Data) -> Work:
    """Find out what a claim asks for.

    Raises:
        NoAnswer: It does not say it, or what it says is not there.
    """
    if catalogue.is_evaluator(claimed.run.entry):
        return _of_evaluator(claimed, model, data)
    plan.check_entry(claimed.run.entry)
    has_code = (model.snapshot.folder / "hubconf.py").is_file()
    if claimed.run.entry is None and not has_code and claimed.task in _USUAL:
        asked = replace(claimed, run=replace(claimed.run, entry=_USUAL[claimed.task]))
        return replace(_of_evaluator(asked, model, data), is_guess=True)
    return _of_entry_point(claimed, model, data)


def _of_evaluator(claimed: Claim, model: Model, data: Data) -> Work:
    evaluator = _refused(lambda: catalogue.find(claimed.run.entry or ""), Outcome.UNVERIFIABLE)
    args = _refused(lambda: evaluator.resolve(claimed.run.args), Outcome.UNVERIFIABLE)
    examples = _refused(lambda: evaluator.read(data.rows, args), Outcome.UNVERIFIABLE)
    options = {**args, **examples.more}

    def pair(answers: Sequence[Any]) -> tuple[list[Any], list[Any] | None]:
        right = examples.references
        some = None if right is None else right[: len(answers)]
        found = evaluator.score(answers, replace(examples, references=some), args)
        return found[0], found[1]

    def start(isolation: Isolation) -> Started:
        folder = str(model.snapshot.folder.resolve())
        home = [str(place) for place in _home()]
        asked = {"name": evaluator.entry, "model": folder, "options": options, "home": home}
        batch = claimed.run.batch or evaluator.batch
        place = _confined(model.snapshot, isolation)
        return Started(place, Calling("evaluator", asked, {}, "", batch), _pins(evaluator, pinned))

    used = {**args, **examples.columns}
    pinned = {name: value for name, value in used.items() if value is not None}
    metric = replace(claimed.metric, args={**claimed.metric.args, **evaluator.metric_args(args)})
    return Work(examples.inputs, pair, start, metric, evaluator.continuous)


def _pins(evaluator: Evaluator, args: Mapping[str, Any]) -> dict[str, Any]:
    return {"run.entry": evaluator.entry, "run.args": dict(args), "run.batch": evaluator.batch}


def _confined(snapshot: Snapshot, isolation: Isolation) -> Place:
    """Prepare a worker for an evaluator: by default in the environment that runs this."""
    chosen = isolation
    if (isolation.environment, isolation.packages, isolation.requirements) == (None, None, None):
        if isolation.python is not None:
            raise InvalidInput(
                "An evaluator needs an environment with its libraries, not only an interpreter.",
                hint="Name one that has them: --worker-environment PYTHON.",
            )
        chosen = replace(isolation, environment=Path(sys.executable))
    chosen = replace(chosen, readable=(*chosen.readable, *_home()))
    place = rerun.prepare(snapshot, Manifest(), chosen)
    # Weights are read as data: whether torch is needed at all, the evaluator knows.
    return replace(place, folder=_PROGRAM, launch=replace(place.launch, modules=()))


def _home() -> tuple[Path, ...]:
    """Return where this Reprise is, and the packages that it needs."""
    return Path(reprise.__file__).resolve().parents[1], Path(sysconfig.get_path("purelib"))


def _of_entry_point(claimed: Claim, model: Model, data: Data) -> Work:
    chosen = _columns(claimed, data)
    rows = data.rows

    def pair(answers: Sequence[Any]) -> tuple[list[Any], list[Any] | None]:
        labels = claimed.data.labels or rows.names.get(chosen.label, ())
        right = rows.columns[chosen.label][: len(answers)]
        return list(answers), scoring.named(right, labels, answers)

    def start(isolation: Isolation) -> Started:
        manifest = manifest_of(model.snapshot)
        calling = _calling(claimed, model.snapshot, manifest)
        place = rerun.prepare(model.snapshot, manifest, isolation)
        args = {"name": calling.entry, "input": chosen.input, "label": chosen.label}
        pins = {"run.entry": plan.ENTRY_POINT, "run.args": args, "run.batch": plan.BATCH}
        return Started(place, calling, pins)

    return Work(rows.columns[chosen.input], pair, start, claimed.metric)


def manifest_of(snapshot: Snapshot) -> Manifest:
    """Read what a repo's code offers.

    Raises:
        NoAnswer: It has no code.
    """
    manifest = read_manifest(snapshot.folder)
    if "no-hubconf" in manifest.flags:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            "the model's repo has no hubconf.py, and the claim names no built-in evaluator "
            f"(run.entry): {', '.join(catalogue.names())}",
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


def _is_textual(values: list[Any]) -> bool:
    first = next((value for value in values if value is not None), None)
    return isinstance(first, str) or (
        isinstance(first, list) and all(isinstance(item, str) for item in first)
    )


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(("good", "bad"))


def _refused(make: Callable[[], _T], outcome: Outcome) -> _T:
    """Turn what does not fit into a verdict: nobody's program is wrong, the claim is."""
    try:
        return make()
    except (InvalidInput, NotFound) as error:
        hint = f" {error.hint}" if error.hint else ""
        raise NoAnswer(outcome, f"{error.message}{hint}") from None
