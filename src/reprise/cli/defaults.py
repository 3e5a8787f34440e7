"""`reprise defaults`: which model runs a task when nobody names one, from the operator's side."""

from pathlib import Path

import click

from reprise.base.ids import RepoId
from reprise.cli import output
from reprise.cli.data_option import data_option, open_hub
from reprise.registry import defaults as chosen
from reprise.registry.operator_key import hub_id


@click.group()
def defaults() -> None:
    """Choose the models of tasks for people who name none. Runs on the server's machine.

    Clients get the list signed by the hub's key, which they remember.
    """


@defaults.command("set")
@click.argument("task")
@click.argument("address", metavar="REPO[@COMMIT]")
@data_option
@output.json_option
def set_default(task: str, address: str, data: Path, database_url: str | None) -> None:
    """Let REPO run TASK, at COMMIT or at the one that its default branch has now."""
    name, _, revision = address.partition("@")
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        found = chosen.choose(conn, task, RepoId.parse(name), revision, now=registry.clock())
    row = {"task": task, "repo": str(found.repo), "commit": found.commit}
    output.show(row, f"{task} is run by {found.repo} at {found.commit}.")


@defaults.command("list")
@data_option
@output.json_option
def list_defaults(data: Path, database_url: str | None) -> None:
    """List the models, and the key that signs the list."""
    with open_hub(data, database_url) as registry:
        with registry.db.read() as conn:
            rows = [
                {"task": it.task, "repo": str(it.default.repo), "commit": it.default.commit,
                 "public": it.public}
                for it in chosen.list_all(conn)
            ]  # fmt: skip
        key = hub_id(registry.secret)
    output.say(f"Signed by {key}")
    empty = "None yet: reprise defaults set TASK OWNER/NAME --data DIR"
    output.table(rows, ["task", "repo", "commit", "public"], empty=empty)


@defaults.command()
@click.argument("task")
@data_option
@output.json_option
def remove(task: str, data: Path, database_url: str | None) -> None:
    """Leave TASK without a model."""
    with open_hub(data, database_url) as registry, registry.db.write() as conn:
        chosen.remove(conn, task)
    output.show({"removed": task}, f"{task} has no default any more.")
