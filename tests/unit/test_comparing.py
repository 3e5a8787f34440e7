"""The rules that decide a claim, each on plain values."""

from dataclasses import replace
from decimal import Decimal

import pytest

from reprise import load_metric
from reprise.base.errors import InvalidInput
from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Stated
from reprise.formats.claimed_values import unit_of
from reprise.formats.verdict import Outcome
from reprise.metrics import paired_difference
from reprise.verify.compare import Noise, Observed, judge, judge_training, tolerance

DIGEST, OTHER = "a" * 64, "b" * 64


def claimed(value: str, unit: str | None = "fraction", **metric: object) -> Claim:
    return Claim(
        task="text-classification",
        model=ModelPin("ada/net"),
        data=DataPin("ada/rows"),
        metric=MetricPin("accuracy@1.0", unit=unit, **metric),
        result=Stated(value, predictions_sha256=DIGEST),
    )


def seen(value: float | None, *, n: int = 3080, digest: str = OTHER, unit: str = "fraction"):
    return Observed(value, unit, n, f"accuracy@1.0|n:{n}|unit:{unit}", digest)


@pytest.mark.parametrize(
    ("value", "new", "outcome"),
    [
        ("0.9146", 2817 / 3080, Outcome.REPRODUCED),  # 0.91461…
        ("0.9146", 2816 / 3080, Outcome.CONTRADICTED),  # 0.91429…: one example fewer
        ("0.915", 2817 / 3080, Outcome.REPRODUCED),  # fewer digits are claimed less exactly
        ("0.9", 0.9499, Outcome.REPRODUCED),
        ("0.9", 0.9501, Outcome.CONTRADICTED),
        ("0.5", 0.55, Outcome.REPRODUCED),  # half a unit is still inside, without rounding errors
        ("0.900", 0.9006, Outcome.CONTRADICTED),
        ("9e-1", 0.94, Outcome.REPRODUCED),
    ],
)
def test_a_value_is_reproduced_to_its_last_digit(value, new, outcome) -> None:
    assert judge(claimed(value), seen(new)).outcome is outcome


@pytest.mark.parametrize(
    ("value", "unit", "new", "outcome"),
    [
        ("91.46", "percent", 2817 / 3080, Outcome.REPRODUCED),
        ("91.46", None, 2817 / 3080, Outcome.REPRODUCED),  # a share above 1 can only be percent
        ("0.9146", None, 2817 / 3080, Outcome.REPRODUCED),
        ("0.9146", "percent", 2817 / 3080, Outcome.CONTRADICTED),
    ],
)
def test_units_are_converted_and_never_guessed_against_the_claim(value, unit, new, outcome) -> None:
    assert judge(claimed(value, unit), seen(new)).outcome is outcome


def test_a_claim_without_unit_gets_the_only_one_it_can_have() -> None:
    assert unit_of(claimed("63.3", None), "fraction") == "percent"
    assert unit_of(claimed("0.412", None), "percent") == "fraction"
    assert unit_of(claimed("12.5", None), "raw") == "raw"


def test_equal_predictions_are_exact_but_do_not_make_a_wrong_value_right() -> None:
    same = seen(2817 / 3080, digest=DIGEST)
    assert judge(claimed("0.9146"), same).outcome is Outcome.EXACT
    assert judge(claimed("0.9946"), same).outcome is Outcome.CONTRADICTED


def test_the_sampling_interval_is_not_the_tolerance() -> None:
    """Spearman of 1,379 pairs has an interval of ±0.02; numeric noise is 1e-8."""
    spearman = replace(claimed("0.820"), metric=MetricPin("spearmanr@1.0", unit="raw"))
    found = Observed(0.811, "raw", 1379, "spearmanr@1.0|n:1379")
    assert judge(spearman, found, Noise(deviation=1e-8)).outcome is Outcome.CONTRADICTED


def test_noise_allows_so_many_flips_and_no_more() -> None:
    found, claim = seen(2816 / 3080), claimed("0.9146")
    assert judge(claim, found, Noise(doubtful=1)).outcome is Outcome.REPRODUCED
    assert tolerance(claim, found, Noise(doubtful=500)) == Decimal("0.00005") + Decimal(3) / 3080
    small = seen(0.5, n=10)
    assert tolerance(claim, small, Noise(doubtful=9)) == Decimal("0.10005")
    percent = seen(50.0, n=10, unit="percent")
    assert tolerance(claim, percent, Noise(doubtful=1)) == Decimal("10.005")


