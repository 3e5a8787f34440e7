"""Predictions as a file: one canonical JSON line per example, so that equal ones are equal bytes.

What a model answers takes many shapes; here it becomes what metrics take: a label, a list of tags,
a text, a number. The margin says how clear a decision was.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidFormat

FOLDER = ".reprise/predictions"
MAX_SIZE = 1 << 30  # bytes
_HALF = re.compile("[\ud800-\udfff]")  # halves of characters, which no file can hold
_SCORES = ("score", "probability", "confidence")
_NAMES = ("label", "class", "answer", "text", "generated_text", "entity")


@dataclass(frozen=True)
class Prediction:
    """One answer: its value, how far it is from the next best, and the score behind it."""

    value: Any
    score: float | None = None
    margin: float | None = None


def read_answer(answer: Any) -> Prediction:
    """Return the prediction in what a model answered.

    Args:
        answer: A plain value; a mapping with `label` and `score`; or a list of such, best first.

    Raises:
        InvalidFormat: It is none of these.

    Example:
        >>> read_answer([{"label": "a", "score": 0.75}, {"label": "b", "score": 0.25}])
        Prediction(value='a', score=0.75, margin=0.5)
        >>> read_answer(["O", "B-X"]).value
        ['O', 'B-X']
    """
    if isinstance(answer, Mapping):
        return _scored(answer)
    if _is_plain(answer):
        return Prediction(answer)
    if isinstance(answer, Sequence) and not isinstance(answer, str | bytes):
        items = list(answer)
        if items and all(isinstance(item, Mapping) for item in items):
            return _ranked([_scored(item) for item in items])
        if all(_is_plain(item) for item in items):
            return Prediction(items)
    raise InvalidFormat(
        f"The model answered {type(answer).__name__}, which is no label, text, number or list."
    )


def encode(ids: Sequence[Any], values: Sequence[Any]) -> bytes:
    """Return predictions as lines of canonical JSON: `{"id": …, "prediction": …}`."""
    pairs = zip(ids, values, strict=True)
    lines = [canonical_json({"id": key, "prediction": value}) for key, value in pairs]
    return b"".join(line + b"\n" for line in lines)


def digest(ids: Sequence[Any], values: Sequence[Any]) -> str:
    """Return the SHA-256 that a claim gives of its predictions."""
    return sha256_hex(encode(ids, values))


def decode(data: bytes) -> dict[Any, Any]:
    """Read predictions by id.

    Raises:
        InvalidFormat: They are not what `encode` writes, or an id comes twice.
    """
    found: dict[Any, Any] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            row = json.loads(line)
            key = row["id"]
            is_new = key not in found
            found[key] = row["prediction"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InvalidFormat(f"Line {number} of the predictions is none.") from None
        if not is_new:
            raise InvalidFormat(f"The predictions have example {str(key)[:80]!r} twice.")
    return found


def stored(folder: Path, sha256: str | None) -> dict[Any, Any] | None:
    """Find the claimed predictions among the files of a repo, by digest.

    Raises:
        InvalidFormat: They have the digest and are no predictions.
    """
    if sha256 is None:
        return None
    for path in sorted((folder / FOLDER).glob("*.jsonl")):
        if path.stat().st_size > MAX_SIZE:
            continue
        data = path.read_bytes()
        if sha256_hex(data) == sha256:
            return decode(data)
    return None


def _scored(answer: Mapping[str, Any]) -> Prediction:
    name = next((key for key in _NAMES if key in answer), None)
    if name is None or not _is_plain(answer[name]):
        known = ", ".join(map(str, list(answer)[:5]))
        raise InvalidFormat(f"The model answered a mapping with {known}: none of them is a label.")
    score = next((answer[key] for key in _SCORES if key in answer), None)
    is_number = isinstance(score, int | float) and not isinstance(score, bool)
    if score is None or not is_number or not math.isfinite(score):
        return Prediction(answer[name])
    return Prediction(answer[name], float(score))


def _ranked(found: list[Prediction]) -> Prediction:
    """Take the best of several; the first where there are no scores."""
    if any(item.score is None for item in found):
        return Prediction(found[0].value)
    ordered = sorted(found, key=lambda item: -(item.score or 0.0))
    best = ordered[0]
    margin = (best.score or 0.0) - (ordered[1].score or 0.0) if ordered[1:] else None
    return Prediction(best.value, best.score, margin)


def _is_plain(value: Any) -> bool:
    """Tell whether a value can be kept: a text that is one, or a finite number."""
    if isinstance(value, str):
        return value.isascii() or not _HALF.search(value)
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
