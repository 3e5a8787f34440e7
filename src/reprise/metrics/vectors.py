"""Test vectors: small inputs with the values that a version of a metric gives, for ever."""

import json
import math
from functools import cache
from importlib.resources import files
from typing import Any

from reprise.metrics.definition import Definition

_TOLERANCE = 1e-12  # relative; another order of additions may cost the last bits


@cache
def _all() -> dict[str, Any]:
    text = (files(__package__) / "vectors.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def vectors_of(definition: Definition) -> list[dict[str, Any]]:
    """Return the vectors of a definition: `options`, `predictions`, `references`, `values`."""
    found: list[dict[str, Any]] = _all().get(definition.name, {}).get("vectors", [])
    return found


def recorded_hash(definition: Definition) -> str | None:
    """Return the definition hash that was recorded when the version was made, or last rewritten."""
    found: str | None = _all().get(definition.name, {}).get("def")
    return found


def same(found: Any, expected: Any) -> bool:
    """Tell whether a value is the one of a vector, up to rounding."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            same(found[key], expected[key]) for key in expected
        )
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, float) and isinstance(found, float | int):
        return math.isclose(found, expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    return bool(found == expected)
