"""Which packages a manifest asks for are missing here, and how to get them."""

import shlex
from collections.abc import Iterable
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from reprise.hub.manifest.records import Dependency, Manifest


def missing(manifest: Manifest, *, optional: bool = False) -> tuple[Dependency, ...]:
    """Return the dependencies that cannot be imported in this environment.

    Nothing is imported: only the finders are asked for the top-level name.

    Args:
        manifest: What `read_manifest` returned.
        optional: Also count those the code can do without.
    """
    needed = (
        item
        for item in manifest.dependencies
        if item.declared or (item.inferred and (optional or not item.optional))
    )
    return tuple(item for item in needed if not _is_importable(item.import_name))


def install_command(absent: Iterable[Dependency]) -> str:
    """Return one command that installs them all, or an empty text when there are none.

    Example:
        >>> yaml = Dependency("yaml", "pyyaml", True, False, False, (), ">=6")
        >>> install_command([yaml])
        "pip install 'pyyaml>=6'"
    """
    wanted = sorted({item.distribution + item.specifier for item in absent}, key=str.lower)
    return shlex.join(["pip", "install", *wanted]) if wanted else ""


def _is_importable(name: str) -> bool:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # ValueError: a module without a spec is loaded already
        spec = PathFinder.find_spec(name)
    if spec is None:
        return False
    # A folder without `__init__.py` in the working folder is no package: `wandb/`, `data/`.
    portions = [] if spec.origin else list(spec.submodule_search_locations or ())
    here = Path.cwd()
    return not portions or any(Path(portion).resolve().parent != here for portion in portions)
