"""`reprise fsck`: check everything a hub stores."""

from dataclasses import asdict
from pathlib import Path

import click

from reprise.base.errors import CorruptContent
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry.fsck import Report, check_hub


@click.command()
@data_option
@click.option("--deep", is_flag=True, help="Read every large file and compare its SHA-256.")
@output.json_option
def fsck(data: Path, database_url: str | None, deep: bool) -> None:
    """Check every repo and every stored file of a hub. Runs on the server's machine.

    Exits with 1 when something is wrong. The hub may go on serving meanwhile.
    """
    with open_hub(data, database_url) as registry, output.status("Checking …"):
        report = check_hub(registry, lambda _name: None, deep=deep)
    output.show(asdict(report), lambda: _text(report))
    if report.problems:
        raise CorruptContent(f"{len(report.problems)} problems found; restore from a backup.")


def _text(report: Report) -> str:
    looked = f"{report.repos} repos, {report.files} large files, {report.xorbs} xorbs"
    return "\n".join([*report.problems, f"Checked {looked}: {len(report.problems)} problems."])