def test_continuous_values_may_move_twice_as_far_as_the_probe_moved() -> None:
    claim = replace(claimed("0.82741"), metric=MetricPin("pearsonr@1.0", unit="raw"))
    found = Observed(0.8274753, "raw", 1379, "pearsonr@1.0|n:1379")
    assert judge(claim, found).outcome is Outcome.CONTRADICTED
    assert judge(claim, found, Noise(deviation=4e-5)).outcome is Outcome.REPRODUCED


def test_a_claim_may_only_be_stricter_than_the_rules() -> None:
    strict = replace(claimed("0.9"), tolerance="0.001")
    assert judge(strict, seen(0.92)).outcome is Outcome.CONTRADICTED
    generous = replace(claimed("0.9146"), tolerance="0.5")
    assert judge(generous, seen(0.8)).outcome is Outcome.CONTRADICTED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"signature": "accuracy@2.0|n:3080|unit:fraction"}, "version: 2.0 or 1.0"),
        ({"signature": "accuracy@1.0|n:100|unit:fraction"}, "n: 100 or 3080"),
        ({"signature": "f1@1.0|n:3080|unit:fraction"}, "id: f1 or accuracy"),
    ],
)
def test_other_metrics_and_other_examples_are_not_comparable(change, reason) -> None:
    found = judge(claimed("0.9146", **change), seen(2817 / 3080))
    assert (found.outcome, found.reason) == (Outcome.NOT_COMPARABLE, f"not comparable: {reason}")


def test_counts_and_versions_are_compared_without_a_signature() -> None:
    claim = claimed("0.9146")
    fewer = replace(claim, result=replace(claim.result, n=100))
    newer = replace(claim, metric=replace(claim.metric, id="accuracy@2.0"))
    assert [judge(it, seen(2817 / 3080)).reason for it in (fewer, newer)] == [
        "not comparable: n: 100 or 3080", "not comparable: version: 2.0 or 1.0",
    ]  # fmt: skip
    assert judge(claim, seen(None)).outcome is Outcome.NOT_COMPARABLE


def pair(wrong_before: int, wrong_after: int, n: int = 400):
    metric, truth = load_metric("accuracy"), [1] * n
    before = metric.compute([0] * wrong_before + [1] * (n - wrong_before), truth)
    after = metric.compute([1] * (n - wrong_after) + [0] * wrong_after, truth)
    return after["accuracy"], paired_difference(before, after)


def test_a_difference_that_sampling_explains_is_close_and_not_a_pass() -> None:
    new, paired = pair(40, 44)
    found = judge(claimed("0.9000"), seen(new, n=400), paired=paired)
    assert (found.outcome, found.outcome.passes) == (Outcome.CLOSE, False)
    assert found.reason == (
        "0.01 below the claimed value; 84 examples differ, which sampling could explain"
    )


def test_a_difference_beyond_sampling_contradicts() -> None:
    new, paired = pair(40, 120)
    found = judge(claimed("0.9000"), seen(new, n=400), paired=paired)
    assert (found.outcome, found.reason) == (
        Outcome.CONTRADICTED, "0.2 below the claimed value; 160 examples differ",
    )  # fmt: skip


def test_predictions_that_do_not_give_the_claimed_value_save_nothing() -> None:
    new, paired = pair(40, 40)
    found = judge(claimed("0.9900"), seen(new, n=400), paired=paired)
    assert (found.outcome, found.reason) == (
        Outcome.CONTRADICTED,
        "0.09 below the claimed value; the claimed predictions themselves give 0.9",
    )


def test_training_is_judged_by_the_interval_of_one_more_training() -> None:
    values = [0.90, 0.91, 0.92]  # ±4.303 · 0.01 · √(1 + 1/3) = 0.0497 around 0.91
    assert judge_training(claimed("0.9500"), values, "fraction").outcome is Outcome.CONSISTENT
    assert judge_training(claimed("0.9600"), values, "fraction").outcome is Outcome.CONTRADICTED
    assert judge_training(claimed("95.00"), values, "fraction").outcome is Outcome.CONTRADICTED
    assert judge_training(claimed("95.00", None), values, "fraction").outcome is Outcome.CONSISTENT
    with pytest.raises(InvalidInput, match="2 trainings say too little"):
        judge_training(claimed("0.9"), [0.9, 0.9], "fraction")
