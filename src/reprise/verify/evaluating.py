"""Evaluate a model on a benchmark, here and now: rows in, a score with its examples out.

What is loaded are weights, not code, as in `reprise run`. A claim of the score is computed in a
worker, exactly as everybody will who verifies it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput
from reprise.base.files import write_bytes
from reprise.formats import claim
from reprise.formats.benchmark import Benchmark
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Setup, Stated
from reprise.hub import settings
from reprise.hub.address import Address
from reprise.hub.snapshots import Options, Snapshot
from reprise.metrics.loading import load_metric
from reprise.metrics.score import Result, Score
from reprise.verify import evidence, predictions, sources
from reprise.verify.evaluators import catalogue
from reprise.verify.evaluators.evaluator import Evaluator, Examples
from reprise.verify.gathering import repo_of
from reprise.verify.sources import Place

RESULT = "result.json"


@dataclass(frozen=True)
class Evaluation:
    """A score, and all that it is about.

    Attributes:
        model: Repo or folder.
        commit: Of the repo; None for a folder.
        benchmark: With the rows, the protocol and the metric that were used.
        evaluator: With its version.
        args: All arguments of the evaluator.
        place: The rows.
        values: Predictions, one per example.
        result: Of the metric.
        score: The value that stands for it.
    """

    model: str
    commit: str | None
    benchmark: Benchmark
    evaluator: str
    args: Mapping[str, Any]
    place: Place
    values: tuple[Any, ...]
    result: Result
    score: Score

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides the score, and of the predictions."""
        return sha256_hex(canonical_json(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        data = {
            "repo": self.place.repo, "commit": self.place.commit,
            "path": self.benchmark.data.path, "config": self.benchmark.data.config,
            "split": self.place.split, "rows": len(self.place.rows),
            "content_sha256": self.place.rows.content_sha256,
        }  # fmt: skip
        return {
            "model": {"repo": self.model, "commit": self.commit},
            "benchmark": self.benchmark.id,
            "evaluator": self.evaluator,
            "args": {name: value for name, value in self.args.items() if value is not None},
            "data": {name: value for name, value in data.items() if value is not None},
            "score": self.score.to_dict(),
            "scores": [score.to_dict() for score in self.result.scores.values()],
            "notes": list(self.result.notes),
            "predictions_sha256": predictions.digest(range(len(self.values)), self.values),
        }


def evaluate(model: str, found: Benchmark, options: Options) -> Evaluation:
    """Evaluate a model.

    Args:
        model: A repo, or a folder.
        found: The benchmark.
        options: How to fetch.

    Raises:
        InvalidInput: The benchmark does not fit the data or the model; the message says why.
        RepriseError: Something cannot be had.
    """
    evaluator = catalogue.find(found.evaluator)
    args = evaluator.resolve(found.protocol)
    snapshot = sources.opened(model, options)
    place = sources.read(found, options)
    examples = evaluator.read(place.rows, args)
    values = _answers(evaluator, snapshot.folder, {**args, **examples.more}, (examples, found))
    pin = metric_of(found, evaluator, args)
    said, right = evaluator.score(values, examples, args)
    result = load_metric(pin.id, None, **pin.args).compute(said, right)
    main = pin.value or result.computation.definition.main
    if main not in result.scores:
        known = ", ".join(result.scores)
        raise InvalidInput(f"{pin.id} has no value {main!r}; it has {known}.")
    return Evaluation(
        repo_of(snapshot), snapshot.commit, found, evaluator.entry, {**args, **examples.columns},
        place, tuple(values), result, result.scores[main],
    )  # fmt: skip


def metric_of(found: Benchmark, evaluator: Evaluator, args: Mapping[str, Any]) -> MetricPin:
    """Return the metric of a benchmark, with the options that its protocol decides."""
    pin = found.metric or MetricPin(evaluator.metric)
    return replace(pin, args={**pin.args, **evaluator.metric_args(args)})


def keep(done: Evaluation, folder: Path | None = None) -> Path:
    """Write score, predictions and every example's statistics; return the folder.

    Args:
        done: What was computed.
        folder: Where to; by default below the cache, by the digest of what it is.
    """
    place = folder or settings.cache_dir() / "evaluations" / done.digest[:16]
    lines = predictions.encode(range(len(done.values)), done.values)
    text = json.dumps(done.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_bytes(place / evidence.PREDICTIONS, lines)
    done.result.examples.to_jsonl(place / evidence.EXAMPLES)
    write_bytes(place / RESULT, text.encode())
    return place


def draft(model: str, found: Benchmark, options: Options) -> Claim:
    """Return the claim of a score that is yet to be computed, with the pins that are known.

    Raises:
        InvalidInput: Model or data are not on a hub, so that nobody else could compute it.
    """
    evaluator = catalogue.find(found.evaluator)
    args = evaluator.resolve(found.protocol)
    snapshot = sources.opened(model, options, weights=False)
    place = sources.read(found, options)
    if not _is_on_hub(snapshot) or place.repo is None:
        missing = "model" if not _is_on_hub(snapshot) else "data"
        raise InvalidInput(
            f"A claim is about repos, and the {missing} is a file or folder of this machine.",
            hint="Publish it first: reprise publish FOLDER OWNER/NAME"
            + (" --type dataset" if missing == "data" else ""),
        )
    source, pin = found.data, metric_of(found, evaluator, args)
    given = {name: value for name, value in args.items() if value is not None}
    made = Claim(
        task=found.task or evaluator.task,
        model=ModelPin(repo_of(snapshot), snapshot.commit),
        data=DataPin(place.repo, place.commit, source.config, place.split, limit=source.limit),
        metric=pin,
        result=Stated("0"),
        run=Setup(entry=evaluator.entry, args=given, batch=found.batch,
                  prompt_sha256=_prompt(given)),
    )  # fmt: skip
    return claim.from_dict(claim.to_dict(made))


def _answers(
    evaluator: Evaluator, folder: Path, args: Mapping[str, Any], asked: tuple[Examples, Benchmark]
) -> list[Any]:
    from reprise.data.progress import row_meter

    examples, found = asked
    values: list[Any] = []
    batch = found.batch or evaluator.batch
    answer = evaluator.make(folder, args)
    with row_meter(f"Evaluating {found.id}", len(examples.inputs)) as advance:
        for start in range(0, len(examples.inputs), batch):
            some = examples.inputs[start : start + batch]
            values += [predictions.read_answer(one).value for one in answer(some)]
            advance(len(some))
    return values


def _is_on_hub(snapshot: Snapshot) -> bool:
    return isinstance(snapshot.address, Address) and snapshot.commit is not None


def _prompt(args: Mapping[str, Any]) -> str | None:
    prompt = args.get("prompt")
    return sha256_hex(prompt.encode()) if isinstance(prompt, str) else None
