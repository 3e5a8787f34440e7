"""Bare names in `sys.modules`, for as long as a repo's code runs.

Old pickles name classes as `models.yolo.Model`, and libraries import what a configuration names.
While an entry point runs, such a name stands in `sys.modules` as an alias that looks at who asks:
the thread that runs the repo gets the repo's module, every other thread what it would have got.
"""

import sys
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType
from typing import Any

from reprise.hub.namespace.sources import is_installed
from reprise.hub.namespace.space import Space

# Returns the space whose code the calling thread runs, or None.
Current = Callable[[], Space | None]


class Alias(ModuleType):
    """A module that stands for another one, depending on the thread that asks."""

    def __init__(self, name: str, aliases: "Aliases") -> None:
        super().__init__(name)
        self.__dict__["_aliases"] = aliases

    def __getattr__(self, name: str) -> Any:
        # Tools walk through `sys.modules` and ask every module for its `__file__`: that must not
        # import anything, and fail as it does for any other module.
        about = name.startswith("__") and name != "__path__"
        target = self.__dict__["_aliases"].target(self.__name__, load=not about)
        if target is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            self.__dict__[name] = value  # what the import system notes about the alias itself
        elif not isinstance(value, Alias):
            setattr(self.__dict__["_aliases"].target(self.__name__, load=True), name, value)


class AliasLoader(Loader):
    """Lets the import system make an alias."""

    def __init__(self, aliases: "Aliases", space: Space) -> None:
        self._aliases = aliases
        self._space = space

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Import the repo's module and return an alias for it."""
        import_module(self._space.full_name(spec.name))
        return self._aliases.make(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module behind the alias ran already."""

    def get_resource_reader(self, name: str) -> Any:
        """Return the reader of the repo's package, for `importlib.resources`."""
        full = self._space.full_name(name)
        return sys.modules[full].__spec__.loader.get_resource_reader(full)  # type: ignore[union-attr]


class Aliases:
    """All aliases of the process."""

    def __init__(self, current: Current, finder: object) -> None:
        self._current = current
        self._finder = finder
        self._originals: dict[str, ModuleType] = {}
        self._names: set[str] = set()
        self._lock = threading.RLock()

    def make(self, name: str) -> Alias:
        """Return a new alias; the caller puts it into `sys.modules`."""
        with self._lock:
            self._names.add(name)
            return Alias(name, self)

    def expose(self, space: Space, name: str) -> None:
        """Put aliases for a repo's module and the packages around it into `sys.modules`."""
        parts = name.split(".")
        with self._lock:
            for count in range(1, len(parts) + 1):
                bare = ".".join(parts[:count])
                if bare not in sys.modules and space.owns(bare):
                    sys.modules[bare] = self.make(bare)

    def hide(self, space: Space) -> None:
        """Put aliases over modules beside the user's script that are named like the repo's."""
        with self._lock:
            for top in space.top_names() & sys.modules.keys():
                if not self._is_in_the_way(space, top):
                    continue
                for name in [n for n in list(sys.modules) if f"{n}.".startswith(f"{top}.")]:
                    self._originals[name] = sys.modules[name]
                    sys.modules[name] = self.make(name)

    def clear(self) -> None:
        """Put everything back as it was."""
        with self._lock:
            for name in self._names:
                if not isinstance(sys.modules.get(name), Alias):
                    continue
                original = self._originals.get(name)
                if original is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = original
            self._names.clear()
            self._originals.clear()

    def _is_in_the_way(self, space: Space, top: str) -> bool:
        if isinstance(sys.modules[top], Alias) or top in sys.stdlib_module_names:
            return False
        return space.owns(top) and not is_installed(top, self._finder)

    def target(self, name: str, *, load: bool) -> ModuleType | None:
        """Return the module that a name means to this thread, None when there is none.

        Args:
            name: The bare name.
            load: Whether to import the module if that has not happened yet.
        """
        space = self._current()
        if space is not None and space.owns(name):
            full = space.full_name(name)
            return import_module(full) if load else sys.modules.get(full)
        known = self._originals.get(name)
        if known is not None or not load:
            return known
        try:
            return self._import_behind(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            return None

    def _import_behind(self, name: str) -> ModuleType:
        """Import a module whose name an alias occupies, or occupied when somebody took it."""
        if not isinstance(sys.modules.get(name), Alias):
            return import_module(name)
        head = name.rpartition(".")[0]
        parent = self.target(head, load=True) if head else None
        path = getattr(parent, "__path__", None)
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path) if find is not None and finder is not self._finder else None
            if spec is not None and spec.loader is not None:
                return self._load(name, spec)
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    def _load(self, name: str, spec: ModuleSpec) -> ModuleType:
        # No lock is held while the module runs: it may wait for threads that need it. As in any
        # import, others may see the module before it is complete.
        module = self._originals.setdefault(name, module_from_spec(spec))
        try:
            spec.loader.exec_module(module)  # type: ignore[union-attr]
        except BaseException:
            self._originals.pop(name, None)
            raise
        return module
