"""The lock of a repo, `pylock.toml` beside `hubconf.py`: written once, obeyed by workers.

A lock that is there is never changed without being asked to. Without one, versions are chosen when
an environment is first built, from all that the repo asks for.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reprise.base.errors import (
    HubUnreachable,
    IncompatibleDependencies,
    InvalidFormat,
    InvalidInput,
    MissingExtra,
)
from reprise.base.files import write_bytes
from reprise.formats import pylock
from reprise.formats.pylock import Lock, LockedPackage
from reprise.hub import requirements
from reprise.hub.manifest import Manifest
from reprise.hub.requirements import Wanted
from reprise.isolate import environments, wheels
from reprise.isolate.environments import Environment
from reprise.isolate.installers import Installer
from reprise.isolate.interpreter import find
from reprise.isolate.progress import Progress, silent
from reprise.isolate.requirements import Sources

log = logging.getLogger("reprise.hub")

LOCK = "pylock.toml"
# Where public indexes keep their files. Others are found through the settings of pip or uv.
_FILE_HOSTS = ("https://files.pythonhosted.org/", "https://download.pytorch.org/")
_WAY_OUT = "Publish without a lock by passing --no-lock (lock=None in Python)."


@dataclass(frozen=True)
class Locking:
    """How to make a lock, or an environment.

    Attributes:
        again: Replace a lock that is there.
        python: Interpreter to choose for: a path, a version such as "3.10", or None for ours.
        constraints: Limits on versions of what is needed anyway.
        sources: Where packages come from.
        installer: Which program decides; uv or pip by default.
        progress: Told about every step.
    """

    again: bool = False
    python: str | Path | None = None
    constraints: tuple[str, ...] = ()
    sources: Sources = field(default_factory=Sources)
    installer: Installer | None = None
    progress: Progress = silent


def read_lock(folder: Path) -> Lock | None:
    """Return the lock of the repo in a folder, or None when it has none.

    Raises:
        InvalidFormat: It is no pylock.toml.
    """
    try:
        return read_packages(folder / LOCK)
    except FileNotFoundError:
        return None


def read_packages(path: Path) -> Lock:
    """Read a pylock.toml.

    Raises:
        FileNotFoundError: There is none.
        InvalidFormat: It is no pylock.toml.
    """
    try:
        with path.open("rb") as file:
            return pylock.read(file.read(pylock.MAX_SIZE + 1).decode())
    except UnicodeDecodeError:
        raise InvalidFormat(f"{path.name} is not UTF-8 text.") from None


def make_lock(found: Sequence[Wanted], locking: Locking) -> Lock:
    """Choose versions for all that is wanted.

    Raises:
        IncompatibleDependencies: No versions go together; the error names the places that disagree.
        InvalidInput: A line is no requirement that can be locked.
        HubUnreachable: The package index did not answer.
        MissingExtra: There is no installer.
        NotSupported: There is no such interpreter.
    """
    with requirements.explained(found):
        made = environments.resolve(
            requirements.lines(found),
            python=locking.python,
            constraints=(*requirements.limits(found), *locking.constraints),
            sources=locking.sources,
            installer=locking.installer,
            everywhere=True,
        )
    return replace(made, packages=tuple(_portable(package) for package in made.packages))


def write_lock(folder: Path, manifest: Manifest, locking: Locking) -> Lock | None:
    """Write the lock of the repo in a folder, unless there is one or nothing is to be locked.

    Returns:
        What was written. None: there is a lock already, the code needs no packages, or there is no
        installer or no index to ask, which a warning says.

    Raises:
        IncompatibleDependencies, InvalidInput, NotSupported: As `make_lock`.
    """
    if (folder / LOCK).exists() and not locking.again:
        return None
    found = requirements.wanted(folder, manifest)
    if not requirements.lines(found):
        return None
    try:
        made = make_lock(found, locking)
    except (HubUnreachable, MissingExtra) as error:
        log.warning("%s No %s was written; publish again to add it.", error.message, LOCK)
        return None
    except (IncompatibleDependencies, InvalidInput) as error:
        error.hint = f"{error.hint}\n{_WAY_OUT}".strip()
        raise
    write_bytes(folder / LOCK, pylock.write(made).encode())
    log.info("Wrote %s: %d packages, %s.", LOCK, len(made.packages), made.requires_python)
    return made


def lacking(lock: Lock, found: Sequence[Wanted]) -> Iterator[str]:
    """Name what is wanted and not in a lock, with the place that asks for it."""
    from packaging.requirements import InvalidRequirement, Requirement

    versions: dict[str, list[str]] = {}  # several, for different systems
    for package in lock.packages:
        versions.setdefault(package.name, []).append(package.version)
    told = set()
    for item in found:
        try:
            wanted = Requirement(item.line)
        except InvalidRequirement:
            continue
        there = versions.get(item.name, [])
        fits = any(wanted.specifier.contains(it, prereleases=True) for it in there)
        if fits or wanted.url or (not there and not item.needed) or item.line in told:
            continue
        told.add(item.line)
        has = f"has {item.name} {', '.join(there)}" if there else f"lacks {item.name}"
        yield f"{has}, but {item.origin}" + (f" asks for {item.line}" if there else "")


def environment(folder: Path, manifest: Manifest, locking: Locking, *, root: Path) -> Environment:
    """Build the environment of a repo: from its lock where that fits, else from what it asks for.

    Args:
        folder: Where `hubconf.py` is.
        manifest: What `read_manifest` said about it.
        locking: How.
        root: Folder of all environments.

    Raises:
        IncompatibleDependencies: No versions go together; the error names the places that disagree.
        RepriseError: See `reprise.isolate.environments.build`.
    """
    lock = read_lock(folder) if not locking.constraints else None
    pins: tuple[str, ...] = ()
    if lock is not None:
        python = find(locking.python)
        try:
            wheels.select(lock, python)
        except IncompatibleDependencies as error:
            log.warning("%s Choosing wheels again, of the same versions.", error.message)
            pins = tuple(pin(package) for package in lock.packages if package.version)
        else:
            return environments.build(
                _careful(lock), root, python=python, sources=locking.sources,
                installer=locking.installer, progress=locking.progress,
            )  # fmt: skip
    found = requirements.wanted(folder, manifest)
    with requirements.explained(found):
        return environments.ensure(
            requirements.lines(found),
            root,
            python=locking.python,
            constraints=(*requirements.limits(found), *locking.constraints, *pins),
            sources=locking.sources,
            progress=locking.progress,
        )


def _careful(lock: Lock) -> Lock:
    """Leave out addresses that a repo could make this machine ask; the index is asked by name."""
    packages = tuple(
        replace(it, wheels=tuple(replace(wheel, url=_public(wheel.url)) for wheel in it.wheels))
        for it in lock.packages
    )
    return replace(lock, packages=packages)


def _public(url: str | None) -> str | None:
    known = url is not None and url.startswith(_FILE_HOSTS)
    return url if known else None


def pin(package: LockedPackage) -> str:
    """Return the line that asks for exactly this package."""
    marker = f" ; {package.marker}" if package.marker else ""
    return f"{package.name}=={package.version}{marker}"


def _portable(package: LockedPackage) -> LockedPackage:
    """Sort files, and drop addresses of this machine; the hash finds the file elsewhere."""
    kept = tuple(
        replace(wheel, url=wheel.filename) if (wheel.url or "").startswith("file:") else wheel
        for wheel in sorted(package.wheels, key=lambda wheel: wheel.filename)
    )
    return replace(package, wheels=kept)
