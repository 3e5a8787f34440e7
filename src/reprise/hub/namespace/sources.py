"""Loaders and folder searches for a repo's modules."""

import os
import sys
from collections.abc import Iterable
from functools import partial
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from types import CodeType, ModuleType
from typing import Any


class RepoLoader(SourceFileLoader):
    """Load one source file of a repo with the repo's own built-ins.

    Byte code is neither written nor read: the snapshot is immutable, and a `.pyc` beside the
    source could hold other code than the one people see.
    """

    def __init__(self, builtin_names: dict[str, Any], fullname: str, path: str) -> None:
        super().__init__(fullname, path)
        self._builtins = builtin_names

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code, its import statements going through the repo's `__import__`."""
        module.__dict__["__builtins__"] = self._builtins
        super().exec_module(module)


class Folders:
    """Finds modules in folders as the import system does, with `RepoLoader` for sources."""

    def __init__(self, builtin_names: dict[str, Any]) -> None:
        self._details = (
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (partial(RepoLoader, builtin_names), SOURCE_SUFFIXES),
        )
        self._finders: dict[str, FileFinder] = {}

    def find(self, name: str, folders: Iterable[str]) -> ModuleSpec | None:
        """Return the spec of a module whose last part is looked for in these folders.

        Regular modules win over folders without `__init__.py`, which are joined.
        """
        portions: list[str] = []
        for folder in folders:
            spec = self._finder(folder).find_spec(name)
            if spec is None:
                continue
            if spec.loader is not None:
                return spec
            portions.extend(spec.submodule_search_locations or ())
        if not portions:
            return None
        joined = ModuleSpec(name, None, is_package=True)
        joined.submodule_search_locations = portions
        return joined

    def refresh(self) -> None:
        """Look at the folders again; code may have written modules."""
        for finder in self._finders.values():
            finder.invalidate_caches()

    def _finder(self, folder: str) -> FileFinder:
        if folder not in self._finders:
            self._finders[folder] = FileFinder(folder, *self._details)  # type: ignore[arg-type]
        return self._finders[folder]


def is_installed(name: str, skipped: object) -> bool:
    """Tell whether a top-level module is found without the repo: installed, or Python's own.

    Folders without `__init__.py` do not count, they lose against any regular module; nor do
    modules that merely lie beside the running script.
    """
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is None or finder is skipped:
            continue
        spec = find(name, _installed_path()) if finder is PathFinder else find(name, None)
        if spec is not None and spec.loader is not None:
            return True
    return False


def _installed_path() -> list[str]:
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = {"", os.getcwd(), os.path.dirname(os.path.abspath(main)) if main else ""}  # noqa: PTH100,PTH109,PTH120 - compared as text
    return [entry for entry in sys.path if entry not in beside]
