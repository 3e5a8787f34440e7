"""Packages that a repo's code needs and this environment lacks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reprise.base.errors import MissingDependencies
from reprise.hub.manifest import Dependency, Manifest, install_command, missing


def require_declared(manifest: Manifest, repo: str) -> tuple[Dependency, ...]:
    """Make sure that all a repo declares can be imported, before any of its code runs.

    Returns:
        What is missing without being declared; see `naming`.

    Raises:
        MissingDependencies: Something declared is missing; all that is surely needed is named.
    """
    absent = missing(manifest, optional=True)
    if any(item.declared for item in absent):
        raise _missing([item for item in absent if not item.optional], repo)
    return absent


@contextmanager
def naming(absent: tuple[Dependency, ...], repo: str) -> Iterator[None]:
    """Name every missing package as soon as the code asks for one of them.

    What the code declares is checked before it runs. What it merely imports somewhere may be
    behind a path that is never taken, so it is only reported when it is asked for.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        asked = next((item for item in absent if item.import_name == name), None)
        if asked is None:
            raise
        files = _files(asked)
        wanted = [item for item in absent if not item.optional or files & _files(item)]
        raise _missing(wanted, repo) from error


def _files(item: Dependency) -> set[str]:
    """The files that import a package."""
    return {place.rpartition(":")[0] for place in item.where}


def _missing(absent: Sequence[Dependency], repo: str) -> MissingDependencies:
    named = ", ".join(item.import_name for item in absent)
    return MissingDependencies(
        f"{repo} needs packages that are not installed: {named}.",
        hint=f"Install them with: {install_command(absent)}",
    )
