"""Rows from a query: run by DuckDB, by SQLite for its own files, or on an open connection."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import EntryNotFound, InvalidInput
from reprise.base.optional import require
from reprise.data.sources import memory

_SQLITE = b"SQLite format 3\0"
_SCHEMES = ("sqlite:///", "duckdb:///")
_AT_ONCE = 10_000  # rows fetched together


def query(sql: str, con: Any = None) -> pa.Table:
    """Run a query and return its rows.

    Args:
        sql: The query. With no connection it runs in memory and may name files.
        con: An open DuckDB or DB-API connection, or the path of a DuckDB or SQLite database, which
            is opened for reading alone.

    Raises:
        InvalidInput: The database refuses the query, the message is its own; or a column holds
            values of several types, which SQLite allows.
        EntryNotFound: There is no such database.
        MissingExtra: DuckDB is not installed.
    """
    if isinstance(con, str | Path):
        return _in_file(sql, con)
    if isinstance(con, sqlite3.Connection):
        return _by_cursor(con, sql)
    duckdb = require("duckdb", extra="data")
    if con is not None and not isinstance(con, duckdb.DuckDBPyConnection):
        return _by_cursor(con, sql)
    if con is not None:
        return _by_duckdb(con, sql)
    # Parts of DuckDB that are not there are not fetched from anywhere.
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as opened:
        return _by_duckdb(opened, sql)


def _in_file(sql: str, name: str | Path) -> pa.Table:
    text = str(name)
    for scheme in _SCHEMES:
        text = text.removeprefix(scheme)
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise EntryNotFound(f"There is no database {path}.")
    with path.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE)) == _SQLITE
    if is_sqlite:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as con:
            return _by_cursor(con, sql)
    duckdb = require("duckdb", extra="data")
    settings = {"autoinstall_known_extensions": "false"}
    try:
        with duckdb.connect(str(path), read_only=True, config=settings) as opened:
            return _by_duckdb(opened, sql)
    except duckdb.Error as error:
        raise InvalidInput(f"{path} is no database that DuckDB opens: {error}") from None


def _by_duckdb(con: Any, sql: str) -> pa.Table:
    duckdb = require("duckdb", extra="data")
    try:
        relation = con.sql(sql)
        if relation is None:
            raise InvalidInput("The query returns no rows; write a SELECT.")
        return relation.to_arrow_table()
    except duckdb.Error as error:
        raise InvalidInput(f"DuckDB refuses the query: {error}") from None


def _by_cursor(con: Any, sql: str) -> pa.Table:
    cursor = con.cursor()
    try:
        cursor.execute(sql)
    except Exception as error:  # noqa: BLE001 - every database has its own errors
        raise InvalidInput(f"The database refuses the query: {error}") from None
    names = [str(column[0]) for column in cursor.description or ()]
    if not names:
        raise InvalidInput("The query returns no rows; write a SELECT.")
    if len(set(names)) < len(names):
        raise InvalidInput(f"Two columns have the same name: {names}.", hint="Use AS in the query.")
    table = memory.from_iterable(_rows(cursor, names)).table()
    return table if table.num_rows else pa.table({name: pa.nulls(0) for name in names})


def _rows(cursor: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    while True:
        try:
            rows = cursor.fetchmany(_AT_ONCE)
        except Exception as error:  # noqa: BLE001 - every database has its own errors
            raise InvalidInput(f"The database ends the query: {error}") from None
        if not rows:
            return
        yield from (dict(zip(names, row, strict=True)) for row in rows)
