"""`--data DIR`: the hub that a command on the server's own machine works on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from reprise.base.errors import NotFound
from reprise.registry.registry import Registry

_Function = TypeVar("_Function", bound=Callable[..., Any])


def data_option(function: _Function) -> _Function:
    """Give a command `--data` and `--database-url`."""
    for option in (
        click.option(
            "--database-url",
            envvar="REPRISE_DATABASE_URL",
            metavar="URL",
            help="Database to use instead of SQLite in the data folder.",
        ),
        click.option(
            "--data",
            envvar="REPRISE_DATA",
            type=click.Path(file_okay=False, path_type=Path),
            required=True,
            help="The hub's data folder.",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def open_hub(data: Path, database_url: str | None) -> Iterator[Registry]:
    """Open an existing hub, or create one in a folder that is missing or empty.

    Raises:
        NotFound: The folder holds other things, so it is probably the wrong one.
    """
    is_hub = (data / "secret.key").exists()
    if not is_hub and data.exists() and any(data.iterdir()):
        raise NotFound(f"{data} is not empty and holds no hub; check --data.")
    registry = Registry.open(data, database_url=database_url)
    try:
        yield registry
    finally:
        registry.close()
