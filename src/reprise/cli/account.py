"""`reprise login`, `logout` and `whoami`."""

import sys
from dataclasses import asdict

import click

from reprise.cli import output


@click.command()
@click.option("--token", help="The access token; `-` reads it from stdin. Asked for by default.")
@output.json_option
def login(token: str | None) -> None:
    """Check an access token with the hub and store it for every client on this machine."""
    from reprise.hub.account import login as sign_in

    secret = sys.stdin.readline() if token == "-" else token  # noqa: S105 - a dash, no secret
    identity = sign_in(secret)
    role = f" ({identity.role} access)" if identity.role else ""
    output.show(asdict(identity), f"Logged in to {identity.endpoint} as {identity.name}{role}.")


@click.command()
@output.json_option
def logout() -> None:
    """Forget the stored access tokens."""
    from reprise.hub.account import logout as sign_out

    done = sign_out()
    output.show({"logged_out": done}, "Logged out." if done else "You were not logged in.")


@click.command()
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@output.json_option
def whoami(endpoint: str | None) -> None:
    """Show whom the access token belongs to."""
    from reprise.hub.account import whoami as ask

    identity = ask(endpoint=endpoint)
    output.show(asdict(identity), lambda: identity.name)
    if identity.orgs:
        output.say(f"organisations: {', '.join(identity.orgs)}")
    output.say(f"hub: {identity.endpoint}")
