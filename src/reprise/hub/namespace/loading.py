"""Load the code of a repo under its private prefix, and call its entry points."""

import functools
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from reprise.base.errors import EntryNotFound
from reprise.hub.namespace.finder import RepoFinder
from reprise.hub.namespace.space import Space

HUBCONF = "hubconf"
_LISTED = 20  # names in one message


def load_module(folder: Path, key: str) -> ModuleType:
    """Import `hubconf.py` of a folder and return it; a second call returns the same module.

    The repo's modules live in `sys.modules` below a prefix made from the key, so that repos with
    equal module names, and commits of one repo, exist side by side. Afterwards, and after an
    error, `sys.path` and all other modules are as before.

    Args:
        folder: Root of the repo's files. They must not change while the repo is loaded.
        key: What tells this code from all other code: host/owner/name/commit.

    Raises:
        EntryNotFound: The folder has no `hubconf.py`.
        InvalidInput: The key is in use for another folder.
        Exception: Whatever the code raises.
    """
    finder = _finder()
    space = _space(finder, folder, key)
    with finder.window(space):
        return import_module(space.full_name(HUBCONF))


def entry_point(folder: Path, key: str, name: str) -> Callable[..., Any]:
    """Return a callable of `hubconf.py`.

    While it is called, other code in the same thread can import the repo's modules by their bare
    names: old pickles need that.

    Args:
        folder: As for `load_module`.
        key: As for `load_module`.
        name: Name in `hubconf.py`.

    Raises:
        EntryNotFound: No callable by that name; the message lists what there is.
        Exception: As `load_module`.
    """
    finder = _finder()
    space = _space(finder, folder, key)
    with finder.window(space):
        module = import_module(space.full_name(HUBCONF))
        found: Callable[..., Any] | None = getattr(module, name, None)
    if found is None or not callable(found):
        raise EntryNotFound(_explain(module, name, found))

    @functools.wraps(found, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        with finder.window(space):
            return found(*args, **kwargs)

    return call


def unload(key: str) -> None:
    """Forget a repo's modules, so that the next load reads its files again.

    Objects made from the old modules keep working; pickling them does not.
    """
    _finder().forget(key)


def install() -> RepoFinder:
    """Return the process's finder, putting it into `sys.meta_path` on first use."""
    with _INSTALLING:
        for known in sys.meta_path:
            if isinstance(known, RepoFinder):
                return known
        finder = RepoFinder(entry_point)
        # First, because a bare name may be taken by a module beside the script.
        sys.meta_path.insert(0, finder)
        return finder


_INSTALLING = threading.Lock()


def _finder() -> RepoFinder:
    # Importing the package of all repos installs the finder; see there.
    import_module("reprise.hub.namespace.repos")
    return install()


def _space(finder: RepoFinder, folder: Path, key: str) -> Space:
    if not (folder / f"{HUBCONF}.py").is_file():
        raise EntryNotFound(f"{folder} has no {HUBCONF}.py, so it offers no entry points.")
    return finder.space(key, folder)


def _explain(module: ModuleType, name: str, found: object) -> str:
    if found is not None:
        return f"{name!r} in {HUBCONF}.py is a {type(found).__name__}, which cannot be called."
    names = sorted(n for n, v in vars(module).items() if callable(v) and not n.startswith("_"))
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return f"{HUBCONF}.py has no entry point {name!r}. It has: {listed or 'none'}."
