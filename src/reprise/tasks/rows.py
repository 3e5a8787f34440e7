"""Rows: what a model reads at once, before rows of about one length become a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_PADDED = ("input_ids", "token_type_ids")  # besides the mask; all else has one shape for all rows


@dataclass(frozen=True, eq=False)
class Row:
    """One row of a batch to be.

    Attributes:
        features: The model's arguments, without the side for the batch: `input_ids` is [T].
        cost: Tokens, or what takes as long.
        note: What the task wants to know when the answer is there.
    """

    features: Mapping[str, Array]
    cost: int
    note: Any = None


@dataclass(frozen=True)
class Pad:
    """How rows of text get one length.

    Attributes:
        ids: Token that fills; None: the model has none, so rows of different lengths never meet.
        types: Its segment.
        left: Whether the filling comes first.
    """

    ids: int | None = 0
    types: int = 0
    left: bool = False


def stack(rows: Sequence[Row], pad: Pad, width: int = 0) -> dict[str, Array]:
    """Lay rows one below the other; gives the model's arguments, `attention_mask` added to text.

    Args:
        rows: At least one.
        pad: How they get one length.
        width: Which, when it is more than that of the longest.
    """
    first = rows[0].features
    made = {n: np.stack([row.features[n] for row in rows]) for n in first if n not in _PADDED}
    if "input_ids" not in first:
        return made
    lengths = [len(row.features["input_ids"]) for row in rows]
    fillings = {"input_ids": pad.ids or 0, "token_type_ids": pad.types}
    shape = len(rows), max(width, *lengths)
    for name in _PADDED:
        if name in first:
            made[name] = np.full(shape, fillings[name], np.int64)
    made["attention_mask"] = np.zeros(shape, np.int64)
    for at, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        there = _there(length, shape[1], left=pad.left)
        made["attention_mask"][at, there] = 1
        for name in _PADDED:
            if name in first:
                made[name][at, there] = row.features[name]
    return made


def unstack(fields: Mapping[str, Any], rows: Sequence[Row], pad: Pad,
            *, by_token: bool, width: int = 0) -> list[dict[str, Array]]:  # fmt: skip
    """Cut the fields of an answer into rows and, where they have a side for tokens, padding off."""
    lengths = [len(row.features.get("input_ids", ())) for row in rows]
    width = max(width, *lengths)
    cut = [_there(length, width, left=pad.left) for length in lengths]
    if not by_token or not width:
        cut = [slice(None)] * len(rows)
    return [
        {n: v[at][cut[at]] if v.ndim > 1 else v[at] for n, v in fields.items()}
        for at in range(len(rows))
    ]


def _there(length: int, width: int, *, left: bool) -> slice:
    return slice(width - length, width) if left else slice(0, length)
