"""`reprise download`: files of a repo on disk."""

from pathlib import Path
from typing import Any

import click

from reprise.cli import output


@click.command()
@click.argument("repo")
@click.argument("files", nargs=-1)
@click.option("--type", "repo_type", default="model", help="model, dataset or space.")
@click.option(
    "--to",
    "local_dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put the files into this folder instead of the shared cache.",
)
@click.option(
    "--source",
    type=click.Choice(["hub", "github", "git"]),
    default="hub",
    help="Where the repo lives.  [default: hub]",
)
@click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")
@click.option("--offline", is_flag=True, help="Use only what is cached.")
@output.json_option
def download(repo: str, files: tuple[str, ...], offline: bool, **options: Any) -> None:
    """Download REPO, or only FILES of it, and print where they are.

    FILES are paths or patterns, such as config.json '*.safetensors'. Everything lands in the
    cache that huggingface_hub, transformers and others share, so nothing is stored twice.
    """
    from reprise.hub.downloads import download as fetch

    path = fetch(repo, files, offline=offline or None, **options)
    output.show({"path": str(path)}, str(path))
