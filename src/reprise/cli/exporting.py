"""`reprise export-entry` and `check-export`: a model as a graph that runs without its code."""

from pathlib import Path
from typing import Any

import click

from reprise.cli import output
from reprise.cli.entrypoints import given, parse_arguments, snapshot_options
from reprise.cli.isolation_options import isolation_options, taken


@click.command("export-entry", context_settings={"ignore_unknown_options": True})
@click.argument("repo")
@click.argument("entry")
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1)
@click.option(
    "--example",
    "examples",
    multiple=True,
    required=True,
    metavar="[NAME=]SHAPE",
    help="Shape of one argument of the model: 2x3x224x224, ids=2x16:int64.",
)
@click.option(
    "--dynamic",
    "axes",
    multiple=True,
    metavar="[NAME:AXIS=]WORD",
    help="Axis of any size: batch (the first of every tensor), x:2=time.",
)
@snapshot_options
@isolation_options
@output.json_option
def export_entry(
    repo: str,
    entry: str,
    folder: Path,
    arguments: tuple[str, ...],
    examples: tuple[str, ...],
    axes: tuple[str, ...],
    **options: Any,
) -> None:
    """Write the model that ENTRY of REPO makes to FOLDER, as a graph that needs only torch.

    The repo's code runs confined, nobody has to agree. ARGUMENTS go to the entry point, as for
    `reprise load`.
    """
    from reprise.hub.exported import describe_exported
    from reprise.hub.exporting import export
    from reprise.hub.finding import checked_options

    worker = taken(options, wanted=True, flag="")
    positional, keywords = parse_arguments(arguments)
    if own := sorted(_OWN.intersection(keywords)):
        raise click.UsageError(f"Arguments of the entry point cannot be named {own[0]} here.")
    with output.status(f"exporting {entry} …"):
        made = export(
            repo, entry, folder, *positional, example=_example(examples), dynamic=_dynamic(axes),
            isolated=worker or True, options=checked_options(given(options)), **keywords,
        )  # fmt: skip
    told = describe_exported(made)
    sizes = {path.name: path.stat().st_size for path in sorted(made.iterdir())}
    value = {name: told[name] for name in ("repo", "commit", "entry", "torch", "dynamic", "sha256")}
    output.show(
        {"folder": str(made), **value, "sizes": sizes},
        lambda: "\n".join(f"{name}  {output.size_text(size)}" for name, size in sizes.items()),
    )
    output.hint(f"In Python: reprise.hub.load_exported({str(folder)!r})")


@click.command("check-export")
@click.argument("folder", type=click.Path(path_type=Path))
@output.json_option
def check_export(folder: Path) -> None:
    """Run the exported model in FOLDER on its example and compare with the live model's output.

    Runs no code but torch's. Exits with 1 when a number differs by more than 0.001.
    """
    from reprise.hub.exported import check_exported

    found = check_exported(folder)
    value = {**found, "torch": _torch_version()}
    output.show(value, lambda: "\n".join(f"{name}: {value[name]}" for name in value))
    if not found["largest_difference"] <= _TOLERANCE:
        raise click.ClickException(
            f"{folder} computes something else here than where it was exported."
        )


# Arguments of `export` itself, which an entry point's would be taken for.
_OWN = frozenset({"dynamic", "entry", "example", "folder", "isolated", "options", "repo",
                  "trust_repo"})  # fmt: skip
_TOLERANCE = 1e-3  # other processors and other versions of torch round differently


def _example(texts: tuple[str, ...]) -> Any:
    if not any("=" in text for text in texts):
        return texts
    pairs = [text.partition("=") for text in texts]
    if not all(name.isidentifier() and shape for name, _, shape in pairs):
        raise click.UsageError("--example needs a name for every argument, or for none: x=2x3")
    return {name: shape for name, _, shape in pairs}


def _dynamic(texts: tuple[str, ...]) -> Any:
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    axes: dict[str, dict[int, str]] = {}
    for text in texts:
        place, _, word = text.partition("=")
        name, _, axis = place.partition(":")
        if not word or not axis.isdecimal():
            raise click.UsageError(f"--dynamic {text!r}: write one word, or name:axis=word.")
        axes.setdefault(name, {})[int(axis)] = word
    return axes


def _torch_version() -> str:
    from importlib.metadata import version

    return version("torch")
