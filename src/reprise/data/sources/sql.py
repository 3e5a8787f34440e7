"""Rows from a query, run by DuckDB."""

from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.errors import InvalidInput
from reprise.base.optional import require


def query(sql: str, con: Any = None) -> pa.Table:
    """Run a query and return its rows.

    Args:
        sql: The query. With no connection it runs in memory and may name files.
        con: An open DuckDB or DB-API connection, or the path of a DuckDB database.

    Raises:
        InvalidInput: The database refuses the query; the message is its own.
        MissingExtra: DuckDB is not installed.
    """
    duckdb = require("duckdb", extra="data")
    if hasattr(con, "cursor") and not isinstance(con, duckdb.DuckDBPyConnection):
        return _by_cursor(con, sql)
    try:
        if con is None or isinstance(con, str | Path):
            with duckdb.connect(str(con) if con else ":memory:", read_only=bool(con)) as opened:
                return _rows(opened.sql(sql))
        return _rows(con.sql(sql))
    except duckdb.Error as error:
        raise InvalidInput(f"DuckDB refuses the query: {error}") from None


def _rows(relation: Any) -> pa.Table:
    if relation is None:
        raise InvalidInput("The query returns no rows; write a SELECT.")
    return relation.to_arrow_table()


def _by_cursor(con: Any, sql: str) -> pa.Table:
    cursor = con.cursor()
    try:
        cursor.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        rows = cursor.fetchall()
    except Exception as error:  # noqa: BLE001 - every database has its own errors
        raise InvalidInput(f"The database refuses the query: {error}") from None
    return pa.table({name: [row[number] for row in rows] for number, name in enumerate(names)})
