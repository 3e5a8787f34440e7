"""`reprise user`: the people of a hub."""

from pathlib import Path

import click
from sqlalchemy import select

from reprise.base.clock import iso
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import accounts
from reprise.registry.db import schema


@click.group()
def user() -> None:
    """Create and list users. Runs on the server's machine."""


@user.command()
@click.argument("name")
@click.option("--fullname", default="", help="The name shown on pages.")
@data_option
@output.json_option
def create(name: str, fullname: str, data: Path, database_url: str | None) -> None:
    """Create a user. Give it a token with `reprise token create`."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        made = accounts.create_user(conn, name, fullname=fullname, now=registry.clock())
    output.show({"name": made.name, "fullname": made.fullname}, f"Created user {made.name}.")


@user.command("list")
@data_option
@output.json_option
def list_users(data: Path, database_url: str | None) -> None:
    """List the users of a hub."""
    query = select(schema.account).where(schema.account.c.kind == "user")
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        rows = conn.execute(query.order_by(schema.account.c.key)).all()
    output.table(
        [
            {"name": row.name, "fullname": row.fullname, "created": iso(row.created_at)}
            for row in rows
        ],
        ["name", "fullname", "created"],
        empty="No users yet. Create one: reprise user create NAME --data DIR",
    )
