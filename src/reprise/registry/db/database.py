"""Connections: readers run side by side, writers one after the other."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import ConnectionPoolEntry

# Enough for every worker thread of the server; a waiting thread costs less than a refused one.
_POOL_SIZE = 48
_BUSY_MS = 30_000
_STORE = -2  # the number of the store's lock: no repo has it, nor the log of verdicts

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an acknowledged commit survives a power cut
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA cache_size=-65536",  # 64 MiB
    "PRAGMA mmap_size=268435456",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",  # 64 MiB: a huge push must not keep its log for ever
)


class Database:
    """SQLite or PostgreSQL behind one pair of context managers.

    `read()` gives a consistent snapshot and never blocks writers. `write()` takes the write lock
    at once (SQLite) and commits when the block ends without an error.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        # SQLite's own lock is unfair under load; queueing inside the process is not.
        self._writers: AbstractContextManager[Any] = (
            threading.Lock() if self._sqlite else nullcontext()
        )

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open a database by SQLAlchemy URL, `sqlite:///…` or `postgresql+psycopg://…`."""
        if not url.startswith("sqlite"):
            return cls(create_engine(url, pool_size=_POOL_SIZE, isolation_level="REPEATABLE READ"))
        engine = create_engine(url, pool_size=_POOL_SIZE, connect_args={"timeout": _BUSY_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return cls(engine)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a snapshot; nothing written inside is kept."""
        with self.engine.connect() as conn:
            yield conn
            conn.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that commits at the end of the block or leaves no trace."""
        level = {} if self._sqlite else {"isolation_level": "READ COMMITTED"}
        with self._writers, self.engine.connect() as plain:
            conn = plain.execution_options(reprise_write=True, **level)
            with conn.begin():
                yield conn

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def lock_repo(conn: Connection, repo_id: int) -> None:
    """Hold a repo until the transaction ends, so that writers to it queue instead of retrying."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": repo_id})


def lock_store(conn: Connection, *, alone: bool = False) -> None:
    """Keep stored bytes from being deleted until the transaction ends.

    Args:
        conn: An open write transaction; SQLite's holds all others up anyway.
        alone: Wait for everybody else who holds this lock and keep them out: to delete bytes.
    """
    if conn.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        conn.execute(text(f"SELECT {lock}(:id)"), {"id": _STORE})


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin_sqlite
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin_sqlite(conn: Connection) -> None:
    write = conn.get_execution_options().get("reprise_write", False)
    # Past SQLAlchemy's own execution, which would cost as much as a small query.
    conn.connection.cursor().execute("BEGIN IMMEDIATE" if write else "BEGIN")
