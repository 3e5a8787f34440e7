"""`reprise gc`: delete what nothing leads to any more."""

from datetime import timedelta
from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import lfs
from reprise.registry.git import gc as git_gc


@click.command()
@data_option
@click.option(
    "--grace-days",
    type=click.IntRange(0),
    default=14,
    show_default=True,
    help="Keep what became unreachable within so many days; 0 deletes it for good.",
)
@output.json_option
def gc(data: Path, database_url: str | None, grace_days: int) -> None:
    """Delete git objects that no branch, tag or pull request leads to, and unfinished uploads.

    Run it nightly; the hub may go on serving. After removing a secret by a force push, run it
    with --grace-days 0.
    """
    grace = timedelta(days=grace_days) // timedelta(microseconds=1)
    with open_hub(data, database_url) as registry, output.status("Collecting …"):
        with registry.db.read() as conn:
            waiting = git_gc.repos_to_collect(conn)
        deleted = 0
        for repo_id in waiting:
            with registry.db.write() as conn:
                deleted += git_gc.collect(conn, repo_id, now=registry.clock(), grace=grace)
        dropped = lfs.drop_stale_parts(registry)
    result = {"repos": len(waiting), "deleted": deleted, "uploads": dropped}
    text = f"Deleted {deleted} objects of {len(waiting)} repos and {dropped} unfinished uploads."
    output.show(result, text)
