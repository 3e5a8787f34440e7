"""`reprise reindex`: read the entry points, cards and claims of repos again."""

from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import card_backlog, claim_reading, manifest_backlog, manifests


@click.command()
@data_option
@click.option("--all", "everything", is_flag=True, help="Also those that were read before.")
@output.json_option
def reindex(data: Path, database_url: str | None, everything: bool) -> None:
    """Read the entry points, cards and claims of repos that nobody read yet.

    Of cards, that is what an older version of Reprise did not look for, such as papers.

    Runs on the server's machine. A hub does the same in the background when it starts; --all is
    for a new version of Reprise that reads more than the one before.
    """
    with open_hub(data, database_url) as registry, output.status("Reading …"):
        with registry.db.write() as conn:
            manifest_backlog.note(conn, now=registry.clock(), everything=everything)
            if everything:
                claim_reading.note_all(conn)
        done, claimed = manifests.catch_up(registry), claim_reading.catch_up(registry)
        described = card_backlog.catch_up(registry, everything=everything)
    output.show(
        {"repos": done, "cards": described, "claims": claimed},
        f"Read the entry points of {done} repos, the cards of {described}, "
        f"and the claims of {claimed}.",
    )
