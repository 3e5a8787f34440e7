"""`reprise gc`: delete what nothing leads to any more."""

from datetime import timedelta
from pathlib import Path

import click

from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import lfs, unused
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
@click.option(
    "--xorb-days",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="The same for xorbs, which clients remember for three weeks.",
)
@output.json_option
def gc(data: Path, database_url: str | None, grace_days: int, xorb_days: int) -> None:
    """Delete what nothing refers to: git objects, large files, xorbs, unfinished uploads.

    Run it nightly; the hub may go on serving. After removing a secret by a force push, run it
    with --grace-days 0, and with --xorb-days 0 if it was in a large file.
    """
    grace = _days(grace_days)
    with open_hub(data, database_url) as registry, output.status("Collecting …"):
        with registry.db.read() as conn:
            waiting = git_gc.repos_to_collect(conn)
        deleted = 0
        for repo_id in waiting:
            with registry.db.write() as conn:
                deleted += git_gc.collect(conn, repo_id, now=registry.clock(), grace=grace)
        dropped = lfs.drop_stale_parts(registry)
        files = unused.collect_files(registry, grace=grace)
        xorbs = unused.collect_xorbs(registry, grace=_days(xorb_days))
    freed = files.bytes + xorbs.bytes
    result = {
        "repos": len(waiting), "deleted": deleted, "uploads": dropped,
        "files": files.objects, "xorbs": xorbs.objects, "bytes": freed,
    }  # fmt: skip
    text = (
        f"Deleted {deleted} objects of {len(waiting)} repos, {dropped} unfinished uploads, "
        f"{files.objects} files and {xorbs.objects} xorbs: {output.size_text(freed)} of the store."
    )
    output.show(result, text)


def _days(count: int) -> int:
    return timedelta(days=count) // timedelta(microseconds=1)
