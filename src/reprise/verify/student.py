"""Student's t distribution: how wide the interval of a few numbers must be."""

import math
from functools import lru_cache

_STEPS = 200  # halvings of an interval, and terms of a fraction: more than floats can tell apart
_SMALL = 1e-300
_ENOUGH = 1e-16


@lru_cache(maxsize=256)
def quantile(share: float, freedom: int) -> float:
    """Return the number below which a share of the distribution lies.

    Args:
        share: From 0.5, below 1: 0.975 for a two-sided interval of 95 %.
        freedom: Degrees of freedom, from 1.

    Example:
        >>> round(quantile(0.975, 2), 4)
        4.3027
    """
    low, high = 0.0, 1.0
    while below(high, freedom) < share:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if below(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def below(number: float, freedom: int) -> float:
    """Return the share of the distribution below a number that is not negative."""
    square = number * number
    if square < freedom:  # near the middle, where 1 - x would lose digits
        return 0.5 + _beta(square / (freedom + square), 0.5, freedom / 2) / 2
    return 1 - _beta(freedom / (freedom + square), freedom / 2, 0.5) / 2


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function (DLMF 8.17.22, by Lentz's method)."""
    if x in {0.0, 1.0}:
        return x
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logarithm + a * math.log(x) + b * math.log1p(-x)) / a
    result, upper, lower = 1.0, 1.0, 0.0
    for term in range(_STEPS):
        factor = _coefficient(term, x, a, b)
        lower = 1 / _not_zero(1 + factor * lower)
        upper = _not_zero(1 + factor / upper)
        result *= upper * lower
        if abs(1 - upper * lower) < _ENOUGH:
            break
    return front * (result - 1)


def _coefficient(term: int, x: float, a: float, b: float) -> float:
    half = term // 2
    if term == 0:
        return 1.0
    if term % 2:
        return -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
    return half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))


def _not_zero(value: float) -> float:
    return value if abs(value) > _SMALL else _SMALL
