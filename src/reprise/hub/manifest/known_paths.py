"""Calls about files and modules: `os.path`, `pathlib`, `sys.path`, `importlib`."""

import os
from collections.abc import Callable

from reprise.hub.manifest.engine import Run
from reprise.hub.manifest.items import iterate
from reprise.hub.manifest.known_call import Call, Handler, path_text
from reprise.hub.manifest.patterns import add_path, add_paths
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    External,
    FilePath,
    Items,
    Value,
)

_MAX_PATH = 4096
_MAX_FIRST = 100  # entries of sys.path whose place is remembered
# Modules that import modules by calls inside modules that were imported by calls.
_MAX_NESTED = 8
_FROMLIST = 3  # place of the argument that makes `__import__` return the leaf


def import_now(call: Call, name: str) -> Value:
    """Read a module because a call imports it, and return it."""
    found: list[Value] = []
    engine = call.engine
    if engine.depth >= _MAX_NESTED:
        engine.blind = True
        return MAYBE

    def run() -> Run:
        found.append((yield from engine.load(name)))
        return False

    engine.depth += 1
    try:
        engine.finish(run())
    finally:
        engine.depth -= 1
    return found[0] if found and found[0] is not None else External(name)


def _text(work: Callable[..., Value]) -> Handler:
    def known(call: Call) -> Value:
        texts = [path_text(arg) for arg in call.args]
        if not texts or any(text is None or len(text) > _MAX_PATH for text in texts):
            return DATA
        return work(*texts)

    return known


def _absolute(text: str) -> Value:
    # A relative path leads to the working folder, which is not the repo's.
    return os.path.normpath(text) if text.startswith("/") else DATA


def _splitext(text: str) -> Value:
    return Items(list(os.path.splitext(text)), "tuple")  # noqa: PTH122 - it stands for this


def _make_path(call: Call) -> Value:
    texts = [path_text(arg) for arg in call.args]
    known = [text for text in texts if text is not None]
    if not known or len(known) < len(texts):
        return DATA
    return FilePath(os.path.normpath(os.path.join(*known)))  # noqa: PTH118 - no IO


def _in_tree(*, folder: bool | None) -> Handler:
    def known(call: Call) -> Value:
        path = _inside(call)
        if path is None:
            return DATA
        head, _, name = path.rpartition("/")
        entry = call.engine.tree.entries(head).get(name)
        return entry is not None if folder is None else entry is folder

    return known


def _inside(call: Call) -> str | None:
    text = path_text(call.arg(0))
    path = os.path.normpath(text) if text else None
    return path if path and call.engine.tree.holds(path) else None


def _listdir(call: Call) -> Value:
    path = _inside(call)
    if path is None:
        return Items([], open=True)
    return Items(sorted(call.engine.tree.entries(path)))


def _iter_modules(call: Call) -> Value:
    """`pkgutil.iter_modules(paths, prefix)`: (finder, name, is package) for each module."""
    folders, prefix = iterate(call.engine, call.arg(0))[0], call.arg(1, "prefix", "")
    found: list[Value] = []
    for folder in folders:
        entries = call.engine.tree.entries(folder) if isinstance(folder, str) else {}
        for name, is_folder in sorted(entries.items()):
            stem, _, ending = name.rpartition(".")
            package = is_folder and "__init__.py" in call.engine.tree.entries(f"{folder}/{name}")
            module = name if package else stem if ending == "py" else ""
            if module and module != "__init__" and isinstance(prefix, str):
                found.append(Items([DATA, prefix + module, is_folder], "tuple"))
    return Items(found, open=not folders)


def _import_module(call: Call) -> Value:
    name, package = call.arg(0, "name"), call.arg(1, "package")
    if isinstance(name, str) and name.startswith(".") and isinstance(package, str):
        level = len(name) - len(name.lstrip("."))
        base = package.split(".")
        name = ".".join([*base[: len(base) - level + 1], name[level:]])
    if not isinstance(name, str) or not name or name.startswith("."):
        call.engine.blind = True
        return MAYBE
    return import_now(call, name)


def _dunder_import(call: Call) -> Value:
    name = call.arg(0, "name")
    if not isinstance(name, str) or not name:
        call.engine.blind = True
        return MAYBE
    module = import_now(call, name)
    top = call.engine.module(name.partition(".")[0])
    leaf = len(call.args) > _FROMLIST or "fromlist" in call.keywords
    return module if leaf or top is None else top


def _append_path(call: Call) -> Value:
    add_path(call.engine, call.arg(0))
    return None


def _insert_path(call: Call) -> Value:
    place, path = call.arg(0), call.arg(1)
    add_path(call.engine, path)
    first = call.engine.first_paths
    if isinstance(place, int) and 0 <= place <= len(first) < _MAX_FIRST:
        first.insert(place, path_text(path))
    return None


def _add_paths(call: Call) -> Value:
    add_paths(call.engine, call.arg(0))
    return None


def _nothing(_call: Call) -> Value:
    return None


def _fspath(call: Call) -> Value:
    text = path_text(call.arg(0))
    return DATA if text is None else text


_OS_PATH: dict[str, Handler] = {
    "join": _text(os.path.join),
    "dirname": _text(os.path.dirname),
    "basename": _text(os.path.basename),
    "normpath": _text(os.path.normpath),
    "abspath": _text(_absolute),
    "realpath": _text(_absolute),
    "split": _text(lambda text: Items(list(os.path.split(text)), "tuple")),
    "splitext": _text(_splitext),
    "isdir": _in_tree(folder=True),
    "isfile": _in_tree(folder=False),
    "exists": _in_tree(folder=None),
}
HANDLERS: dict[str, Handler] = {
    **{f"os.path.{name}": handler for name, handler in _OS_PATH.items()},
    "os.fspath": _fspath,
    "os.listdir": _listdir,
    "pathlib.Path": _make_path,
    "pathlib.PurePath": _make_path,
    "pathlib.PosixPath": _make_path,
    "pkgutil.iter_modules": _iter_modules,
    "importlib.import_module": _import_module,
    "builtins.__import__": _dunder_import,
    "sys.path.append": _append_path,
    "sys.path.insert": _insert_path,
    "sys.path.extend": _add_paths,
    "sys.path.remove": _nothing,
    "sys.path.pop": _nothing,
    "site.addsitedir": _append_path,
}
