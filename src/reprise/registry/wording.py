"""Measured values as people read them: as many digits as the interval allows."""

import math
from collections.abc import Sequence

_DECIMALS = 4  # without an interval
_MOST = 8


def value_text(value: str | float | None, ci: Sequence[str | float] = ()) -> str:
    """Write a value with two digits of its uncertainty.

    Example:
        >>> value_text("0.9146103896", ("0.9045", "0.9244")), value_text("78.123456")
        ('0.9146', '78.1235')
    """
    number = as_number(value)
    return "" if number is None else f"{number:.{_decimals(number, ci)}f}"


def interval_text(value: str | float | None, ci: Sequence[str | float] = ()) -> str:
    """Write what stands behind a value: half of its 95 % interval, or both ends if it is lopsided.

    Example:
        >>> interval_text("0.9146", ("0.9045", "0.9243"))
        '± 0.0099'
    """
    number, ends = as_number(value), [as_number(end) for end in ci]
    if number is None or len(ends) != 2 or ends[0] is None or ends[1] is None:  # noqa: PLR2004
        return ""
    low, high, places = ends[0], ends[1], _decimals(number, ci)
    up, down = high - number, number - low
    if min(up, down) < 0 or abs(up - down) > (up + down) / 4:
        return f"[{low:.{places}f}, {high:.{places}f}]"
    return f"± {(high - low) / 2:.{places}f}"


def as_number(value: str | float | None) -> float | None:
    """Read a decimal text; None for what is no finite number."""
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _decimals(number: float, ci: Sequence[str | float]) -> int:
    ends = [as_number(end) for end in ci]
    if len(ends) != 2 or ends[0] is None or ends[1] is None or ends[0] >= ends[1]:  # noqa: PLR2004
        return 0 if number.is_integer() and abs(number) > 1 else _DECIMALS
    half = (ends[1] - ends[0]) / 2
    return min(_MOST, max(0, 1 - math.floor(math.log10(half))))
