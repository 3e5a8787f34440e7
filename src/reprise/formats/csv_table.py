"""Tables as CSV that a spreadsheet cannot be tricked with: no cell of text becomes a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def write(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a heading and rows; None is an empty cell.

    Example:
        >>> print(write(["model", "value"], [["=HYPERLINK(1)", -0.5], ["a,b", None]]), end="")
        model,value
        '=HYPERLINK(1),-0.5
        "a,b",
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a bare one ends rows for some readers
    return f"'{text}" if text.startswith(_FORMULA) else text
