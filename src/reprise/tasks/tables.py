"""Tables as people have them, and as TAPEX reads them: one line of text.

Source: Liu et al., 2022, "TAPEX: Table Pre-training via Learning a Neural SQL Executor".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput, TooLarge
from reprise.tasks.text import check_text

MAX_CELLS = 1_000_000


@dataclass(frozen=True)
class TableOfText:
    """A table: names of columns, and rows of cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def line(self) -> str:
        """Write it as one line: `col : a | b row 1 : 1 | 2 row 2 : …`."""
        parts = [f"col : {' | '.join(self.header)}"]
        parts += [f"row {number} : {' | '.join(row)}" for number, row in enumerate(self.rows, 1)]
        return " ".join(parts)

    def each(self, change: Callable[[str], str]) -> "TableOfText":
        """Change every cell."""
        return TableOfText(self.header, tuple(tuple(map(change, row)) for row in self.rows))

    def first(self, count: int) -> "TableOfText":
        """Keep only the first rows."""
        return TableOfText(self.header, self.rows[:count])


def read_table(given: Any) -> TableOfText:
    """Read a table: columns by name, a list of rows by name, or a table of pandas or polars.

    Raises:
        InvalidInput: It is no table, or has no cells.
        TooLarge: It has too many.
    """
    if hasattr(given, "columns") and hasattr(given, "to_dict"):
        given = _of_frame(given)
    if isinstance(given, Mapping):
        header, rows = _of_columns(given)
    elif _is_rows(given):
        header = list(dict.fromkeys(name for row in given for name in row))
        rows = [[row.get(name, "") for name in header] for row in given]
    else:
        raise InvalidInput(
            "A table is columns by name, {'name': ['cell', …], …}, a list of rows, or a table of "
            f"pandas, not {type(given).__name__}."
        )
    if not header or not rows:
        raise InvalidInput("The table is empty: it needs a column and a row.")
    if len(header) * len(rows) > MAX_CELLS:
        raise TooLarge(f"The table has {len(header) * len(rows):,} cells; one may have "
                       f"{MAX_CELLS:,}.")  # fmt: skip
    return TableOfText(_texts(header), tuple(_texts(row) for row in rows))


def _of_frame(frame: Any) -> Any:
    """Give the columns of a data frame, of pandas or polars."""
    if hasattr(frame, "iat"):  # pandas, whose own dictionaries have rows by number
        return {name: list(frame[name]) for name in frame.columns}
    return frame.to_dict(as_series=False)


def _of_columns(given: Mapping[Any, Any]) -> tuple[list[Any], list[list[Any]]]:
    columns = list(given.values())
    listed = all(isinstance(it, Sequence) and not isinstance(it, str | bytes) for it in columns)
    if not listed or len({len(it) for it in columns}) > 1:
        raise InvalidInput("The columns of a table must be lists of one length.")
    return list(given), [list(row) for row in zip(*columns, strict=True)]


def _is_rows(given: Any) -> bool:
    return (
        isinstance(given, list | tuple)
        and len(given) > 0
        and all(isinstance(row, Mapping) for row in given)
    )


def _texts(cells: Sequence[Any]) -> tuple[str, ...]:
    return tuple("" if cell is None else _text(cell) for cell in cells)


def _text(cell: Any) -> str:
    return check_text(cell if isinstance(cell, str | bytes) else str(cell), "A cell")
