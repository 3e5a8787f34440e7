"""`reprise reviewer` and `reprise recheck`: the catalogue from its operator's side."""

from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import accounts, reviewers, submissions


@click.group()
def reviewer() -> None:
    """Name the accounts that decide on submissions. Runs on the server's machine."""


@reviewer.command()
@click.argument("name")
@data_option
@output.json_option
def add(name: str, data: Path, database_url: str | None) -> None:
    """Make NAME a reviewer; of an organisation, all members with the write role."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        found = accounts.find(conn, name)
        reviewers.add(conn, found, now=registry.clock())
    output.show({"name": found.name}, f"{found.name} is a reviewer.")


@reviewer.command()
@click.argument("name")
@data_option
@output.json_option
def remove(name: str, data: Path, database_url: str | None) -> None:
    """Take the right to decide away from NAME."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        found = accounts.find(conn, name)
        reviewers.remove(conn, found)
    output.show({"name": found.name}, f"{found.name} is no reviewer any more.")


@reviewer.command("list")
@data_option
@output.json_option
def list_reviewers(data: Path, database_url: str | None) -> None:
    """List the reviewers."""
    with open_hub(data, database_url) as registry, registry.db.read() as conn:
        rows = [{"name": it.name, "kind": it.kind} for it in reviewers.list_all(conn)]
    output.table(rows, ["name", "kind"], empty="No reviewers yet: reprise reviewer add NAME")


@click.command()
@click.option("--all", "everything", is_flag=True, required=True, help="Everything published.")
@data_option
@output.json_option
def recheck(everything: bool, data: Path, database_url: str | None) -> None:
    """Check published repos again, as a nightly job does; badges carry the date."""
    del everything
    with open_hub(data, database_url) as registry:
        rows = [
            {
                "id": str(found.repo.repo_id),
                "state": found.state.value,
                "failed": [it.name for it in results if it.outcome == "failed"],
            }
            for found, results in submissions.recheck(registry)
        ]
    output.table(rows, ["id", "state", "failed"], empty="Nothing is published yet.")
