"""`reprise reverify`: what a hub wants to be verified again, from its operator's side."""

from dataclasses import asdict
from pathlib import Path

import click

from reprise.base.clock import iso
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import reverify as registry_reverify
from reprise.registry.access import Caller

_DAY = 10  # characters of an ISO date


@click.group()
def reverify() -> None:
    """Say what is to be verified again. Runs on the server's machine.

    Verifiers ask the hub for the list: reprise verify --due --hub URL.
    """


@reverify.command()
@click.option(
    "--days",
    default=registry_reverify.DAYS,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="From this age on a verdict is old.",
)
@data_option
@output.json_option
def due(days: int, data: Path, database_url: str | None) -> None:
    """List the claims of public repos that are due."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        found = registry_reverify.due(conn, Caller(), now=registry.clock(), days=days)
    rows = [
        {
            "repo": it.claim.repo_name, "claim": it.claim.digest[:12],
            "outcome": it.last.outcome.value, "verified": iso(it.last.posted_at)[:_DAY],
            "reasons": [reason.text for reason in it.reasons],
        }
        for it in found
    ]  # fmt: skip
    output.table(rows, ["repo", "claim", "outcome", "verified", "reasons"], empty="Nothing is due.")


@reverify.command()
@click.argument("package")
@click.argument("versions")
@click.option("--because", default="", help="For people: CVE-2026-1234.")
@data_option
@output.json_option
def rebuilt(
    package: str, versions: str, because: str, data: Path, database_url: str | None
) -> None:
    """Ask for all verdicts again that were made with VERSIONS ("<2.1.3") of PACKAGE."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        made = registry_reverify.add_rebuild(conn, package, versions, because, now=registry.clock())
    output.show(asdict(made), f"{made.id}\t{made.package} {made.versions}")


@reverify.command()
@data_option
@output.json_option
def rebuilds(data: Path, database_url: str | None) -> None:
    """List the packages that were rebuilt."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        rows = [asdict(it) for it in registry_reverify.rebuilds(conn)]
    output.table(rows, ["id", "package", "versions", "reason"], empty="No package was rebuilt.")


@reverify.command()
@click.argument("number", type=click.IntRange(1))
@data_option
@output.json_option
def forget(number: int, data: Path, database_url: str | None) -> None:
    """Take back the rebuild NUMBER."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        registry_reverify.remove_rebuild(conn, number)
    output.show({"removed": number}, f"Forgot rebuild {number}.")
