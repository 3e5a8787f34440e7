"""`reprise submit`, `submission`, `review`, `vote`, `report`, `reports`: the catalogue."""

from pathlib import Path
from typing import Any

import click

from reprise.base.errors import InvalidFormat
from reprise.cli import output

# State -> what its author does next.
_NEXT = {
    "draft": "Propose it with: reprise submit {repo}",
    "checks": "Mend what failed, publish again, then: reprise submit {repo}",
    "review": "It waits for a reviewer. Run its code, too: reprise check {repo} --post",
    "changes-requested": "Make the changes, publish again, then: reprise submit {repo}",
    "stale": "Mend what failed, publish again, then: reprise submit {repo}",
}


@click.command()
@click.argument("repo")
@click.option("--draft", is_flag=True, help="Only let the hub check it; ask nobody.")
@output.json_option
def submit(repo: str, draft: bool) -> None:
    """Propose REPO (owner/name or owner/name@commit) for the catalogue.

    The hub checks it at once; when nothing fails it waits for a reviewer.
    """
    from reprise.hub import catalogue

    _show(catalogue.submit(repo, draft=draft))


@click.command()
@click.argument("repo")
@click.option("--check", is_flag=True, help="Run every check again first.")
@click.option("--runs", is_flag=True, help="List who ran its code, when, and what failed.")
@output.json_option
def submission(repo: str, check: bool, runs: bool) -> None:
    """Show where the submission of REPO stands, with the reason of each check."""
    from reprise.hub import catalogue

    if check and runs:
        raise click.UsageError("--runs lists what people sent; it goes without --check.")
    if runs:
        rows = [{**run, "failed": _failed(run)} for run in catalogue.runs(repo)]
        columns = ["createdAt", "author", "asReviewer", "sha", "failed"]
        output.table(rows, columns, empty="Nobody ran its code yet.")
        return
    _show(catalogue.check(repo) if check else catalogue.submission(repo))


@click.command()
@click.option("--state", default="", help="draft, checks, review, published, stale, …")
@output.json_option
def submissions(state: str) -> None:
    """List the submissions that you may see."""
    from reprise.hub import catalogue

    rows = catalogue.submissions(state)
    output.table(rows, ["id", "state", "likes", "submitter", "updatedAt"], empty="None.")


@click.command()
@click.argument("repo")
@click.argument("decision", type=click.Choice(["published", "changes-requested", "declined"]))
@click.option("--reason", required=True, help="What the author is told.")
@output.json_option
def review(repo: str, decision: str, reason: str) -> None:
    """Decide on the submission of REPO, as a reviewer."""
    from reprise.hub import catalogue

    found = catalogue.decide(repo, decision, reason)
    output.show(found, f"{found['id']}\t{found['state']}")


@click.command()
@click.argument("repo")
@click.option("--withdraw", is_flag=True, help="Take your vote back.")
@output.json_option
def vote(repo: str, withdraw: bool) -> None:
    """Vote for REPO; an account has one vote."""
    from reprise.hub import catalogue

    found = catalogue.vote(repo, withdraw=withdraw)
    output.show(found, f"{found['id']}\t{found['likes']}")


@click.command()
@click.argument("repo")
@click.argument("text")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, but send nothing.")
@output.json_option
def report(repo: str, text: str, dry_run: bool) -> None:
    """Tell the owner of REPO what does not work.

    Python's version, the platform and the versions of installed packages are sent along.
    """
    from reprise.hub import catalogue

    if dry_run:
        output.show({"text": text, "environment": catalogue.environment()})
        return
    found = catalogue.report(repo, text)
    output.show(found, f"Report {found['id']} about {repo} was sent.")


@click.command()
@click.argument("repo")
@click.option("--close", type=int, metavar="NUMBER", help="Say that a report was dealt with.")
@click.option("--reopen", type=int, metavar="NUMBER", help="Say that it was not.")
@output.json_option
def reports(repo: str, close: int | None, reopen: int | None) -> None:
    """List what people reported about REPO: all for its writers and reviewers, else your own.

    With --json, each carries the environment of whoever sent it.
    """
    from reprise.hub import catalogue

    if close is not None and reopen is not None:
        raise click.UsageError("A report is closed or opened again, not both at once.")
    for number, status in ((close, "closed"), (reopen, "open")):
        if number is not None:
            catalogue.set_report_status(repo, number, status)
    rows = [
        {**it, "python": it["environment"].get("python"), "on": it["environment"].get("platform")}
        for it in catalogue.reports(repo)
    ]
    columns = ["id", "status", "author", "createdAt", "python", "on", "text"]
    output.table(rows, columns, empty="No reports.")


@click.command("import-card")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--to", type=click.Path(path_type=Path), help="Write NAME/README.md below this folder."
)
@output.json_option
def import_card(source: Path, to: Path | None) -> None:
    """Print SOURCE, a card of PyTorch Hub's catalogue, as a model card (README.md).

    SOURCE may be the catalogue's folder: then --to says where every card goes. Pages that are no
    cards are passed over and named; files that exist are left as they are.
    """
    from reprise.base.files import write_bytes

    if to is None:
        if source.is_dir():
            raise click.UsageError("A folder of cards needs --to, where they are written.")
        print(_imported(source), end="")
        return
    rows = []
    for file in sorted(source.glob("*.md")) if source.is_dir() else [source]:
        target = to / file.stem / "README.md"
        try:
            text = _imported(file)
        except InvalidFormat as error:
            output.warn(f"{file.name} was passed over: {error.message}")
            continue
        if target.exists():
            output.warn(f"{target} exists and was left as it is.")
            continue
        write_bytes(target, text.encode())
        rows.append({"card": file.name, "path": str(target)})
    output.table(rows, ["card", "path"], empty="No cards were imported.")


def _imported(file: Path) -> str:
    from reprise.formats.hub_card import from_hub_card

    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise InvalidFormat(f"{file} is not UTF-8 text.") from None
    return from_hub_card(text)


def _failed(run: dict[str, Any]) -> list[str]:
    return [it["name"] for it in run["findings"] if it["outcome"] == "failed"]


def _show(found: dict[str, Any]) -> None:
    if output.wants_json():
        output.show(found)
        return
    output.show(found, f"{found['id']}\t{found['state']}\t{found['sha']}")
    output.table(found["checks"], ["name", "outcome", "reason", "checkedAt", "by"])
    last = found["history"][-1] if found["history"] else None
    if last and last["reason"]:
        output.say(f"{last['actor'] or 'the hub'}: {last['reason']}")
    output.hint(_NEXT.get(found["state"], "").format(repo=found["id"]))
