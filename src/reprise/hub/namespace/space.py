"""The modules of one repo at one commit: where they lie, and which names mean them."""

import builtins
import os
import sys
import threading
from collections.abc import Sequence
from enum import Enum, auto
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.hub.namespace.keys import PREFIX, module_name
from reprise.hub.namespace.sources import Folders, is_installed

if TYPE_CHECKING:
    from types import ModuleType

# Whoever loads models has these in memory already; a folder of that name is never taken for them.
_NEVER_OWN = frozenset({"torch", "numpy", "builtins", "reprise"})


class Owner(Enum):
    """Whose a top-level name is, for the code of a repo."""

    REPO = auto()
    OUTSIDE = auto()
    DEEP = auto()  # a folder named like a library: the repo's only where it has what is asked for


class Space:
    """One repo's modules.

    Attributes:
        key: What the repo is called: host/owner/name/commit.
        slug: The same as one identifier.
        folder: Root of its files, resolved.
        path: What its code sees as `sys.path`; one list for ever, changed in place.
        seen: The state of `path` that the answers below were found for.
        outside: Names of modules that are not the repo's.
        builtins: Built-in names of its code, with an `__import__` of its own.
        stand_ins: Modules that its code gets instead of the real ones: `sys`, `importlib`.
        adopted: Modules that its code put into `sys.modules` under bare names.
    """

    def __init__(self, key: str, slug: str, folder: Path, finder: object) -> None:
        self.key = key
        self.slug = slug
        self.folder = os.path.realpath(folder)
        self.path: list[str] = [self.folder, *sys.path]
        self.seen: list[str] = []
        self.outside: set[str] = set()
        self.builtins: dict[str, Any] = dict(vars(builtins))
        self.stand_ins: dict[str, ModuleType] = {}
        self.adopted: dict[str, ModuleType] = {}
        self._folders = Folders(self.builtins)
        self._finder = finder
        self._outer = frozenset(sys.path)
        self._owners: dict[str, Owner] = {}
        self._lock = threading.RLock()

    def owns(self, name: str) -> bool:
        """Tell whether a dotted name, as the repo's code writes it, means a module of the repo."""
        owner = self.owner(name.partition(".")[0])
        if owner is Owner.DEEP:
            return self._resolves(name)
        return owner is Owner.REPO

    def owner(self, top: str) -> Owner:
        """Tell whose a top-level name is."""
        with self._lock:
            if self.seen != self.path:
                self._forget()
            known = self._owners.get(top)
            if known is None:
                known = self._owners[top] = self._decide(top)
            return known

    def full_name(self, bare: str) -> str:
        """Return the name under which a module of this repo lives in `sys.modules`."""
        return module_name(self.slug, bare)

    def bare_name(self, full: str) -> str:
        """Return a module's name as the repo's code writes it."""
        return full.removeprefix(f"{PREFIX}.{self.slug}.")

    def find(self, name: str, folders: Sequence[str] | None) -> ModuleSpec | None:
        """Find a module by the last part of its name.

        Args:
            name: The name to give it.
            folders: Where its package's modules lie; None for a top-level module.
        """
        if folders is None:
            front, back = self._entries()
            folders = [*front, *back]
        return self._folders.find(name, folders)

    def top_names(self) -> set[str]:
        """Return what the repo's folders hold that could be imported."""
        front, back = self._entries()
        found: set[str] = set()
        for folder in (*front, *back):
            try:
                names = os.listdir(folder)  # noqa: PTH208 - names, not paths
            except OSError:
                continue
            found.update(name.partition(".")[0] for name in names)
        return found

    def holds(self, path: object) -> bool:
        """Tell whether a path lies in the repo's folder."""
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            return False
        text = os.path.realpath(path)
        return text == self.folder or text.startswith(self.folder + os.sep)

    def absorb_paths(self, before: frozenset[str]) -> None:
        """Take over entries inside the repo that were added to the real `sys.path` since."""
        for entry in [entry for entry in sys.path if entry not in before]:
            if self.holds(entry):
                sys.path.remove(entry)
                if entry not in self.path:
                    self.path.insert(0, entry)

    def look_again(self) -> None:
        """Forget what was found out, because code may have written modules since."""
        with self._lock:
            self._folders.refresh()
            self._forget()

    def update_builtins(self) -> None:
        """Copy built-in names that were added to the process since: `_`, `profile`."""
        if len(vars(builtins)) != len(self.builtins):
            for name, value in list(vars(builtins).items()):
                self.builtins.setdefault(name, value)

    def _forget(self) -> None:
        self.seen[:] = self.path
        self.outside.clear()
        self._owners.clear()

    def _entries(self) -> tuple[list[str], list[str]]:
        """Return the repo's entries of its path that come before all others, and after some."""
        front: list[str] = [self.folder]
        back: list[str] = []
        passed = False
        for entry in self.path:
            if entry in self._outer:
                passed = passed or entry != self.folder
            elif isinstance(entry, str) and entry != self.folder:
                (back if passed else front).append(entry)
        return front, back

    def _decide(self, top: str) -> Owner:
        """Apply the order of the path: the repo's first entries, what is installed, the rest."""
        if top in _NEVER_OWN or (top in sys.stdlib_module_names and top in sys.modules):
            return Owner.OUTSIDE
        front, back = self._entries()
        loaded = self.full_name(top) in sys.modules or top in self.adopted
        first = self._folders.find(top, front)
        if loaded or (first is not None and first.loader is not None):
            return self._by_name(top) if first is not None and first.loader is None else Owner.REPO
        last = self._folders.find(top, back)
        if (first is None and last is None) or is_installed(top, self._finder):
            return Owner.OUTSIDE
        if last is not None and last.loader is not None:
            return Owner.REPO
        return self._by_name(top)

    def _by_name(self, top: str) -> Owner:
        """Judge a folder without `__init__.py`: a package, or tools for the library `top`."""
        from reprise.hub.manifest.distributions import is_library

        return Owner.DEEP if is_library(top) else Owner.REPO

    def _resolves(self, name: str) -> bool:
        parts = name.split(".")
        folders: Sequence[str] | None = None
        for count, part in enumerate(parts, 1):
            spec = self.find(part, folders)
            if spec is None:
                return False
            folders = spec.submodule_search_locations
            if folders is None:
                return count == len(parts)
        return len(parts) > 1
