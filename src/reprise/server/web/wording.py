"""Numbers and times as people read them."""

from datetime import UTC, datetime

_MICROS = 1_000_000
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# From this age on a date says more than a number of days.
_DATED = 45 * _DAY
_THOUSAND = 1000


def short_count(number: int) -> str:
    """Shorten a count: `999`, `1.2k`, `22.7M`, `7B`."""
    value = float(number)
    for unit in ("", "k", "M", "B", "T"):
        if abs(value) < _THOUSAND or unit == "T":
            break
        value /= _THOUSAND
    text = f"{value:.1f}" if unit and value < 100 else f"{value:.0f}"  # noqa: PLR2004
    return text.removesuffix(".0") + unit


def file_size(size: int) -> str:
    """Write a size in decimal units: `512 B`, `1.5 kB`, `438 MB`."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _THOUSAND or unit == "TB":
            break
        value /= _THOUSAND
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"  # noqa: PLR2004


def ago(micros: int, now: int) -> str:
    """Say how long ago something was: `just now`, `5 minutes ago`, `12 March 2026`."""
    age = (now - micros) // _MICROS
    if age >= _DATED:
        return date(micros)
    for length, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count = age // length
        if count >= 1:
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now"


def date(micros: int) -> str:
    """Write a day: `12 March 2026`."""
    moment = datetime.fromtimestamp(micros / _MICROS, UTC)
    return f"{moment.day} {moment:%B %Y}"
