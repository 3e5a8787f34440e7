"""The value of a claim as a number: its unit, and how exactly it was stated."""

from decimal import Decimal

from reprise.formats.claim import Claim
from reprise.formats.reading import decimal

SCALES = {"fraction": 0, "percent": 2, "raw": 0}  # powers of ten


def half_unit(claim: Claim, unit: str) -> Decimal:
    """Return half a unit in the last place of the claimed value."""
    exponent = decimal(claim.result.value).as_tuple().exponent
    assert isinstance(exponent, int)
    return rescaled(Decimal(5).scaleb(exponent - 1), claim, unit)


def claimed_value(claim: Claim, unit: str) -> Decimal:
    """Return the claimed value in another unit."""
    return rescaled(decimal(claim.result.value), claim, unit)


def unit_of(claim: Claim, unit: str) -> str:
    """Return the unit of a claim; where it names none, the one that its value can have.

    A share above 1 can only be a percentage; cards do not say.
    """
    if claim.metric.unit is not None:
        return claim.metric.unit
    if unit == "raw":
        return unit
    return "percent" if abs(decimal(claim.result.value)) > 1 else "fraction"


def rescaled(value: Decimal, claim: Claim, unit: str) -> Decimal:
    """Return a number in the claim's unit in another unit."""
    return value.scaleb(SCALES.get(unit, 0) - SCALES[unit_of(claim, unit)])
