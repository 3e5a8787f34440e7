"""Hold a new value against a claimed one: the rules, as functions on values.

Numeric noise is tiny and a sampling interval is wide: the interval must never be the tolerance of a
rerun, or nearly any wrong number would pass. So a claim is reproduced when the new value rounds to
it, give or take the decisions that noise can flip.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, stdev

from reprise.base.errors import InvalidInput
from reprise.formats.claim import Claim
from reprise.formats.claimed_values import SCALES, claimed_value, half_unit, rescaled
from reprise.formats.reading import decimal
from reprise.formats.verdict import Outcome
from reprise.metrics.paired import Difference
from reprise.metrics.signature import comparable
from reprise.verify.student import quantile

_CAP = 1000  # one flipped decision per so many examples is the most that noise may explain
_FEWEST = 3  # trainings
_WIDTH = 0.975  # two-sided 95 %
_CLEARLY = 0.9995  # two-sided 99.9 %: what is outside of that needs no further training


@dataclass(frozen=True)
class Observed:
    """What a rerun found.

    Attributes:
        value: The value; None where it is undefined.
        unit: Its unit.
        n: Examples.
        signature: Its signature.
        predictions_sha256: Digest of the predictions.
    """

    value: float | None
    unit: str
    n: int
    signature: str
    predictions_sha256: str | None = None


@dataclass(frozen=True)
class Noise:
    """What the probe saw: some examples again, with another batch size.

    Attributes:
        doubtful: Examples of the whole whose decision the noise could flip.
        deviation: For values that are no shares of decisions: how far the value moved.
    """

    doubtful: int = 0
    deviation: float = 0.0


@dataclass(frozen=True)
class Judged:
    """An outcome and why; numbers in the unit of the observed value."""

    outcome: Outcome
    reason: str
    tolerance: Decimal
    difference: Decimal | None = None


def judge(
    claim: Claim, seen: Observed, noise: Noise | None = None, *, paired: Difference | None = None
) -> Judged:
    """Decide on a claim about inference.

    Args:
        claim: What was claimed.
        seen: What was found.
        noise: What the probe saw; None for none.
        paired: The new predictions against the claimed ones, where these are there.
    """
    if reason := not_comparable(claim, seen):
        return Judged(Outcome.NOT_COMPARABLE, reason, Decimal(0))
    if seen.value is None:
        return Judged(Outcome.NOT_COMPARABLE, "the new value is undefined", Decimal(0))
    allowed = tolerance(claim, seen, noise or Noise())
    claimed = claimed_value(claim, seen.unit)
    new = exact(seen.value)
    difference = new - claimed
    if abs(difference) > allowed:
        why, is_close = _explained(claim, seen.unit, difference, paired)
        outcome = Outcome.CLOSE if is_close else Outcome.CONTRADICTED
        return Judged(outcome, why, allowed, difference)
    digest = claim.result.predictions_sha256
    if digest is not None and digest == seen.predictions_sha256:
        return Judged(Outcome.EXACT, "the predictions are the same", allowed, difference)
    return Judged(Outcome.REPRODUCED, "the value agrees", allowed, difference)


def judge_training(claim: Claim, values: Sequence[float], unit: str) -> Judged:
    """Decide on a claim about training, from the values of several trainings.

    Args:
        claim: What was claimed.
        values: Of at least three trainings with different seeds.
        unit: Of the values.

    Raises:
        InvalidInput: There are fewer than three.
    """
    if len(values) < _FEWEST:
        raise InvalidInput(f"{len(values)} trainings say too little; {_FEWEST} are needed.")
    claimed, centre = claimed_value(claim, unit), exact(mean(values))
    half = exact(prediction_interval(values)) + half_unit(claim, unit)
    difference = centre - claimed
    inside = abs(difference) <= half
    reason = (
        f"{float(abs(difference)):.6g} from the mean of {len(values)} trainings, "
        f"{float(half):.6g} allowed"
    )
    return Judged(Outcome.CONSISTENT if inside else Outcome.CONTRADICTED, reason, half, difference)


def is_decided(claim: Claim, values: Sequence[float], unit: str, most: int) -> bool:
    """Tell whether further trainings could hardly change the outcome.

    They could not where the claimed value lies inside of what the interval would shrink to with
    this spread, or outside of the 99.9 % interval: looking after each training must not turn 5 %
    of errors into many.

    Args:
        claim: What was claimed.
        values: Of the trainings so far.
        unit: Of the values.
        most: How many trainings there will be at most.
    """
    if len(values) < _FEWEST:
        return False
    if len(values) >= most:
        return True
    apart = abs(exact(mean(values)) - claimed_value(claim, unit))
    spread, rounding = stdev(values), half_unit(claim, unit)
    least = quantile(_WIDTH, most - 1) * spread * math.sqrt(1 + 1 / most)
    widest = quantile(_CLEARLY, len(values) - 1) * spread * math.sqrt(1 + 1 / len(values))
    return apart <= exact(least) + rounding or apart > exact(widest) + rounding


def prediction_interval(values: Sequence[float]) -> float:
    """Return half the width of the 95 % interval in which one more training would fall.

    Example:
        >>> round(prediction_interval([0.9, 0.91, 0.92]), 4)
        0.0497
    """
    wide = quantile(_WIDTH, len(values) - 1)
    return wide * stdev(values) * math.sqrt(1 + 1 / len(values))


def not_comparable(claim: Claim, seen: Observed) -> str:
    """Say why the new value is no answer to the claim, or nothing."""
    metric = claim.metric
    if metric.signature is not None:
        found = comparable(metric.signature, seen.signature)
        if not found:
            return str(found)
    identity, _, version = metric.id.partition("@")
    used, _, here = seen.signature.partition("|")[0].partition("@")
    if version and identity == used and version.partition(".")[0] != here.partition(".")[0]:
        return f"not comparable: version: {version} or {here}"
    if claim.result.n is not None and claim.result.n != seen.n:
        return f"not comparable: n: {claim.result.n} or {seen.n}"
    return ""


def tolerance(claim: Claim, seen: Observed, noise: Noise) -> Decimal:
    """Return how far apart claimed and new value may be, in the unit of the new one."""
    flips = min(noise.doubtful, max(1, seen.n // _CAP))
    from_flips = (Decimal(10) ** SCALES.get(seen.unit, 0)) * flips / max(1, seen.n)
    allowed = half_unit(claim, seen.unit) + max(from_flips, 2 * exact(noise.deviation))
    if claim.tolerance is not None:
        allowed = min(allowed, rescaled(decimal(claim.tolerance), claim, seen.unit))
    return allowed


def exact(value: float) -> Decimal:
    """Return the number that a float is written as: 0.1, not 0.1000000000000000055."""
    return Decimal(repr(value))


def _explained(
    claim: Claim, unit: str, difference: Decimal, paired: Difference | None
) -> tuple[str, bool]:
    """Say what is known of a difference, and whether sampling alone could explain it."""
    side = "above" if difference > 0 else "below"
    said = f"{float(abs(difference)):.6g} {side} the claimed value"
    if paired is None or paired.value is None:
        return said, False
    beyond = difference - exact(paired.value)  # between the claimed predictions and the claim
    if abs(beyond) > half_unit(claim, unit):
        own = claimed_value(claim, unit) + beyond
        return f"{said}; the claimed predictions themselves give {float(own):.6g}", False
    said += f"; {len(paired.differing)} examples differ"
    if paired.ci is not None and paired.ci[0] <= 0 <= paired.ci[1]:
        return f"{said}, which sampling could explain", True
    return said, False
