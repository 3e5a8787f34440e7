"""Scores of single examples, from the statistics that a verifier keeps as evidence.

A hub knows no metric. It takes a column of the statistics, or the equality of two, as the score of
an example only where the mean of these scores is the value that was measured: then it is a mean of
examples, and these are they.
"""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from reprise.base.errors import RepriseError
from reprise.registry import verdicts
from reprise.registry.registry import Registry
from reprise.registry.verdicts import PostedVerdict

EXAMPLES = "examples.jsonl"  # in the evidence
MAX_BYTES = 32 << 20
_MAX_ROWS = 200_000
_FORMAT = "reprise-examples/1"
_NAMED = ("id", "prediction")
_PERCENT = 100.0
_EQUAL = 1e-9  # relative: sums in another order


def read(text: str, value: float) -> dict[str, float] | None:
    """Return the score of every example, in the value's unit; None where the value is no mean.

    Args:
        text: The file `examples.jsonl` of a verdict's evidence; it may hold anything.
        value: What the verdict measured.
    """
    if len(text) > MAX_BYTES:
        return None
    try:
        rows = list(_rows(text))
        ids = [_key(row["id"]) for row in rows]
        if not rows or len(set(ids)) != len(rows):
            return None
        names = [name for name in rows[0] if name not in _NAMED]
        for score in _ways(names):
            scores = [score(row) for row in rows]
            mean = math.fsum(scores) / len(scores)
            for scale in (1.0, _PERCENT):
                if math.isclose(scale * mean, value, rel_tol=_EQUAL, abs_tol=_EQUAL):
                    return {key: scale * one for key, one in zip(ids, scores, strict=True)}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    return None


def of_verdict(registry: Registry, posted: PostedVerdict, value: float) -> dict[str, float] | None:
    """Read the scores behind a verdict from the evidence that came with it."""
    try:
        text = verdicts.evidence_of(registry, posted).get(EXAMPLES)
    except (RepriseError, OSError, ValueError):  # gone from the store: the verdict stays signed
        return None
    return read(text, value) if text is not None else None


def _rows(text: str) -> Iterator[dict[str, Any]]:
    lines = iter(text.rstrip("\n").split("\n"))  # and at no other line end: texts may hold those
    header = json.loads(next(lines, "null"))
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError("no examples")
    for number, line in enumerate(lines):
        row = json.loads(line)
        if not isinstance(row, dict) or number >= _MAX_ROWS:
            raise ValueError("no example, or too many")
        yield row


def _ways(names: list[str]) -> Iterator[Callable[[dict[str, Any]], float]]:
    """List the ways in which a row can be a score."""
    if len(names) == 2:  # noqa: PLR2004 - what was predicted, and what is right
        first, second = names
        yield lambda row: float(_plain(row[first]) == _plain(row[second]))
    for name in names:
        yield lambda row, name=name: _number(row[name])  # type: ignore[misc]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan  # never close to any value, so that the other columns are tried
    return float(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)


def _key(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
