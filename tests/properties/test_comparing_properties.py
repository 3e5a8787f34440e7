"""Honest claims pass whatever their digits and unit; no noise lets a wrong one through."""

from decimal import ROUND_HALF_EVEN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from reprise.formats.claim import Claim, DataPin, MetricPin, ModelPin, Stated
from reprise.verify.compare import Noise, Observed, judge


def claimed(value: Decimal, decimals: int, unit: str | None) -> Claim:
    text = str(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN))
    metric = MetricPin("accuracy@1.0", unit=unit)
    return Claim("t", ModelPin("ada/net"), DataPin("ada/rows"), metric, Stated(text))


def seen(right: int, n: int) -> Observed:
    return Observed(right / n, "fraction", n, f"accuracy@1.0|n:{n}|unit:fraction")


@given(st.integers(1, 20_000), st.data(), st.integers(1, 8), st.booleans())
def test_a_value_that_was_rounded_honestly_is_reproduced(n, data, decimals, is_percent) -> None:
    right = data.draw(st.integers(0, n))
    exact = Decimal(repr(right / n)) * (100 if is_percent else 1)
    claim = claimed(exact, decimals, "percent" if is_percent else "fraction")
    assert judge(claim, seen(right, n)).outcome.passes


@given(st.integers(10, 20_000), st.data(), st.integers(0, 10**6))
def test_more_wrong_answers_than_noise_can_flip_never_pass(n, data, doubtful) -> None:
    right = data.draw(st.integers(0, n))
    most = max(1, n // 1000)
    moved = data.draw(st.integers(most + 1, n))
    lie = right + moved if right + moved <= n else right - moved
    claim = claimed(Decimal(lie) / n, 8, "fraction")
    found = judge(claim, seen(right, n), Noise(doubtful=doubtful))
    assert not found.outcome.passes
    assert found.tolerance <= Decimal(most) / n + Decimal("5e-9")
