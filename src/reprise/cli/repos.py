"""`reprise repo`: repos on the hub in use, through its API with the stored access token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from reprise.base.errors import RepoNotFound
from reprise.base.ids import RepoId, RepoType
from reprise.cli import output
from reprise.hub import settings
from reprise.hub.api import client
from reprise.hub.failures import translated

_Function = TypeVar("_Function", bound=Callable[..., Any])
_TYPES = click.Choice([repo_type.value for repo_type in RepoType])


def _type_option(function: _Function) -> _Function:
    option = click.option(
        "--type", "repo_type", type=_TYPES, default=RepoType.MODEL.value, show_default=True
    )
    return option(function)


@click.group()
def repo() -> None:
    """Create, list, change, move and delete repos."""


@repo.command()
@click.argument("repo_id", metavar="OWNER/NAME")
@_type_option
@click.option("--private", is_flag=True, help="Hide it from everybody without a role.")
@click.option("--exist-ok", is_flag=True, help="Do not fail when it exists already.")
@output.json_option
def create(repo_id: str, repo_type: str, private: bool, exist_ok: bool) -> None:
    """Create a repo with an initial commit."""
    with _hub(repo_id) as api:
        url = api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=exist_ok)
    output.show({"id": repo_id, "type": repo_type, "url": str(url)}, str(url))


@repo.command("list")
@click.argument("owner", required=False)
@_type_option
@output.json_option
def list_repos(owner: str | None, repo_type: str) -> None:
    """List the repos of OWNER, by default your own."""
    with _hub(owner or "your account") as api:
        owner = owner or api.whoami()["name"]
        listing = {
            RepoType.MODEL: api.list_models,
            RepoType.DATASET: api.list_datasets,
            RepoType.SPACE: api.list_spaces,
        }.get(RepoType(repo_type), api.list_models)
        found = list(listing(author=owner, full=True))
    rows = [
        {
            "id": item.id,
            "private": bool(item.private),
            "updated": item.last_modified.isoformat() if item.last_modified else None,
        }
        for item in found
    ]
    output.table(rows, ["id", "private", "updated"], empty=f"{owner} has no {repo_type} repos.")


@repo.command()
@click.argument("source", metavar="OWNER/NAME")
@click.argument("target", metavar="OWNER/NEW-NAME")
@_type_option
@output.json_option
def move(source: str, target: str, repo_type: str) -> None:
    """Give a repo a new id. The old one redirects to it."""
    RepoId.parse(source), RepoId.parse(target)
    with _hub(source) as api:
        api.move_repo(source, target, repo_type=repo_type)
    output.show({"from": source, "to": target}, f"{source} is called {target} now.")


@repo.command("settings")
@click.argument("repo_id", metavar="OWNER/NAME")
@_type_option
@click.option("--private/--public", default=None, help="Who may see it.")
@click.option("--gated", type=click.Choice(["no", "auto", "manual"]), help="Ask before reading.")
@output.json_option
def change(repo_id: str, repo_type: str, private: bool | None, gated: str | None) -> None:
    """Change who may see or read a repo."""
    if private is None and gated is None:
        raise click.UsageError("Nothing to change: give --private, --public or --gated.")
    with _hub(repo_id) as api:
        api.update_repo_settings(
            repo_id,
            repo_type=repo_type,
            private=private,
            gated=False if gated == "no" else gated,
        )
    output.show({"id": repo_id, "private": private, "gated": gated}, f"Changed {repo_id}.")


@repo.command()
@click.argument("repo_id", metavar="OWNER/NAME")
@_type_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@output.json_option
def delete(repo_id: str, repo_type: str, yes: bool) -> None:
    """Delete a repo with all its history."""
    if not yes:
        click.confirm(f"Delete {repo_type} {repo_id} with all its history?", abort=True, err=True)
    with _hub(repo_id) as api:
        api.delete_repo(repo_id, repo_type=repo_type)
    output.show({"deleted": repo_id}, f"Deleted {repo_id}.")


@repo.command()
@click.argument("name", metavar="ALIAS")
@click.argument("repo_id", metavar="OWNER/NAME")
@_type_option
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), required=True,
    help="The hub's data folder.",
)  # fmt: skip
@output.json_option
def alias(name: str, repo_id: str, repo_type: str, data: Path) -> None:
    """Make a legacy one-part id, such as gpt2, lead to a repo. Runs on the server's machine."""
    from reprise.cli.data_option import open_hub
    from reprise.registry import repos

    kind, target = RepoType(repo_type), RepoId.parse(repo_id)
    with open_hub(data, None) as registry, registry.db.write() as conn:
        found = repos.lookup(conn, kind, target)
        if found is None:
            raise RepoNotFound(f"There is no {repo_type} {repo_id} on this hub.")
        repos.add_alias(conn, found, RepoId.parse(name))
    output.show({"alias": name, "id": repo_id}, f"{name} leads to {repo_id}.")


@contextmanager
def _hub(what: str) -> Iterator[Any]:
    endpoint = settings.endpoint()
    with translated(endpoint, what):
        yield client(endpoint)
