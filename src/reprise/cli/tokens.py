"""`reprise token`: access tokens."""

from datetime import timedelta
from pathlib import Path

import click

from reprise.base.clock import iso
from reprise.base.errors import InvalidInput
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import accounts, tokens
from reprise.registry.access import Action, TokenRole


@click.group()
def token() -> None:
    """Create, list and revoke access tokens. Runs on the server's machine."""


@token.command()
@click.argument("user")
@click.option(
    "--role",
    type=click.Choice([role.value for role in TokenRole]),
    default=TokenRole.READ.value,
    show_default=True,
    help="What the token may be used for.",
)
@click.option("--name", help="How you tell tokens apart; made up when absent.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="TYPE/OWNER/NAME=read|write",
    help="Repo that a fine-grained token may touch; repeat for more.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Expire after so many days.")
@data_option
@output.json_option
def create(
    user: str,
    role: str,
    name: str | None,
    scopes: tuple[str, ...],
    days: int | None,
    data: Path,
    database_url: str | None,
) -> None:
    """Create a token for USER and print it, once: it is stored only as a hash."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        now = registry.clock()
        expires_at = now + timedelta(days=days) // timedelta(microseconds=1) if days else None
        grant = tokens.Grant(
            name or f"{role}-{iso(now)}-{now % 1_000_000:06d}",
            TokenRole(role),
            dict(_scope(text) for text in scopes),
            expires_at,
        )
        made = tokens.create(conn, accounts.find(conn, user), grant, now=now)
    output.show({"token": made.secret, "name": made.token.name, "role": role}, made.secret)


@token.command("list")
@click.argument("user")
@data_option
@output.json_option
def list_tokens(user: str, data: Path, database_url: str | None) -> None:
    """List the tokens of USER, without their secrets."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        found = tokens.list_of(conn, accounts.find(conn, user))
    rows = [
        {
            "name": item.name,
            "role": item.role.value,
            "scopes": [f"{scope}={_word(action)}" for scope, action in item.scopes.items()],
            "expires": iso(item.expires_at) if item.expires_at else None,
        }
        for item in found
    ]
    output.table(rows, ["name", "role", "scopes", "expires"], empty=f"{user} has no tokens.")


@token.command()
@click.argument("user")
@click.argument("name")
@data_option
@output.json_option
def revoke(user: str, name: str, data: Path, database_url: str | None) -> None:
    """Delete the token NAME of USER at once."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        tokens.revoke(conn, accounts.find(conn, user), name)
    output.show({"revoked": name}, f"Revoked {name}.")


def _word(action: Action) -> str:
    return "write" if action is Action.WRITE else "read"


def _scope(text: str) -> tuple[str, str]:
    scope, equals, action = text.rpartition("=")
    if not equals:
        raise InvalidInput(f"Scope {text!r} is malformed: write TYPE/OWNER/NAME=read or =write.")
    return scope, action
