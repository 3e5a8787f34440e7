"""Migrations lead exactly to the schema, from an empty database and from itself."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from reprise.base.errors import InvalidInput
from reprise.registry.db import migrate
from reprise.registry.db.schema import metadata
from reprise.registry.registry import Registry


def test_the_last_migration_is_the_known_head() -> None:
    scripts = ScriptDirectory.from_config(migrate.config())
    assert scripts.get_heads() == [migrate.HEAD]


def test_migrations_make_exactly_the_schema(registry: Registry) -> None:
    with registry.db.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_upgrading_again_changes_nothing(registry: Registry) -> None:
    migrate.upgrade(registry.db)
    with registry.db.read() as conn:
        assert migrate.version(conn) == migrate.HEAD


def test_a_database_of_a_newer_version_is_left_alone(registry: Registry) -> None:
    with registry.db.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InvalidInput, match="newer than"):
        migrate.upgrade(registry.db)
