"""Scores of single examples, from the statistics that a verifier keeps as evidence.

A hub knows no metric. It takes a column of the statistics, or the equality of two, as the score of
an example only where the mean of these scores is the value that was measured: then it is a mean of
examples, and these are they. The same goes for the sum of one column over that of another, as in
error rates.
"""

import json
import math
from collections.abc import Callable, Iterator
from itertools import permutations
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
_MAX_COLUMNS = 6
_EQUAL = 1e-9  # relative: sums in another order

# What an example adds above and below the line of a fraction; below a mean it is 1.
Score = tuple[float, float]


def read(text: str, value: float) -> dict[str, Score] | None:
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
        names = [name for name in rows[0] if name not in _NAMED][:_MAX_COLUMNS]
        for score in _ways(names):
            scores = [score(row) for row in rows]
            above, below = (math.fsum(part) for part in zip(*scores, strict=True))
            for scale in (1.0, _PERCENT) if below > 0 else ():
                if math.isclose(scale * above / below, value, rel_tol=_EQUAL, abs_tol=_EQUAL):
                    scaled = ((scale * one, other) for one, other in scores)
                    return dict(zip(ids, scaled, strict=True))
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    return None


def of_verdict(registry: Registry, posted: PostedVerdict, value: float) -> dict[str, Score] | None:
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


def _ways(names: list[str]) -> Iterator[Callable[[dict[str, Any]], Score]]:
    """List the ways in which a row can be a score."""
    if len(names) == 2:  # noqa: PLR2004 - what was predicted, and what is right
        first, second = names
        yield lambda row: (float(_plain(row[first]) == _plain(row[second])), 1.0)
    for name in names:
        yield lambda row, name=name: (_number(row[name]), 1.0)  # type: ignore[misc]
    for one, other in permutations(names, 2):
        yield lambda row, a=one, b=other: (  # type: ignore[misc]
            _number(row[a]),
            _number(row[b]),
        )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return math.nan  # never close to any value, so that the other columns are tried
    return float(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)


def _key(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
