"""Find and read the columns of examples: those that are named, or those that must be meant."""

from collections.abc import Callable, Sequence
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.verify.rows import Rows

_HIDDEN = -1  # what benchmarks put where labels are kept secret


def column(rows: Rows, wanted: str | None, usual: Sequence[str], argument: str) -> str:
    """Return the name of a column.

    Args:
        rows: The data.
        wanted: What somebody named; None for one of the usual ones.
        usual: Names that say what they hold, in lower case, the surest first.
        argument: What to name, for messages.

    Raises:
        InvalidInput: It is not there, or nobody says which one is meant.
    """
    names = list(rows.columns)
    shown = ", ".join(names) or "no columns"
    if wanted is not None:
        if wanted not in names:
            raise InvalidInput(f"{argument} is {wanted!r}, and the data has {shown}.")
        return wanted
    lower = {name.lower(): name for name in names}
    found = next((lower[name] for name in usual if name in lower), None)
    if found is None:
        raise InvalidInput(f"Say which column it is: {argument}; the data has {shown}.")
    return found


def texts(rows: Rows, name: str) -> list[str]:
    """Return a column of texts."""
    return _checked(rows, name, "a text", lambda item: isinstance(item, str))


def numbers(rows: Rows, name: str) -> list[float]:
    """Return a column of numbers."""
    return _checked(rows, name, "a number", _is_number)


def lists_of_texts(rows: Rows, name: str) -> list[list[str]]:
    """Return a column of lists of texts."""
    return _checked(rows, name, "a list of texts", _is_texts)


def text_or_texts(rows: Rows, name: str) -> list[Any]:
    """Return a column whose cells are texts or lists of texts."""
    return _checked(
        rows, name, "a text or a list of texts", lambda it: isinstance(it, str) or _is_texts(it)
    )


def labels(rows: Rows, name: str) -> list[Any]:
    """Return a column of labels: names where the data names its numbers, else as they are.

    Raises:
        InvalidInput: A label is hidden, is none, or has no name.
    """
    known = rows.names.get(name, ())
    return [_label(item, known, f"{name}[{at}]") for at, item in enumerate(rows.columns[name])]


def label_lists(rows: Rows, name: str) -> list[list[Any]]:
    """Return a column of lists of labels, as `labels`."""
    known, found = rows.names.get(name, ()), []
    for at, item in enumerate(rows.columns[name]):
        if not isinstance(item, list):
            raise InvalidInput(f"{name}[{at}] must be a list of labels, not {str(item)[:80]!r}.")
        found.append([_label(one, known, f"{name}[{at}]") for one in item])
    return found


def _label(item: Any, known: Sequence[str], place: str) -> Any:
    if isinstance(item, str):
        return item
    if not isinstance(item, int) or isinstance(item, bool):
        raise InvalidInput(f"{place} must be a label, not {str(item)[:80]!r}.")
    if item == _HIDDEN:
        raise InvalidInput(f"{place} is -1: the labels of this split are hidden.")
    if known and not 0 <= item < len(known):
        raise InvalidInput(f"{place} is {item}, and there are {len(known)} labels.")
    return known[item] if known else item


def _checked(rows: Rows, name: str, what: str, is_right: Callable[[Any], bool]) -> list[Any]:
    values = rows.columns[name]
    for at, item in enumerate(values):
        if not is_right(item):
            raise InvalidInput(f"{name}[{at}] must be {what}, not {str(item)[:80]!r}.")
    return list(values)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float) and not isinstance(item, bool)


def _is_texts(item: Any) -> bool:
    return isinstance(item, list) and all(isinstance(one, str) for one in item)
