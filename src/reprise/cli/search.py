"""`reprise search`: find repos on the hub."""

from dataclasses import asdict
from typing import Any

import click

from reprise.cli import output


@click.command()
@click.argument("text", default="")
@click.option("--type", "repo_type", default="model", help="model, dataset or space.")
@click.option("--owner", help="Only repos of this user or organisation.")
@click.option("--task", help="Only this task, such as fill-mask.")
@click.option("--library", help="Only this library, such as transformers.")
@click.option("--tag", "tags", multiple=True, help="Only repos with this tag; repeatable.")
@click.option("--paper", help="Only repos that cite this paper: of arXiv, a DOI, or its address.")
@click.option(
    "--sort",
    default="trending",
    show_default=True,
    help="trending, downloads, likes, updated or created.",
)
@click.option("--limit", default=20, show_default=True, help="How many to show at most.")
@click.option("--entry-points", is_flag=True, help="Search for entry points, not for repos.")
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@output.json_option
def search(text: str, entry_points: bool, limit: int, paper: str | None, **query: Any) -> None:
    """Search the hub for repos whose name holds TEXT.

    With --entry-points, for what `reprise load` can load: words of its name or summary.
    """
    if entry_points:
        _search_entry_points(text, limit)
        return
    from reprise.hub.searching import search as find

    if paper is not None:
        query["tags"] = [*query["tags"], _tag_of(paper)]
    rows = [asdict(found) for found in find(text, limit=limit, **query)]
    columns = ["id", "task", "library", "downloads", "likes", "updated"]
    output.table(rows, columns, empty="Nothing found; try a shorter text or fewer filters.")


def _tag_of(paper: str) -> str:
    from reprise.formats.papers import parse

    found = parse(paper)
    if found is None or not found.tag:
        raise click.UsageError(f"{paper!r} is neither an identifier of arXiv nor a DOI.")
    return found.tag


def _search_entry_points(text: str, limit: int) -> None:
    from reprise.hub import catalogue

    rows = catalogue.entry_points(text, limit=limit)
    columns = ["id", "name", "signature", "summary"]
    output.table(rows, columns, empty="No entry point is called so; try fewer words.")
