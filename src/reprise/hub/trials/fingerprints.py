"""Compare what entry points gave for one seed, now and an earlier time."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

# Another processor or thread count sums in another order; that is no other result.
TOLERANCE = 1e-3  # of the largest number
_FLOOR = 1e-6
_MAX_ENTRIES = 200


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say what drifted between two fingerprints, entry point by entry point.

    Both come over the wire: parts that are not as `trial.try_entry` makes them count as absent.

    Args:
        old: By entry point: `state`, `value` and `calls`.
        new: The same for today.
    """
    names = sorted(old.keys() & new.keys())[:_MAX_ENTRIES]
    return [f"{name} {text}" for name in names for text in _of_entry(old[name], new[name])]


def _of_entry(old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return
    before, after = _print(old.get("state")), _print(new.get("state"))
    if before and after and before["sha256"] != after["sha256"]:
        yield "has other weights"
    yield from _of_value(old.get("value"), new.get("value"), "gives")
    calls = zip(_list(old.get("calls")), _list(new.get("calls")), strict=False)
    for index, (was, now) in enumerate(calls, 1):
        yield from _of_value(was, now, f"answers call {index} with")


def _of_value(old: Any, new: Any, verb: str) -> Iterator[str]:
    before, after = _print(old), _print(new)
    if not before or not after or before["sha256"] == after["sha256"]:
        return
    if before.get("form") != after.get("form"):
        yield f"{verb} {_short(after.get('form'))} instead of {_short(before.get('form'))}"
        return
    if before.get("outline") != after.get("outline"):
        yield f"{verb} another value"
        return
    apart = _apart(_list(before.get("sample")), _list(after.get("sample")))
    if apart is None:
        yield f"{verb} another value"
    elif apart > TOLERANCE:
        yield f"{verb} numbers that differ by {apart:.2g} of the largest"


def _apart(old: list[Any], new: list[Any]) -> float | None:
    """Return the largest difference relative to the largest number; None when none is known."""
    if len(old) != len(new) or not old:
        return None
    pairs = list(zip(old, new, strict=True))
    if any((a is None) != (b is None) for a, b in pairs):
        return math.inf
    numbers = [(float(a), float(b)) for a, b in pairs if _is_number(a) and _is_number(b)]
    largest = max((max(abs(a), abs(b)) for a, b in numbers), default=0.0)
    furthest = max((abs(a - b) for a, b in numbers), default=0.0)
    return furthest / max(largest, _FLOOR)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _print(value: Any) -> dict[str, Any] | None:
    good = isinstance(value, dict) and isinstance(value.get("sha256"), str)
    return value if good else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _short(value: Any) -> str:
    return str(value)[:80]
