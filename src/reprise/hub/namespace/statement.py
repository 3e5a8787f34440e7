"""The import statement of a repo's code."""

import builtins
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import resolve_name
from types import ModuleType
from typing import Any, Protocol

from reprise.hub.namespace.keys import PREFIX
from reprise.hub.namespace.space import Space


class Host(Protocol):
    """What the statement asks of the process's finder."""

    def absorb_paths(self, space: Space) -> None:
        """Take over what the repo's code added to the real `sys.path` in this window."""

    def note_import(self, name: str) -> None:
        """Learn that a repo's code imported a module from outside for the first time."""

    def expose(self, space: Space, name: str) -> None:
        """Make a bare name importable for C code, which looks into `sys.modules` itself."""


def make_import(space: Space, host: Host) -> Callable[..., Any]:
    """Return the `__import__` of a repo's code.

    It runs at every import statement, those in functions too. For names outside the repo it costs
    one set lookup and the comparison of two lists of the same texts.
    """
    path, seen, outside = space.path, space.seen, space.outside

    def __import__(  # noqa: A001, N807 - tracebacks show the name
        name: str,
        globals: Any = None,  # noqa: A002 - the interpreter's parameter names
        locals: Any = None,  # noqa: A002
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        if level or (name in outside and path == seen):
            return builtins.__import__(name, globals, locals, fromlist, level)
        stand_in = find_stand_in(space, name, leaf=bool(fromlist))
        if stand_in is not None:
            return stand_in
        host.absorb_paths(space)
        if not space.owns(name):
            try:
                found = builtins.__import__(name, globals, locals, fromlist, 0)
            except ModuleNotFoundError:
                space.look_again()
                if not space.owns(name):
                    raise
            else:
                space.outside.add(name)
                host.note_import(name)
                return found
        if type(fromlist) is list:
            # `PyImport_Import` of C code, which goes on to look up sys.modules[name].
            host.expose(space, name)
        return import_own(space, name, fromlist)

    return __import__


def import_by_call(space: Space, name: str, package: str | None = None) -> ModuleType:
    """Do for the repo's code what `importlib.import_module` does."""
    if name.startswith("."):
        base = package or ""
        if base and not base.startswith(PREFIX) and space.owns(base):
            base = space.full_name(base)
        return import_module(resolve_name(name, base))
    stand_in = find_stand_in(space, name, leaf=True)
    if stand_in is not None:
        return stand_in
    if space.owns(name):
        module: ModuleType = import_own(space, name, ("__name__",))
        return module
    return import_module(name)


def import_own(space: Space, name: str, fromlist: Sequence[str] | None) -> Any:
    """Import a module of the repo; without a `fromlist`, return its top-level package."""
    top = name.partition(".")[0]
    if name in space.adopted:
        return space.adopted[name] if fromlist else space.adopted.get(top)
    try:
        leaf = builtins.__import__(space.full_name(name), None, None, fromlist or ("__name__",), 0)
    except ModuleNotFoundError as error:
        _use_bare_name(space, error)
        raise
    return leaf if fromlist else sys.modules[space.full_name(top)]


def find_stand_in(space: Space, name: str, *, leaf: bool) -> ModuleType | None:
    """Return what the repo's code gets instead of `sys` or `importlib`."""
    if name not in space.stand_ins:
        return None
    return space.stand_ins[name if leaf else name.partition(".")[0]]


def _use_bare_name(space: Space, error: ModuleNotFoundError) -> None:
    """Let an error speak of `models.yolo`, which the code asked for; code compares names."""
    if error.name and error.name.startswith(PREFIX):
        error.name = space.bare_name(error.name)
        error.msg = f"No module named {error.name!r}"
        error.args = (error.msg,)
