"""The few queries that nearly every request asks, compiled once and run past SQLAlchemy.

SQLAlchemy takes about 50 microseconds to execute a query that it knows; SQLite answers one by
primary key in five.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]


class Prepared:
    """A SELECT whose values all come from bind parameters: text, numbers or bytes."""

    def __init__(self, statement: "Select[*tuple[Any, ...]]") -> None:
        self._statement = statement
        self._forms: dict[str, _Form] = {}

    def all(self, conn: Connection, **values: object) -> list[Any]:
        """Run it in the connection's transaction; rows have their columns as attributes."""
        form = self._forms.get(conn.dialect.name)
        if form is None:
            form = self._forms[conn.dialect.name] = _compile(self._statement, conn.dialect)
        if not conn.in_transaction():
            conn.begin()
        cursor = conn.connection.cursor()
        try:
            cursor.execute(form.sql, form.bind(values))
            return [form.row(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def first(self, conn: Connection, **values: object) -> Any | None:
        """Run it and return its only row, or None."""
        rows = self.all(conn, **values)
        assert len(rows) <= 1, "a query by key has one answer"
        return rows[0] if rows else None


@dataclass(frozen=True)
class _Form:
    """A statement as one database's driver takes it."""

    sql: str
    names: Sequence[str] | None  # in the order of `?` signs; None where parameters have names
    make: Callable[[Iterable[Any]], Any]
    converts: Sequence[tuple[int, Convert]]  # columns whose values the driver gives in another form

    def bind(self, values: dict[str, object]) -> Any:
        return values if self.names is None else [values[name] for name in self.names]

    def row(self, values: Sequence[Any]) -> Any:
        if not self.converts:
            return self.make(values)
        changed = list(values)
        for index, convert in self.converts:
            changed[index] = convert(changed[index])
        return self.make(changed)


def _compile(statement: "Select[*tuple[Any, ...]]", dialect: Dialect) -> _Form:
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    columns = list(statement.selected_columns)
    row_class: Any = namedtuple("Row", [str(column.key) for column in columns])  # type: ignore[misc]
    kinds = [column.type.dialect_impl(dialect) for column in columns]
    processors = [kind.result_processor(dialect, None) for kind in kinds]
    return _Form(
        sql=str(compiled),
        names=compiled.positiontup if compiled.positional else None,
        make=row_class._make,
        converts=[(at, it) for at, it in enumerate(processors) if it is not None],
    )
