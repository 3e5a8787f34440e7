"""Bring a database to the schema of this version, step by step from whatever version it has."""

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from reprise.base.errors import InvalidInput
from reprise.registry.db.database import Database, lock_repo

if TYPE_CHECKING:
    from alembic.config import Config

# The last file of `migrations/versions`; a test keeps it true. Knowing it here spares a server
# that is up to date the import of the whole migration machinery.
HEAD = "0009"

_NO_REPO = 0  # the lock that upgrades take: no repo has this number


def upgrade(db: Database) -> None:
    """Run the migrations that a database lacks; two processes may try at once.

    Raises:
        InvalidInput: A newer version of Reprise made this database.
    """
    with db.read() as conn:
        if version(conn) == HEAD:
            return
    with db.write() as conn:
        lock_repo(conn, _NO_REPO)
        found = version(conn)
        if found is not None and found > HEAD:
            raise InvalidInput(
                f"This hub's database is at schema {found}, newer than {HEAD}, which this version "
                "of Reprise knows. Upgrade Reprise."
            )
        if found != HEAD:
            _run(conn)


def version(conn: Connection) -> str | None:
    """Return the schema version of a database; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def config(conn: Connection | None = None) -> "Config":
    """Return Alembic's configuration for the migrations in this package."""
    from alembic.config import Config

    made = Config()
    folder = resources.files("reprise.registry.db") / "migrations"
    made.set_main_option("script_location", str(folder))
    made.attributes["connection"] = conn
    return made


def _run(conn: Connection) -> None:
    from alembic import command

    command.upgrade(config(conn), "head")
