"""Alembic's entry: run the migrations on the connection that the caller passes in."""

from alembic import context

from reprise.registry.db import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.repo.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
