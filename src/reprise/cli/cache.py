"""`reprise cache`: the snapshots on this machine."""

import sys

import click

from reprise.cli import output
from reprise.hub import housekeeping, settings
from reprise.hub.housekeeping import CachedCommit


@click.group()
def cache() -> None:
    """Look at and clean the local cache."""


@cache.command("list")
@output.json_option
def list_commits() -> None:
    """List the cached commits."""
    rows = [_row(item) for item in housekeeping.contents(settings.cache_dir())]
    columns = ["repo", "commit", "complete", "own_bytes", "shared_bytes", "used"]
    output.table(rows, columns, empty=f"Nothing is cached in {settings.get_dir()}.")


@cache.command()
@output.json_option
def du() -> None:
    """Show how much of the disk the cache takes."""
    items = list(housekeeping.contents(settings.cache_dir()))
    own = sum(item.own_bytes for item in items)
    shared = sum(item.shared_bytes for item in items)
    value = {
        "folder": settings.get_dir(),
        "commits": len(items),
        "own_bytes": own,
        "shared_bytes": shared,
        "shared_with": str(settings.shared_cache_dir()),
    }
    text = f"{output.size_text(own)}\t{settings.get_dir()}"
    output.show(value, text)
    if shared:
        where = settings.shared_cache_dir()
        output.say(f"{output.size_text(shared)} more of weights are stored once, with {where}.")


@cache.command()
@click.argument("repo", default="")
@click.option("--unused", "unused_days", type=float, default=0, help="Not used for so many days.")
@click.option("--dry-run", is_flag=True, help="List, but remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output.json_option
def clean(repo: str, unused_days: float, dry_run: bool, yes: bool) -> None:
    """Remove cached commits: all, those of REPO, or those not used for a while."""
    root = settings.cache_dir()
    chosen = housekeeping.removable(root, repo=repo, unused_days=unused_days)
    freed = sum(item.own_bytes for item in chosen)
    if chosen and not dry_run and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Nobody can be asked here; pass --yes to remove.")
        question = f"Remove {len(chosen)} commits ({output.size_text(freed)})?"
        click.confirm(question, abort=True, err=True)
    for item in [] if dry_run else chosen:
        housekeeping.remove(root, item)
    output.table([_row(item) for item in chosen], ["repo", "commit"], empty="Nothing to remove.")
    verb = "Would free" if dry_run else "Freed"
    output.say(f"{verb} {output.size_text(freed)}.")


def _row(item: CachedCommit) -> dict[str, object]:
    return {
        "repo": item.repo,
        "commit": item.commit,
        "revisions": list(item.revisions),
        "complete": item.complete,
        "own_bytes": item.own_bytes,
        "shared_bytes": item.shared_bytes,
        "fetched": item.fetched,
        "used": item.used,
    }
