"""Train again, several times, and ask whether the claimed value could be one more of these.

    [run]
    args = { train = { name = "train", split = "train" }, input = "text", label = "category" }

The training entry point is code of the repo. It gets the rows of the training split and a seed, and
returns a model that is asked as any other: `train(rows, seed=…)` with a list per column. Each
training has a worker of its own, without network; what is right in the test split stays outside.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any

from reprise.formats.claim import Claim, DataPin
from reprise.formats.verdict import Outcome
from reprise.hub.isolated import Isolation
from reprise.hub.snapshots import Options
from reprise.metrics.score import Score
from reprise.verify import compare, gathering, plan, rerun
from reprise.verify.gathering import Data, Model
from reprise.verify.plan import Calling, NoAnswer
from reprise.verify.rerun import Rerun
from reprise.verify.work import Work, manifest_of, work_of

_KNOWN = frozenset({"name", "split", "config", "rows", "content-sha256", "kwargs"})


@dataclass(frozen=True)
class Plan:
    """How often and how long to train.

    Attributes:
        most: Trainings; fewer where the outcome is clear before.
        seconds: That one training may take.
    """

    most: int = 5
    seconds: float = 3600


@dataclass(frozen=True)
class Training:
    """One training: its seed, its score, and what it answered."""

    seed: int
    score: Score
    answers: tuple[Any, ...]


@dataclass(frozen=True)
class Retrained:
    """Several trainings of one claim."""

    trainings: tuple[Training, ...]
    environment: dict[str, Any]
    pins: Mapping[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> list[float]:
        """The values, in the order of the trainings."""
        return [it.score.value for it in self.trainings if it.score.value is not None]


@dataclass(frozen=True)
class _Asked:
    """What every training has in common."""

    claimed: Claim
    work: Work
    place: rerun.Place
    calling: Calling


def retrain(
    claimed: Claim, model: Model, data: Data, how: tuple[Plan, Isolation, Options]
) -> Retrained:
    """Train until it is clear whether the claimed value fits.

    Args:
        claimed: A claim about training.
        model: The repo with the code.
        data: The split that the claimed value is of.
        how: How often, in which environment, and how to fetch the training split.

    Raises:
        NoAnswer: The claim does not say how to train, or training failed.
    """
    chosen, isolation, options = how
    said = _said(claimed)
    rows = _rows(claimed, said, options)
    offered = {entry.name for entry in manifest_of(model.snapshot).entry_points if entry.own}
    if said["name"] not in offered:
        known = ", ".join(sorted(offered)) or "none"
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, f"the repo has no entry point {said['name']!r}; it has {known}"
        )
    work = work_of(claimed, model, data)
    confined = replace(
        rerun.deterministic(isolation, claimed.run.threads or 1), call_seconds=chosen.seconds
    )
    place = rerun.prepare(model.snapshot, manifest_of(model.snapshot), confined)
    call, method = claimed.run.args.get("call", {}), str(claimed.run.args.get("method", ""))
    given = {**said.get("kwargs", {}), "rows": rows.rows.columns}
    calling = Calling(said["name"], given, call, method, claimed.run.batch or plan.BATCH)
    pins = {"run.args.train.content-sha256": rows.rows.content_sha256}
    return _repeated(_Asked(claimed, work, place, calling), chosen, pins)


def _repeated(asked: _Asked, chosen: Plan, pins: Mapping[str, Any]) -> Retrained:
    done: list[Training] = []
    environment: dict[str, Any] = {}
    for seed in islice(_fresh(asked.claimed), chosen.most):
        training, found = _once(asked, seed)
        done.append(training)
        environment = found.environment
        values = [it.score.value for it in done if it.score.value is not None]
        if compare.is_decided(asked.claimed, values, training.score.unit, chosen.most):
            break
    environment["trainings"] = [
        {"seed": it.seed, "value": repr(it.score.value)} for it in done
    ]  # fmt: skip
    return Retrained(tuple(done), environment, pins)


def _once(asked: _Asked, seed: int) -> tuple[Training, Rerun]:
    calling = replace(asked.calling, kwargs={**asked.calling.kwargs, "seed": seed})
    found = rerun.run(asked.place, calling, asked.work.inputs, probed=0)
    answers = tuple(it.value for it in found.predictions)
    score = asked.work.scored(asked.claimed, answers).score
    if score.value is None:
        raise NoAnswer(
            Outcome.NOT_COMPARABLE, f"{score.name} is undefined after training with seed {seed}"
        )
    return Training(seed, score, answers), found


def _fresh(claimed: Claim) -> Iterator[int]:
    """Yield seeds that the claim does not name: a lucky one must not count as a repetition."""
    return (seed for seed in count() if seed not in claimed.run.seeds)


def _said(claimed: Claim) -> Mapping[str, Any]:
    said = claimed.run.args.get("train")
    if claimed.kind != "training" or not isinstance(said, Mapping):
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            'the claim does not say how to train: kind = "training" and run.args.train',
        )
    if strange := sorted(set(said) - _KNOWN):
        raise NoAnswer(
            Outcome.UNVERIFIABLE, f"run.args.train has {strange[0]!r}, which means nothing"
        )
    for key, kind in (("name", str), ("split", str), ("kwargs", Mapping)):
        if not isinstance(said.get(key, {} if kind is Mapping else None), kind):
            raise NoAnswer(Outcome.UNVERIFIABLE, f"run.args.train.{key} is missing or wrong")
    if {"rows", "seed"} & set(said.get("kwargs", {})):
        raise NoAnswer(Outcome.UNVERIFIABLE, "run.args.train.kwargs must not have rows or seed")
    return said


def _rows(claimed: Claim, said: Mapping[str, Any], options: Options) -> Data:
    if said["split"] == claimed.data.split:
        raise NoAnswer(
            Outcome.UNVERIFIABLE,
            "run.args.train.split is the split of the claimed value: a model that saw what is "
            "right proves nothing",
        )
    pin = DataPin(
        claimed.data.repo, claimed.data.commit, said.get("config", claimed.data.config),
        said["split"], said.get("rows"), said.get("content-sha256"),
    )  # fmt: skip
    return gathering.data_of(replace(claimed, data=pin), options)
