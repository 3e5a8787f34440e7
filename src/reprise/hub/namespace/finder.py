"""The finder of repos' modules in `sys.meta_path`, and the windows in which their code runs."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dis import opmap
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType

from reprise.base.errors import InvalidInput
from reprise.hub.namespace.aliases import Alias, Aliases, AliasLoader
from reprise.hub.namespace.keys import PREFIX, split_name, to_key, to_slug
from reprise.hub.namespace.nested import LoadEntry, Redirection
from reprise.hub.namespace.registry import lookup
from reprise.hub.namespace.space import Space
from reprise.hub.namespace.stand_ins import make_stand_ins
from reprise.hub.namespace.statement import make_import

_HUBCONF = "hubconf"


class RootLoader(Loader):
    """Makes the empty package that holds one repo's modules."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import system make it."""

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty."""


@dataclass(frozen=True)
class _Window:
    """One stretch of time in which a thread runs a repo's code, and what was there before."""

    space: Space
    modules: frozenset[str]
    paths: frozenset[str]


class RepoFinder:
    """Finds the modules of all repos of this process."""

    def __init__(self, load: LoadEntry) -> None:
        self.spaces: dict[str, Space] = {}
        self.aliases = Aliases(self.current, self)
        self._redirection = Redirection(self.current, load)
        self._lock = threading.RLock()
        self._local = threading.local()
        self._windows = 0

    def current(self) -> Space | None:
        """Return the space whose code this thread runs, None outside windows."""
        window = self._window()
        return None if window is None else window.space

    def absorb_paths(self, space: Space) -> None:
        """Take over what the repo's code added to the real `sys.path` in this window."""
        window = self._window()
        if window is not None and window.space is space:
            space.absorb_paths(window.paths)

    def note_import(self, name: str) -> None:
        """Learn that a repo's code imported a module from outside for the first time."""
        self._redirection.after_import(name)

    def expose(self, space: Space, name: str) -> None:
        """Make a bare name importable for C code, if a window is open to close it again."""
        if self.current() is space:
            self.aliases.expose(space, name)

    def space(self, key: str, folder: Path) -> Space:
        """Return the space of a key, opening it on first use.

        Raises:
            InvalidInput: The key is in use for another folder.
        """
        slug = to_slug(key)
        with self._lock:
            known = self.spaces.get(slug)
            if known is None:
                known = self.spaces[slug] = self._open(key, slug, folder)
        if known.folder != str(folder.resolve()):
            raise InvalidInput(
                f"{key} is loaded from {known.folder} already; "
                f"unload it before loading it from {folder}."
            )
        return known

    def forget(self, key: str) -> None:
        """Drop a space and its modules; objects made from them live on."""
        root = f"{PREFIX}.{to_slug(key)}"
        with self._lock:
            self.spaces.pop(to_slug(key), None)
            for name in [n for n in list(sys.modules) if f"{n}.".startswith(f"{root}.")]:
                sys.modules.pop(name, None)

    @contextmanager
    def window(self, space: Space) -> Iterator[None]:
        """Let a repo's code run in this thread; afterwards the process is as it was."""
        stack = self._local.__dict__.setdefault("stack", [])
        window = _Window(space, frozenset(sys.modules), frozenset(sys.path))
        with self._lock:
            self._windows += 1
            self.aliases.hide(space)
            self._redirection.open()
        space.update_builtins()
        stack.append(window)
        try:
            yield
        finally:
            stack.pop()
            space.absorb_paths(window.paths)
            _adopt(space, window.modules)
            with self._lock:
                self._windows -= 1
                if not self._windows:
                    self.aliases.clear()
                    self._redirection.close()

    def invalidate_caches(self) -> None:
        """Look at all folders again; `importlib.invalidate_caches` asks every finder to."""
        for space in list(self.spaces.values()):
            space.look_again()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """Find a repo's module by its full name; by its bare name only inside a window."""
        del target
        if fullname.startswith(f"{PREFIX}."):
            return self._find_own(fullname, path)
        space = self.current()
        return None if space is None else self._find_bare(space, fullname, path)

    def _window(self) -> _Window | None:
        stack: list[_Window] | None = getattr(self._local, "stack", None)
        return stack[-1] if stack else None

    def _open(self, key: str, slug: str, folder: Path) -> Space:
        space = Space(key, slug, folder, self)
        space.builtins["__import__"] = make_import(space, self)
        space.stand_ins.update(make_stand_ins(space))
        return space

    def _find_own(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        slug, bare = split_name(fullname)
        space = self.spaces.get(slug) or self._registered(slug, fullname)
        if not bare:
            root = ModuleSpec(fullname, RootLoader(), is_package=True)
            root.submodule_search_locations = [space.folder]
            return root
        inner = "." in bare
        spec = space.find(fullname, path if inner else None)
        hubconf = space.full_name(_HUBCONF)
        if spec is None and not inner and bare != _HUBCONF and hubconf not in sys.modules:
            # Its path may be made when hubconf.py runs, which has not happened in this process.
            import_module(hubconf)
            spec = space.find(fullname, None)
        return spec

    def _registered(self, slug: str, fullname: str) -> Space:
        key = to_key(slug)
        folder = lookup(key) if key is not None else None
        if key is None or folder is None:
            raise ModuleNotFoundError(
                f"The code of {key or slug} is not registered on this machine; load the repo "
                "once, agreeing to run its code, and try again.",
                name=fullname,
            )
        return self.space(key, folder)

    def _find_bare(self, space: Space, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        parent = name.rpartition(".")[0]
        if path and not isinstance(sys.modules.get(parent), Alias) and space.holds(path[0]):
            # Inside a package that the repo's code loaded by file under a name of its own.
            return space.find(name, path)
        wanted, asker = _request(name)
        if asker is None or not space.owns(wanted) or _is_statement_elsewhere(asker, space):
            return None
        return ModuleSpec(name, AliasLoader(self.aliases, space), is_package=True)


_IMPORT_NAME = opmap["IMPORT_NAME"]


def _request(name: str) -> tuple[str, FrameType | None]:
    """Return the whole name that is being imported, and the frame that asks for it.

    The import system asks finders for `models` before `models.yolo`. The frame is None when only
    the existence of a module is asked for.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to see the asker
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    while frame is not None and "importlib" in frame.f_code.co_filename:
        if frame.f_code.co_name == "find_spec":
            return name, None
        if frame.f_code.co_name == "_find_and_load":
            name = frame.f_locals.get("name", name)
        frame = frame.f_back
    return name, frame


def _is_statement_elsewhere(asker: FrameType, space: Space) -> bool:
    """Tell whether an import statement asks that is not the repo's.

    Statements in libraries mean what their authors had installed. Only calls - unpickling,
    `importlib.import_module` - can mean a name that the repo's code or data gave them.
    """
    code = asker.f_code
    is_statement = code.co_code[asker.f_lasti] == _IMPORT_NAME
    return is_statement and not space.holds(code.co_filename)


def _adopt(space: Space, before: frozenset[str]) -> None:
    """Move modules of the repo that were left in `sys.modules` under bare names into its space."""
    for name in [name for name in list(sys.modules) if name not in before]:
        module = sys.modules.get(name)
        if name.startswith(PREFIX) or not isinstance(module, ModuleType):
            continue
        if isinstance(module, Alias):
            continue
        own = module.__name__.startswith(space.full_name(""))
        if own or space.holds(getattr(module, "__file__", None)):
            space.adopted[name] = module
            sys.modules.pop(name, None)
