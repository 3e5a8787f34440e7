"""`reprise org`: organisations and their members."""

from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import accounts
from reprise.registry.access import OrgRole


@click.group()
def org() -> None:
    """Create organisations and manage their members. Runs on the server's machine."""


@org.command()
@click.argument("name")
@click.option("--fullname", default="", help="The name shown on pages.")
@data_option
@output.json_option
def create(name: str, fullname: str, data: Path, database_url: str | None) -> None:
    """Create an organisation."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        made = accounts.create_org(conn, name, fullname=fullname, now=registry.clock())
    output.show({"name": made.name}, f"Created organisation {made.name}.")


@org.command()
@click.argument("name", metavar="ORG")
@click.argument("user")
@click.option(
    "--role",
    type=click.Choice([role.value for role in OrgRole]),
    default=OrgRole.WRITE.value,
    show_default=True,
    help="What the member may do.",
)
@data_option
@output.json_option
def add(name: str, user: str, role: str, data: Path, database_url: str | None) -> None:
    """Make USER a member of ORG, or change the member's role."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        found, member = accounts.find(conn, name), accounts.find(conn, user)
        accounts.set_role(conn, found, member, OrgRole(role))
    result = {"org": found.name, "user": member.name, "role": role}
    output.show(result, f"{member.name} is a member of {found.name} with the role {role}.")


@org.command()
@click.argument("name", metavar="ORG")
@data_option
@output.json_option
def members(name: str, data: Path, database_url: str | None) -> None:
    """List the members of ORG."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        found = accounts.members_of(conn, accounts.find(conn, name))
    rows = [{"user": member.name, "role": role.value} for member, role in found]
    output.table(rows, ["user", "role"], empty=f"{name} has no members yet.")
