"""The metric's part of a rerun: predictions and truth in, a score with its signature out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput, NotSupported
from reprise.formats.claim import Claim
from reprise.formats.verdict import MAX_DIFFERING, Flips, Outcome
from reprise.metrics.catalogue import resolve
from reprise.metrics.loading import load_metric
from reprise.metrics.paired import Difference, paired_difference
from reprise.metrics.score import Result, Score
from reprise.verify.compare import Noise
from reprise.verify.plan import NoAnswer, metric_name


@dataclass(frozen=True)
class Scored:
    """A score, and the result with every example's statistics behind it."""

    score: Score
    result: Result


def score(claim: Claim, predictions: Sequence[Any], references: Sequence[Any] | None) -> Scored:
    """Compute the claim's metric.

    Raises:
        NoAnswer: The metric does not exist, lacks an option, or its labels are hidden.
    """
    name = metric_name(claim, resolve)
    try:
        metric = load_metric(name, None, **claim.metric.args)
        right = None if references is None else list(references)
        result = metric.compute(list(predictions), right)
        main = claim.metric.value or result.computation.definition.main
        found = result.scores.get(main)
    except InvalidInput as error:
        raise NoAnswer(Outcome.UNVERIFIABLE, f"{name}: {error.message}") from None
    if found is None:
        known = ", ".join(result.scores)
        raise NoAnswer(Outcome.UNVERIFIABLE, f"{name} has no value {main!r}; it has {known}")
    return Scored(found, result)


def named(
    references: Sequence[Any], labels: Sequence[str], predictions: Sequence[Any]
) -> list[Any]:
    """Return references as names, where the model answers with names and the data has numbers.

    Args:
        references: What is right, as the data has it.
        labels: Names of the numbers, in order; empty where there are none.
        predictions: What the model answered.

    Raises:
        NoAnswer: A number has no name.
    """
    first = predictions[0] if predictions else None
    first = first[0] if isinstance(first, list) and first else first
    if not labels or not isinstance(first, str):
        return list(references)
    return [_name(item, labels, place) for place, item in enumerate(references)]


def _name(item: Any, labels: Sequence[str], place: int) -> Any:
    if isinstance(item, list):
        return [_name(one, labels, place) for one in item]
    if not isinstance(item, int):
        return item
    if not 0 <= item < len(labels):
        raise NoAnswer(
            Outcome.NOT_RUNNABLE, f"row {place} has label {item}, and there are {len(labels)}"
        )
    return labels[item]


def paired(old: Scored, new: Scored) -> Difference | None:
    """Compare new predictions with the claimed ones; None where they cannot be paired."""
    try:
        return paired_difference(old.result, new.result, new.score.name)
    except (InvalidInput, NotSupported):
        return None


def flips(found: Difference | None) -> Flips | None:
    """Return what differs, as a verdict keeps it."""
    if found is None:
        return None
    ids = tuple(str(key) for key in found.differing)
    return Flips(
        len(ids), found.better, found.worse, repr(float(found.p_value)), ids[:MAX_DIFFERING]
    )


def probe_deviation(
    claim: Claim,
    first: tuple[Sequence[Any], Sequence[Any] | None],
    again: tuple[Sequence[Any], Sequence[Any] | None],
) -> Noise:
    """Say how far the value itself moved in the probe, for predictions that are numbers.

    Args:
        claim: What to compute.
        first: Predictions and references of the examples that were run again.
        again: The same, from the second time.
    """
    try:
        values = [score(claim, *some).score.value for some in (first, again)]
    except NoAnswer:
        return Noise()
    if values[0] is None or values[1] is None:
        return Noise()
    return Noise(deviation=abs(values[0] - values[1]))
