"""Student's t against scipy."""

import pytest

from reprise.verify.student import below, quantile

stats = pytest.importorskip("scipy.stats")


def test_quantiles_are_those_of_scipy() -> None:
    for freedom in [*range(1, 60), 100, 1_000, 100_000]:
        for share in (0.5, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9995):
            expected = stats.t.ppf(share, freedom)
            assert quantile(share, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_shares_are_those_of_scipy() -> None:
    for freedom in (1, 2, 3, 7, 30, 500):
        for number in (0.0, 0.001, 0.5, 1.0, 2.5, 10.0, 300.0):
            expected = stats.t.cdf(number, freedom)
            assert below(number, freedom) == pytest.approx(expected, abs=1e-13)
