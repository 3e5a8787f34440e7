"""The two installers: uv when it is there, else pip. Both only ever handle wheels."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from reprise.base.errors import MissingExtra
from reprise.isolate.interpreter import Interpreter
from reprise.isolate.requirements import Sources

Kind = Literal["uv", "pip"]
_SECONDS = 3600


@dataclass(frozen=True)
class Installer:
    """A program that resolves and fetches.

    Attributes:
        kind: Which one.
        command: How to start it, for the interpreter it was made for.
    """

    kind: Kind
    command: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """How one call of an installer went."""

    code: int
    output: str
    errors: str


def choose(interpreter: Interpreter, kind: Kind | None = None) -> Installer:
    """Return an installer for an interpreter.

    Args:
        interpreter: Which one packages are for.
        kind: Take this one, instead of uv where it is installed and pip elsewhere.

    Raises:
        MissingExtra: Neither is there, or not the one asked for.
    """
    uv = _uv()
    if uv and kind in {None, "uv"}:
        return Installer("uv", (uv, "--no-python-downloads", "--color", "never"))
    pip = _pip(interpreter)
    if pip and kind in {None, "pip"}:
        return Installer("pip", pip)
    raise MissingExtra(
        f"Building environments needs {kind or 'uv or pip'}, which is not installed. "
        f"Install it with: python -m pip install {kind or 'uv'}"
    )


def call(installer: Installer, arguments: Sequence[str | Path], *, folder: Path) -> Run:
    """Run an installer in `folder`, where no project's settings lie, and wait for its end.

    The user's own settings - index, proxy, certificates - apply.
    """
    done = subprocess.run(  # noqa: S603 - pip or uv, with words we checked
        [*installer.command, *map(str, arguments)], cwd=folder, env=_environment(),
        capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL,
        timeout=_SECONDS, check=False,
    )  # fmt: skip
    return Run(done.returncode, done.stdout, done.stderr)


def source_options(installer: Installer, sources: Sources) -> list[str]:
    """Return the options that say where packages come from."""
    options = [] if sources.index is None else ["--index-url", sources.index]
    for url in sources.extra_indexes:
        options += ["--extra-index-url", url]
    for place in sources.find_links:
        # Installers run in a folder of their own, where a relative path would lead nowhere.
        options += ["--find-links", str(place if "://" in str(place) else Path(place).absolute())]
    if sources.offline:
        options += ["--offline"] if installer.kind == "uv" else ["--no-index"]
    return options


def _environment() -> Mapping[str, str]:
    """Return our environment without what would point the installer at our own packages."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "PIP_REQUIRE", "PIP_TARGET", "PIP_PREFIX")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"PYTHONIOENCODING": "utf-8", "PIP_NO_COLOR": "1"}


def _uv() -> str | None:
    found = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    return found or shutil.which("uv")


def _pip(interpreter: Interpreter) -> tuple[str, ...] | None:
    """Return a pip that works on the interpreter: ours, or the wheel that Python brings along."""
    common = ("--disable-pip-version-check", "--no-input")
    if find_spec("pip"):
        target = ("--python", str(interpreter.executable))
        return (sys.executable, "-m", "pip", *target, *common)
    bundle = find_spec("ensurepip")
    if bundle is None or bundle.origin is None:
        return None
    wheels = sorted(Path(bundle.origin).parent.glob("_bundled/pip-*.whl"))
    program = f"{wheels[-1]}/pip" if wheels else None
    return (str(interpreter.executable), program, *common) if program else None
