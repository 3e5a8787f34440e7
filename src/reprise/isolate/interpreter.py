"""Python interpreters: find one, and learn what it can install."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reprise.base.errors import NotSupported

OLDEST = (3, 8)
_SECONDS = 60
# Run in the interpreter in question, with the folder that holds `packaging` as its argument.
_QUESTIONS = """
import json, sys, sysconfig
sys.path.append(sys.argv[1])
facts = {
    "version": list(sys.version_info[:3]), "base": sys.base_prefix,
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "cache_tag": sys.implementation.cache_tag, "tags": [], "markers": {},
}
if sys.version_info >= (3, 8):
    from packaging import markers, tags
    facts["tags"] = [str(tag) for tag in tags.sys_tags()]
    facts["markers"] = dict(markers.default_environment())
print(json.dumps(facts))
"""


@dataclass(frozen=True)
class Interpreter:
    """One installation of Python.

    Attributes:
        executable: The program of the installation itself, never that of an environment.
        base: Folder of the installation.
        version: Three numbers.
        cache_tag: `cpython-311`; compiled modules carry it in their name.
        tags: Wheel tags it can install, best first.
        markers: Values of environment markers.
    """

    executable: Path
    base: Path
    version: tuple[int, int, int]
    cache_tag: str
    tags: tuple[str, ...]
    markers: tuple[tuple[str, str], ...]

    @property
    def short_version(self) -> str:
        """Major and minor version: `3.11`."""
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def full_version(self) -> str:
        """All three numbers."""
        return ".".join(map(str, self.version))


def find(python: "str | Path | Interpreter | None" = None) -> Interpreter:
    """Find an interpreter.

    Args:
        python: A path, a version such as `3.10`, None for the running one, or one found before.

    Raises:
        NotSupported: There is none, or it is too old.
    """
    if isinstance(python, Interpreter):
        return python
    if python is None:
        return inspect(Path(sys.executable))
    if isinstance(python, Path) or os.sep in python:
        return inspect(Path(python))
    for candidate in _candidates(python):
        try:
            found = inspect(candidate)
        except NotSupported:
            continue  # a shim without a version behind it
        if found.full_version.startswith(f"{python}.") or found.full_version == python:
            return found
    raise NotSupported(
        f"There is no Python {python} on this machine.",
        hint="Install it, or name another interpreter by its path.",
    )


def inspect(executable: Path) -> Interpreter:
    """Ask an interpreter about itself.

    Raises:
        NotSupported: It cannot be run, or is older than 3.8.
    """
    import packaging

    place = str(Path(packaging.__path__[0]).parent)
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter that the caller chose
            [executable, "-I", "-c", _QUESTIONS, place], capture_output=True, text=True,
            timeout=_SECONDS, check=True,
        )  # fmt: skip
        facts = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise NotSupported(f"{executable} does not work as a Python interpreter: {error}") from None
    version = tuple(facts["version"])
    if version < OLDEST:
        raise NotSupported(
            f"{executable} is Python {'.'.join(map(str, version))}; workers need "
            f"{OLDEST[0]}.{OLDEST[1]} or newer."
        )
    return Interpreter(
        Path(facts["executable"]).resolve(), Path(facts["base"]), version, facts["cache_tag"],
        tuple(facts["tags"]), tuple(sorted(facts["markers"].items())),
    )  # fmt: skip


def _candidates(version: str) -> Iterator[Path]:
    """Yield programs that may be that version: on the path, then where pyenv and uv keep theirs."""
    short = ".".join(version.split(".")[:2])
    for folder in os.get_exec_path():
        found = shutil.which(f"python{short}", path=folder)
        if found:
            yield Path(found)
    home = Path("~").expanduser()
    for pattern in (f".pyenv/versions/{short}*", f".local/share/uv/python/cpython-{short}*"):
        yield from sorted(home.glob(f"{pattern}/bin/python{short}"), reverse=True)
