"""Load the code of a repo under its private prefix."""

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from reprise.base.errors import EntryNotFound

HUBCONF = "hubconf.py"


def load_module(folder: Path, key: str) -> ModuleType:
    """Import `hubconf.py` of a folder and return it as a module; a second call returns the same.

    Args:
        folder: Root of the repo's files.
        key: What tells this code from all other code: host/owner/name/commit.

    Raises:
        EntryNotFound: The folder has no `hubconf.py`.
    """
    path = folder / HUBCONF
    if not path.is_file():
        raise EntryNotFound(f"{folder} has no {HUBCONF}.")
    spec = spec_from_file_location(f"_hub_{abs(hash(key))}", path)
    if spec is None or spec.loader is None:
        raise EntryNotFound(f"{path} cannot be loaded.")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def entry_point(folder: Path, key: str, name: str) -> Callable[..., Any]:
    """Return a callable of `hubconf.py`.

    Raises:
        EntryNotFound: No callable by that name.
    """
    found: Callable[..., Any] | None = getattr(load_module(folder, key), name, None)
    if found is None or not callable(found):
        raise EntryNotFound(f"Cannot find callable {name} in {HUBCONF}.")
    return found


def unload(key: str) -> None:
    """Forget a repo's modules, so that the next load reads its files again."""
    sys.modules.pop(f"_hub_{abs(hash(key))}", None)
