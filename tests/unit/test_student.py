"""Student's t, and when a few trainings are enough."""

import pytest

from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Stated
from reprise.verify.compare import is_decided, prediction_interval
from reprise.verify.student import below, quantile

# Tables of the distribution, as in any book.
TABLE = {(0.975, 1): 12.706, (0.975, 2): 4.303, (0.975, 9): 2.262, (0.975, 30): 2.042,
         (0.9995, 2): 31.599, (0.9995, 4): 8.610, (0.95, 5): 2.015}  # fmt: skip


@pytest.mark.parametrize(("share", "freedom"), list(TABLE))
def test_quantiles_are_those_of_the_table(share: float, freedom: int) -> None:
    assert quantile(share, freedom) == pytest.approx(TABLE[share, freedom], abs=5e-4)
    assert below(quantile(share, freedom), freedom) == pytest.approx(share, abs=1e-12)


def test_half_lies_below_zero_and_many_numbers_are_normal() -> None:
    assert (below(0.0, 3), quantile(0.5, 7)) == (0.5, pytest.approx(0, abs=1e-12))
    assert quantile(0.975, 1_000_000) == pytest.approx(1.959966, abs=1e-5)


def test_the_interval_of_three_trainings_is_wide() -> None:
    assert prediction_interval([0.90, 0.91, 0.92]) == pytest.approx(0.0496834, abs=1e-6)


def claimed(value: str) -> Claim:
    metric = MetricPin("accuracy@1.0", unit="fraction")
    return Claim("x", ModelPin("a/b"), DataPin("a/c"), metric, Stated(value), kind="training")


@pytest.mark.parametrize(
    ("value", "values", "expected"),
    [
        ("0.91", [0.90, 0.92], False),  # two say nothing
        ("0.91", [0.90, 0.91, 0.92], True),  # inside of what the interval would shrink to
        ("0.95", [0.90, 0.91, 0.92], False),  # inside today, perhaps not of a narrower one
        ("0.99", [0.90, 0.91, 0.92], False),  # outside of 95 %, inside of 99.9 %
        ("0.20", [0.90, 0.91, 0.92], True),  # outside of everything
        ("0.99", [0.90, 0.91, 0.92, 0.91, 0.90], True),  # there will be no more
        ("0.91", [0.5, 0.5, 0.5], True),  # no spread at all, another value
    ],
)
def test_training_ends_when_more_of_it_would_change_nothing(value, values, expected) -> None:
    assert is_decided(claimed(value), values, "fraction", 5) is expected
