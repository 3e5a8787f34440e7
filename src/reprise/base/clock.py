"""Time as values that are passed in, never read from the side."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

# Microseconds since 1970 in UTC: one integer type that every database shares.
Clock = Callable[[], int]


def system_clock() -> int:
    """Return the current time in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def iso(micros: int) -> str:
    """Format microseconds as the protocol writes times: `2026-11-21T07:46:00.000Z`.

    Example:
        >>> iso(0)
        '1970-01-01T00:00:00.000Z'
    """
    moment = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
