"""Rows and batches as functions see them: mappings that convert a column when it is touched."""

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from itertools import islice
from sys import getrefcount
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.convert import to_list
from reprise.data.features import Features


class Window:
    """Some rows of a data set, converted to Python column by column, on demand."""

    __slots__ = ("columns", "features", "lists", "table")

    def __init__(self, table: pa.Table, features: Features) -> None:
        self.table = table
        self.features = features
        self.columns = dict.fromkeys(table.column_names)
        self.lists: dict[str, list[Any]] = {}

    def values(self, name: str) -> list[Any]:
        """Return a column as a list.

        Raises:
            KeyError: There is no such column.
        """
        found = self.lists.get(name)
        if found is None:
            if name not in self.columns:
                raise KeyError(name)
            found = self.lists[name] = to_list(self.table[name], self.features.get(name))
        return found

    def rows(self) -> Iterator["Row"]:
        """Yield every row, with nothing converted."""
        return (Row.at(self, number) for number in range(self.table.num_rows))

    def call(
        self, function: Callable[["Row"], Any], touched: Sequence[str], answers: list[Any]
    ) -> None:
        """Call a function on the rows that have no answer yet, and add what it answers.

        A row that nobody holds on to after the call, and that was neither changed nor asked for
        another column, is filled again for the next one: making mappings takes longer than most
        functions do.

        Args:
            function: Takes a row.
            touched: Columns that it will ask for, put in beforehand.
            answers: One for each row that is done already.
        """
        if len(touched) == 1:
            self._call_with_one(function, touched[0], answers)
            return
        row, alone, fill, add = Row.at(self, 0), 0, dict.update, answers.append
        for number, cells in enumerate(self._cells(touched, len(answers)), len(answers)):
            held = getrefcount(row)  # in one place, since how many it counts depends on the place
            alone = alone or held
            if held != alone or row._is_used:  # noqa: SLF001 - of this module
                row = Row.at(self, number)
            row._number = number  # noqa: SLF001 - of this module
            fill(row, cells)
            add(function(row))

    def _call_with_one(
        self, function: Callable[["Row"], Any], name: str, answers: list[Any]
    ) -> None:
        """Do the same for one column, the usual case, at half of the cost."""
        row, alone, put, add = Row.at(self, 0), 0, dict.__setitem__, answers.append
        start = len(answers)
        for number, cell in enumerate(islice(self.values(name), start, None), start):
            held = getrefcount(row)
            alone = alone or held
            if held != alone or row._is_used:  # noqa: SLF001 - of this module
                row = Row.at(self, number)
            row._number = number  # noqa: SLF001 - of this module
            put(row, name, cell)
            add(function(row))

    def _cells(self, touched: Sequence[str], start: int) -> Iterator[Any]:
        """Yield, for every row, pairs of a column's name and its value."""
        size = self.table.num_rows
        if not touched:
            return iter([()] * (size - start))
        columns = (zip([name] * size, self.values(name), strict=True) for name in touched)
        return islice(zip(*columns, strict=True), start, None)


class _Lazy(dict[str, Any]):
    """A dict whose missing values are converted when they are asked for.

    What was set or touched lies in the dict itself; everything that looks at the whole makes the
    whole first.
    """

    __slots__ = ("_gone", "_is_used", "_window")

    _window: Window
    _gone: set[str] | None
    _is_used: bool  # whether it holds more, less or other values than it was filled with

    def _convert(self, name: str) -> Any:
        raise NotImplementedError

    def __missing__(self, name: str) -> Any:
        if self._gone and name in self._gone:
            raise KeyError(name)
        value = self._convert(name)
        self._is_used = True
        dict.__setitem__(self, name, value)
        return value

    @property
    def touched(self) -> list[str]:
        """The columns that were looked at or set."""
        return list(dict.keys(self))

    def whole(self) -> dict[str, Any]:
        """Return a plain dict of all there is, in the order of the columns."""
        gone = self._gone or ()
        found = {name: self[name] for name in self._window.columns if name not in gone}
        for name in dict.keys(self):
            if name not in found:
                found[name] = dict.__getitem__(self, name)
        return found

    def __setitem__(self, name: str, value: Any) -> None:
        self._is_used = True
        if self._gone:
            self._gone.discard(name)
        dict.__setitem__(self, name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._is_used = True
        dict.pop(self, name, None)
        self._gone = {*(self._gone or ()), name}

    def __contains__(self, name: object) -> bool:
        if self._gone and name in self._gone:
            return False
        return name in self._window.columns or dict.__contains__(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if isinstance(other, _Lazy) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        return repr(self.whole())

    def __or__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]
        return self.whole() | dict(other)

    def __ror__(self, other: Any) -> dict[str, Any]:  # type: ignore[override]
        return dict(other) | self.whole()

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __reversed__(self) -> Iterator[str]:
        return reversed(self.whole())

    def __reduce__(self) -> Any:
        return dict, (self.whole(),)

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        """Name every column."""
        return self.whole().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return every value."""
        return self.whole().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return names and values."""
        return self.whole().items()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        return self[name] if name in self else default  # noqa: SIM401 - this is what `get` is

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a column and return its value."""
        if name not in self:
            if default:
                return default[0]
            raise KeyError(name)
        value = self[name]
        del self[name]
        return value

    def update(self, *others: Any, **values: Any) -> None:
        """Set several values."""
        for name, value in dict(*others, **values).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a value; set it first when there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def copy(self) -> dict[str, Any]:
        """Return a plain dict."""
        return self.whole()

    def popitem(self) -> tuple[str, Any]:
        """Remove the last column and return its name and value."""
        names = list(self.whole())
        if not names:
            raise KeyError("popitem(): there is no column left")
        return names[-1], self.pop(names[-1])

    def clear(self) -> None:
        """Remove every column."""
        for name in list(self.whole()):
            del self[name]


class Row(_Lazy):
    """One row."""

    __slots__ = ("_number",)

    _number: int

    @classmethod
    def at(cls, window: Window, number: int) -> "Row":
        """Return a row of which nothing is converted yet."""
        row = cls()
        row._window, row._number, row._gone, row._is_used = window, number, None, False
        return row

    def _convert(self, name: str) -> Any:
        return self._window.values(name)[self._number]


class Batch(_Lazy):
    """Some rows: a list per column."""

    __slots__ = ()

    @classmethod
    def of(cls, window: Window) -> "Batch":
        """Return a batch of which nothing is converted yet."""
        batch = cls()
        batch._window, batch._gone, batch._is_used = window, None, False
        return batch

    def _convert(self, name: str) -> Any:
        return self._window.values(name)


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row or batch as a plain dict."""
    return value.whole() if isinstance(value, _Lazy) else dict(value)
