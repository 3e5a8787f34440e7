"""Options of commands that run a repo's code in a worker: which environment it gets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from reprise.hub.isolated import Isolation

_Function = TypeVar("_Function", bound=Callable[..., Any])


def isolation_options(function: _Function) -> _Function:
    """Give a command the options of its worker's environment; they arrive as `worker`."""
    decorators = (
        click.option(
            "--worker-python",
            metavar="PYTHON",
            help="Interpreter of the worker's environment: a version or a path.",
        ),
        click.option(
            "--worker-environment",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            metavar="PYTHON",
            help="Interpreter of an environment to use instead of building one.",
        ),
        click.option(
            "--constraint",
            "constraints",
            multiple=True,
            metavar="LINE",
            help="Limit a package the worker needs: 'numpy<2'.",
        ),
        click.option(
            "--find-links",
            multiple=True,
            metavar="PLACE",
            help="Folder or page with wheels for the worker.",
        ),
    )
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def taken(options: dict[str, Any], wanted: bool, flag: str) -> "Isolation | None":
    """Take those options out of a command's, and return what they say.

    Args:
        options: All options that the command did not name; changed.
        wanted: Whether the command's flag was given.
        flag: Its name, for the error when it was not.

    Raises:
        UsageError: One of them was given without the flag.
    """
    names = ("worker_python", "worker_environment", "constraints", "find_links")
    said = {name: options.pop(name) for name in names}
    if not wanted:
        given = [name for name, value in said.items() if value]
        if given:
            option = {"constraints": "constraint"}.get(given[0], given[0]).replace("_", "-")
            raise click.UsageError(f"--{option} is about a worker; it needs {flag}.")
        return None
    from reprise.hub.isolated import Isolation
    from reprise.isolate.requirements import Sources

    environment = said["worker_environment"]
    return Isolation(
        python=said["worker_python"],
        environment=environment.absolute() if environment else None,
        constraints=said["constraints"],
        sources=Sources(find_links=said["find_links"]),
    )
