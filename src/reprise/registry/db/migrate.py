"""Bring a database to the schema of this version."""

from reprise.registry.db.database import Database
from reprise.registry.db.schema import metadata


def upgrade(db: Database) -> None:
    """Create what is missing."""
    with db.write() as conn:
        metadata.create_all(conn)
