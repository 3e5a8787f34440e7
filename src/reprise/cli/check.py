"""`reprise check`: run the checks that run code, and send the hub what they found."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from reprise.base.errors import RepriseError
from reprise.cli import output

if TYPE_CHECKING:
    from reprise.hub.trials.records import Report
    from reprise.hub.trials.setting import How

log = logging.getLogger("reprise.cli")
_EXIT_FAILED = 1
_ALL = 5_000  # submissions in each state, the most that a hub lists


@click.command()
@click.argument("repo", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Everything published; sends what it finds."
)
@click.option("--post", is_flag=True, help="Send the hub what was found.")
@click.option("--python", help="Interpreter of the environment: a path, or a version such as 3.10.")
@click.option(
    "--environment", type=click.Path(path_type=Path), help="Python that has all packages."
)
@click.option("--find-links", multiple=True, help="Folder or page with wheels to install from too.")
@click.option("--seconds", default=600.0, show_default=True, help="How long one call may take.")
@click.option("--most", default=100, show_default=True, help="Entry points that are tried.")
@click.option("--fetch", default=2048, show_default=True, help="MiB of weights to download.")
@click.option("--private-addresses", is_flag=True, help="Also ask hosts of private networks.")
@output.json_option
@click.pass_context
def check(
    ctx: click.Context, /, repo: str | None, everything: bool, post: bool, **options: Any
) -> None:
    """Check REPO (owner/name, owner/name@commit or a folder) by running it.

    Packages are installed from the lock, every entry point is made, called as the card's `checks`
    says, and fingerprinted, weights are read, the card's example runs, addresses are asked. Code
    runs without network and with nothing to write to. Fails when a check failed.

    With --all, everything that is published is checked and reported, and only what could not be
    checked at all is a failure.
    """
    from reprise.hub import catalogue
    from reprise.hub.trials.running import check_repo

    how = _how(options)
    if everything:
        ctx.exit(_check_all(how))
    if repo is None:
        raise click.UsageError("Name a REPO, or pass --all.")
    report = check_repo(_submitted(repo) if post else repo, how)
    _show(report)
    if post:
        found = catalogue.send_run(report.repo, report)
        output.say(f"Sent to the hub; the state of {found['id']} is now: {found['state']}")
    if report.failed:
        ctx.exit(_EXIT_FAILED)


def _how(options: dict[str, Any]) -> "How":
    from reprise.hub import settings
    from reprise.hub.isolated import Isolation
    from reprise.hub.trials.addresses import public_only
    from reprise.hub.trials.setting import How
    from reprise.isolate.requirements import Sources

    isolation = Isolation(
        python=options["python"],
        environment=options["environment"],
        sources=Sources(find_links=options["find_links"]),
        call_seconds=options["seconds"],
    )
    own = urlsplit(settings.endpoint()).hostname or ""  # the hub may be in a private network
    asks = (lambda _host: True) if options["private_addresses"] else public_only(own)
    return How(isolation, most=options["most"], fetch=options["fetch"] << 20, may_ask=asks)


def _submitted(repo: str) -> str:
    """Return the address of what was submitted, unless a commit is named."""
    from reprise.hub import catalogue

    return repo if "@" in repo else f"{repo}@{catalogue.submission(repo)['sha']}"


def _check_all(how: "How") -> int:
    """Check what is published or stale, one after the other; return the exit code."""
    from reprise.hub import catalogue
    from reprise.hub.trials.running import check_repo

    rows, code = [], 0
    states = (catalogue.submissions(state, limit=_ALL) for state in ("published", "stale"))
    for item in [it for found in states for it in found]:
        name = item["id"]
        try:
            catalogue.check(name)  # what the hub checks itself
            report = check_repo(f"{name}@{item['sha']}", how)
            state = catalogue.send_run(name, report)["state"]
        except RepriseError as error:
            log.warning("%s was not checked: %s", name, error)
            rows.append({"id": name, "state": item["state"], "failed": None, "error": str(error)})
            code = _EXIT_FAILED
            continue
        rows.append({"id": name, "state": state, "failed": report.failed, "error": None})
    output.table(rows, ["id", "state", "failed"], empty="Nothing is published yet.")
    return code


def _show(report: "Report") -> None:
    rows = [
        {
            "name": trial.name,
            "outcome": trial.outcome,
            "reason": trial.reason,
            "details": dict(trial.details),
        }
        for trial in report.trials
    ]
    if output.wants_json():
        output.show({
            "repo": report.repo,
            "sha": report.commit,
            "environment": dict(report.environment),
            "checks": rows,
        })  # fmt: skip
        return
    output.table(rows, ["name", "outcome", "reason"])
