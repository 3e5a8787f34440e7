"""`reprise data`: look at data sets, and at what their steps keep on disk."""

import sys
from typing import Any

import click

from reprise.cli import output

_DEFAULT_ROWS = 5


@click.group()
def data() -> None:
    """Look at data sets, and at what their steps keep on disk."""


@data.command()
@click.argument("path")
@click.argument("name", required=False)
@click.option("--split", default="train", show_default=True, help="A split, or rows: train[:10%].")
@click.option("-n", "--rows", type=click.IntRange(1), default=_DEFAULT_ROWS, show_default=True)
@click.option("--revision", help="Branch, tag or commit of a repo.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@output.json_option
def head(path: str, name: str | None, split: str, rows: int, **options: Any) -> None:
    """Show the first rows of a data set: PATH is owner/name, a folder or a file."""
    from reprise.data import load_dataset

    options["offline"] = options["offline"] or None
    found = load_dataset(path, name, split=split, **options)
    shown = found.take(rows).to_list()
    output.table(shown, found.column_names, empty="There are no rows.")
    output.say(f"{found.num_rows} rows, {found.num_columns} columns.")


@data.command()
@click.argument("path")
@click.argument("name", required=False)
@click.option("--revision", help="Branch, tag or commit of a repo.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@output.json_option
def show(path: str, name: str | None, **options: Any) -> None:
    """Show the splits of a data set, how many rows they have and what their columns hold."""
    from reprise.data import load_dataset

    options["offline"] = options["offline"] or None
    found = load_dataset(path, name, **options)
    rows = [
        {"split": split, "rows": part.num_rows, "column": column, "feature": feature}
        for split, part in found.items()
        for column, feature in part.features.to_dict().items()
    ]
    output.table(rows, ["split", "rows", "column", "feature"])


@data.command()
@output.json_option
def du() -> None:
    """Show what the results of steps take on disk, the most recently used first."""
    from reprise.data import default_store

    store = default_store()
    entries = store.entries()
    rows = [_row(entry) for entry in entries]
    columns = ["data", "step", "name", "rows", "bytes", "used"]
    output.table(rows, columns, empty="Nothing is kept.")
    for label, size in _sums(entries).items() if len(entries) > 1 else ():
        output.say(f"{output.size_text(size)} for {label or 'data without a name'}")
    output.say(f"{output.size_text(sum(entry.bytes for entry in entries))} in {store.root}")


@data.command()
@click.option("--max-bytes", type=click.IntRange(0), help="Remove until the rest fits in here.")
@click.option("--unused", "unused_days", type=float, help="Remove what was not used for so long.")
@click.option("--dry-run", is_flag=True, help="List, but remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output.json_option
def gc(max_bytes: int | None, unused_days: float | None, dry_run: bool, yes: bool) -> None:
    """Remove results of steps, the least recently used first; they are made again when needed."""
    from reprise.data import default_store

    store = default_store()
    if max_bytes is None and unused_days is None:
        raise click.UsageError("Say what to remove: --max-bytes 10000000000, or --unused 30.")
    chosen = {e.key: e for e in store.unused(unused_days)} if unused_days is not None else {}
    if max_bytes is not None:
        chosen |= {entry.key: entry for entry in store.over(max_bytes)}
    freed = sum(entry.bytes for entry in chosen.values())
    if chosen and not dry_run and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Nobody can be asked here; pass --yes to remove.")
        question = f"Remove {len(chosen)} results ({output.size_text(freed)})?"
        click.confirm(question, abort=True, err=True)
    for entry in [] if dry_run else chosen.values():
        store.remove(entry)
    rows = [_row(entry) for entry in chosen.values()]
    output.table(rows, ["step", "name", "bytes", "used"], empty="Nothing to remove.")
    output.say(f"{'Would free' if dry_run else 'Freed'} {output.size_text(freed)}.")


def _sums(entries: list[Any]) -> dict[str, int]:
    """Return the bytes of all results of each data set, the largest first."""
    found: dict[str, int] = {}
    for entry in entries:
        found[entry.recipe.label] = found.get(entry.recipe.label, 0) + entry.bytes
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _row(entry: Any) -> dict[str, Any]:
    return {
        "key": entry.key,
        "data": entry.recipe.label,
        "step": entry.recipe.op,
        "name": entry.recipe.name,
        "rows": entry.rows,
        "bytes": entry.bytes,
        "made": entry.made,
        "used": entry.used,
    }
