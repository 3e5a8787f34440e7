"""`reprise log`: is a hub's log of verdicts still what it was?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli import output

if TYPE_CHECKING:
    from reprise.formats.log_head import Head

_endpoint_option = click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")


@click.group()
def log() -> None:
    """Check and mirror the log of a hub: every verdict it took, and every key that was revoked.

    The newest head that was seen of each hub is remembered. Whatever was changed or removed since
    is noticed, whoever did it.
    """


@log.command()
@_endpoint_option
@output.json_option
def head(endpoint: str | None) -> None:
    """Show the signed head: how many entries there are, and one hash over them."""
    from reprise.hub import verdicts

    found = verdicts.hub(endpoint=endpoint)
    output.show(_shown(found), f"{found.size}\t{found.root.hex()}")
    output.say(f"Signed by {found.hub}, {found.at}")


@log.command()
@_endpoint_option
@output.json_option
def check(endpoint: str | None) -> None:
    """Read the whole log and hold it against its head, and against what was seen before."""
    from reprise.hub import verdict_log

    with output.status("checking the log"):
        found = verdict_log.check(endpoint)
    since = (
        "seen for the first time" if found.before is None
        else f"the first {found.before} as seen before"
    )  # fmt: skip
    value = {
        **_shown(found.head), "before": found.before, "verdicts": found.verdicts,
        "hidden": found.hidden, "revocations": found.revocations,
    }  # fmt: skip
    output.show(value, f"The log is sound: {found.head.size} entries, {since}.")


@log.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@_endpoint_option
@output.json_option
def export(folder: Path, endpoint: str | None) -> None:
    """Check the log and write it to FOLDER, as a data set that can be published.

    An older export in FOLDER must be the beginning of the log.
    """
    from reprise.hub.log_export import export as write

    with output.status("reading the log"):
        found = write(folder, endpoint=endpoint)
    output.show(_shown(found), f"{found.size} entries in {folder}")
    output.hint(f"reprise publish {folder} OWNER/verdicts --type dataset")


def _shown(found: "Head") -> dict[str, Any]:
    return {"size": found.size, "root": found.root.hex(), "hub": found.hub, "at": found.at}
