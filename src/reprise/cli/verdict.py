"""`reprise verdict`: what others found when they computed a claim again, and answering it."""

from typing import Any

import click

from reprise.cli import output

_endpoint_option = click.option("--endpoint", metavar="URL", help="Another hub than HF_ENDPOINT.")


@click.group()
def verdict() -> None:
    """Look at the verdicts on a claim, and answer them. CLAIM is a digest or its beginning.

    `reprise verify REPO --list --json` shows the digests of a repo's claims.
    """


@verdict.command("list")
@click.argument("claim")
@_endpoint_option
@output.json_option
def list_verdicts(claim: str, endpoint: str | None) -> None:
    """List the verdicts on CLAIM, newest first."""
    from reprise.hub.verdicts import verdicts_of

    found = verdicts_of(claim, endpoint=endpoint)
    rows = [{**it, "by": _who(it), "at": str(it.get("madeAt"))[:10]} for it in found]
    output.table(
        rows, ["id", "outcome", "value", "level", "by", "at"],
        empty="Nobody has verified it yet: reprise verify REPO --post",
    )  # fmt: skip
    for it in found:
        for said in it.get("answers") or []:
            output.say(f"{it.get('id')}: {said.get('author')} answers: {said.get('text')}")


@verdict.command()
@click.argument("claim")
@click.argument("number", type=click.IntRange(1))
@click.argument("text")
@_endpoint_option
@output.json_option
def answer(claim: str, number: int, text: str, endpoint: str | None) -> None:
    """Answer verdict NUMBER on CLAIM, as somebody who may write to its repo.

    A verdict cannot be erased; what you say stands beside it.
    """
    from reprise.hub.verdicts import answer as send

    made = send(claim, number, text, endpoint=endpoint)
    output.show(made, f"Your answer stands beside verdict {number}.")


def _who(row: dict[str, Any]) -> str:
    name = row.get("account") or "somebody whose account is gone"
    if row.get("counts") is not True:
        return f"{name} (key revoked)"
    return f"{name}{'' if row.get('independent') is True else ' (author)'}"
