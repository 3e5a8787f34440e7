"""`sys`, `importlib` and `builtins` as a repo's code sees them.

Everything is the real thing, but for what concerns the repo's own modules: `sys.path` is a list
of its own, so that edits never reach anybody else, and imports by name find the repo's modules.
"""

import builtins
import importlib
import importlib.machinery
import importlib.util
import sys
from functools import partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from reprise.hub.namespace.keys import PREFIX
from reprise.hub.namespace.sources import RepoLoader
from reprise.hub.namespace.space import Space
from reprise.hub.namespace.statement import import_by_call


class StandIn(ModuleType):
    """A module that passes everything on to another one, except some names."""

    def __init__(self, real: ModuleType, replaced: dict[str, Any]) -> None:
        super().__init__(real.__name__, real.__doc__)
        for name in ("__spec__", "__loader__", "__file__", "__package__"):
            self.__dict__[name] = getattr(real, name, None)
        self.__dict__.update(replaced)
        self.__dict__["_real"] = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["_real"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__dict__["_real"], name)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_real"])


class _Sys(StandIn):
    """`sys` whose `path` belongs to one repo."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "path":
            self.__dict__["path"][:] = value
        else:
            super().__setattr__(name, value)


class _Builtins(StandIn):
    """`builtins`: what is added to it appears in the repo's own copy, too."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name != "__import__":
            self.__dict__["_copy"][name] = value


def make_stand_ins(space: Space) -> dict[str, ModuleType]:
    """Return the modules that a repo's code gets instead of the real ones, by name."""
    util = StandIn(
        importlib.util,
        {
            "find_spec": partial(_find_spec, space),
            "spec_from_file_location": partial(_spec_from_file, space),
        },
    )
    by_name = partial(import_by_call, space)
    whole = StandIn(importlib, {"import_module": by_name, "util": util})
    return {
        "builtins": _Builtins(builtins, {"_copy": space.builtins}),
        "importlib": whole,
        "importlib.util": util,
        "sys": _Sys(sys, {"path": space.path}),
    }


def _find_spec(space: Space, name: str, package: str | None = None) -> ModuleSpec | None:
    absolute = importlib.util.resolve_name(name, package) if name.startswith(".") else name
    if not absolute.startswith(PREFIX) and space.owns(absolute):
        absolute = space.full_name(absolute)
    return importlib.util.find_spec(absolute)


def _spec_from_file(
    space: Space, name: str, location: Any = None, *, loader: Any = None, **options: Any
) -> ModuleSpec | None:
    """Give modules that are loaded by file the repo's imports too."""
    is_source = location is not None and Path(location).suffix == ".py"
    if loader is None and is_source and space.holds(location):
        loader = RepoLoader(space.builtins, name, str(location))
    return importlib.util.spec_from_file_location(name, location, loader=loader, **options)
