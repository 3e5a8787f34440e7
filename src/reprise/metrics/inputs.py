"""Read what callers hand over: lists, arrays, tensors and columns, checked first."""

import math
from collections.abc import Hashable, Mapping, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import Columns

_SHOWN = 80  # characters of somebody's value in a message
_LISTED = 3
_EXACT = 2**53  # up to here float64 holds every whole number


def as_list(values: Any, what: str) -> list[Any]:
    """Return any column as a list of plain Python values.

    Args:
        values: A list, tuple, numpy array, tensor, pandas or Arrow column.
        what: "predictions" or "references", for messages.

    Raises:
        InvalidInput: It is nothing of that kind.
    """
    if isinstance(values, list | tuple):
        return [item.tolist() if hasattr(item, "tolist") else item for item in values]
    for method in ("tolist", "to_pylist", "to_list"):
        convert = getattr(values, method, None)
        if callable(convert):
            found = convert()
            if isinstance(found, list):
                return found
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return list(values)
    if hasattr(values, "__iter__") and not isinstance(values, str | bytes | Mapping):
        return list(values)
    raise InvalidInput(f"{what} must be a list, one entry per example, not {shown(values)}.")


def check_lengths(predictions: Sized, references: Sized) -> None:
    """Make sure that every prediction has its reference.

    Raises:
        InvalidInput: The numbers differ.
    """
    if len(predictions) != len(references):
        raise InvalidInput(
            f"There are {len(predictions)} predictions and {len(references)} references.",
            hint="Give one reference per prediction, in the same order.",
        )


def paired(predictions: Any, references: Any) -> tuple[list[Any], list[Any]]:
    """Read both columns and compare their lengths."""
    if references is None:
        raise InvalidInput("references are missing.")
    left, right = as_list(predictions, "predictions"), as_list(references, "references")
    check_lengths(left, right)
    return left, right


def texts(predictions: Any, references: Any, what: str = "a text") -> Columns:
    """Read one text per example on both sides."""
    left, right = paired(predictions, references)
    for name, column in (("prediction", left), ("reference", right)):
        for index, item in enumerate(column):
            if not isinstance(item, str):
                raise InvalidInput(f"{name} {index} must be {what}, not {shown(item)}.")
    return Columns(left, right, range(len(left)))


def numbers(values: Any, what: str) -> NDArray[np.float64]:
    """Read a column of finite numbers as float64.

    Raises:
        InvalidInput: An entry is no number, is NaN or infinite, or there is more than one axis.
    """
    column = _array(values)
    if column is None or column.dtype.kind not in "iuf":
        plain = as_list(values, what)
        for index, item in enumerate(plain):
            if isinstance(item, bool) or not isinstance(item, int | float):
                raise InvalidInput(f"{what}[{index}] must be a number, not {shown(item)}.")
        column = np.array(plain, np.float64)
    if column.ndim != 1:
        raise InvalidInput(f"{what} must be one number per example, not shape {column.shape}.")
    column = column.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(column))
    if len(bad):
        raise InvalidInput(
            f"{what}[{bad[0]}] is {column[bad[0]]}, and {len(bad)} in all are not finite.",
            hint="Find out where they come from; leaving them out would change the number.",
        )
    return column


def labels(values: Any, what: str) -> "NDArray[np.int64] | list[str]":
    """Read a column of class labels: whole numbers, or texts.

    Raises:
        InvalidInput: Scores, missing values, lists, or a mix of both kinds.
    """
    column = _array(values)
    if column is not None and column.dtype.kind in "iub" and column.ndim == 1:
        return _in_range(column, what)
    if column is not None and column.ndim > 1:
        raise InvalidInput(
            f"{what} must be one label per example, not shape {column.shape}.",
            hint="From logits, take the best class first: logits.argmax(-1).",
        )
    plain = as_list(values, what)
    kinds = {type(item) for item in plain}
    if kinds <= {str}:
        return plain
    return _in_range(np.array([_label(item, what, i) for i, item in enumerate(plain)]), what)


def _in_range(column: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Refuse labels that float64 would take for one another."""
    if len(column) and not -_EXACT <= int(column.min()) <= int(column.max()) <= _EXACT:
        raise InvalidInput(f"{what} holds numbers beyond 2**53; give such labels as texts.")
    return column.astype(np.int64)


def _label(item: Any, what: str, index: int) -> int:
    if isinstance(item, int):
        return int(item)
    if isinstance(item, float) and item.is_integer():
        return int(item)
    if isinstance(item, float) and math.isfinite(item):
        raise InvalidInput(
            f"{what}[{index}] is {item}, which looks like a score, not like a class.",
            hint="Compare it with a threshold first, or use roc_auc for scores.",
        )
    if isinstance(item, str):
        raise InvalidInput(f"{what} holds texts and numbers; {shown(item)} at {index} is a text.")
    raise InvalidInput(f"{what}[{index}] must be a label, not {shown(item)}.")


def _array(values: Any) -> "NDArray[Any] | None":
    """Return arrays, tensors and lists of plain numbers as an array; None for all else."""
    if isinstance(values, list | tuple):
        kinds = {type(item) for item in values}
        is_uniform = kinds <= {int} or kinds <= {float} or kinds <= {bool}
        if not is_uniform and not all(issubclass(kind, np.generic) for kind in kinds):
            return None
    elif not hasattr(values, "__array__"):
        return None
    try:
        return np.asarray(values)
    except (TypeError, RuntimeError, ValueError, OverflowError):
        return None  # a tensor on another device, bfloat16, a number of a hundred digits


def unique_ids(ids: Sequence[Hashable], what: str) -> None:
    """Make sure that no id occurs twice.

    Raises:
        InvalidInput: One does.
    """
    seen: set[Hashable] = set()
    for item in ids:
        try:
            hash(item)
        except TypeError:
            raise InvalidInput(f"An id must be a text or a number, not {shown(item)}.") from None
        if item in seen:
            raise InvalidInput(f"{what} hold the id {shown(item)} twice.")
        seen.add(item)


def shown(value: Any) -> str:
    """Show somebody's value in a message, not too much of it."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def listed(items: Any) -> str:
    """Name the first few of some items."""
    some = [shown(item) for item in islice(items, _LISTED + 1)]
    return ", ".join(some[:_LISTED]) + (", …" if some[_LISTED:] else "")
