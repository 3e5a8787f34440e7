"""Entry points of one repo, loaded the plain way: this process belongs to the repo alone."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_HUBCONF = "hubconf.py"


class EntryPointMissing(LookupError):
    """`hubconf.py` is missing, or has no such callable."""


class DependencyMissing(ImportError):
    """A package that `hubconf.py` declares is not installed."""


def entry_point(folder: str, name: str) -> Callable[..., Any]:
    """Return a callable of a folder's `hubconf.py`.

    The folder stays first on sys.path, since code may import more of the repo at any time.

    Raises:
        EntryPointMissing: There is none.
        DependencyMissing: A declared package is absent.
    """
    module = _hubconf(folder)
    absent = [item for item in getattr(module, "dependencies", ()) if not _installed(item)]
    if absent:
        raise DependencyMissing("Missing dependencies: {}".format(", ".join(absent)))
    found = getattr(module, name, None)
    if not callable(found):
        raise EntryPointMissing(f"Cannot find callable {name} in {_HUBCONF}.")
    return found  # type: ignore[no-any-return]


def entry_points(folder: str) -> list[dict[str, Any]]:
    """Describe all callables of `hubconf.py`, as torch.hub lists them, sorted by name.

    Each has `name`, `kind` (function, class or instance), `signature` and `doc` (as stored; None
    when there is none), `file` and `line` of its definition (relative to the folder; the module's
    dotted name and 0 for code from elsewhere), and `renamed`: whether it goes by another name in
    its own code.
    """
    module = _hubconf(folder)
    found = []
    for name in sorted(dir(module)):
        value = getattr(module, name, None)
        if callable(value) and not name.startswith("_"):
            found.append({"name": name, **_described(name, value, folder)})
    return found


def _described(name: str, value: Any, folder: str) -> dict[str, Any]:
    plain = value
    while isinstance(plain, functools.partial):
        plain = plain.func
    kind = "class" if isinstance(value, type) else "function"
    if kind == "function" and not (inspect.isroutine(plain) or isinstance(plain, type)):
        kind, plain = "instance", type(plain)
    doc = getattr(plain, "__doc__", None)
    file, line = _place(plain, folder)
    return {
        "kind": kind,
        "signature": _signature(value),
        "doc": doc if isinstance(doc, str) else None,
        "file": file,
        "line": line,
        "renamed": getattr(value, "__name__", None) != name,
    }


def _place(value: Any, folder: str) -> tuple[str, int]:
    try:
        path = os.path.realpath(inspect.getsourcefile(inspect.unwrap(value)) or "")
        file = os.path.relpath(path, os.path.realpath(folder))
        if not file.startswith(".."):
            return file, inspect.getsourcelines(value)[1]
    except (TypeError, OSError, ValueError):
        pass
    return str(getattr(value, "__module__", "")), 0


def _hubconf(folder: str) -> ModuleType:
    path = Path(folder) / _HUBCONF
    name = "hubconf"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if not path.is_file():
        raise EntryPointMissing(f"{folder} has no {_HUBCONF}.")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _installed(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _signature(value: Any) -> Any:
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return None
