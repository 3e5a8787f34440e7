"""Find modules in the folders of a repo, without ever leaving it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from reprise.hub.manifest.records import Problem

_MAX_LISTED = 50_000  # entries of one folder
_EXTENSION = (".so", ".pyd", ".pyx")


@dataclass(frozen=True)
class Found:
    """Where a module lies.

    Attributes:
        path: Its file; empty for a namespace folder and for compiled code.
        folders: Where its submodules are, empty for a plain module.
    """

    path: str
    folders: tuple[str, ...] = ()


@dataclass
class Tree:
    """The folders of one repo, each listed once.

    Attributes:
        root: The repo's folder, resolved.
        links: Symbolic links may lead here too, resolved; a cache may keep blobs beside snapshots.
        problems: Links that lead elsewhere.
    """

    root: str
    links: str
    problems: list[Problem] = field(default_factory=list)
    _listed: dict[str, dict[str, bool]] = field(default_factory=dict)
    _compiled: dict[str, frozenset[str]] = field(default_factory=dict)

    def find(self, name: str, folders: tuple[str, ...]) -> Found | None:
        """Look one part of a module's name up in folders, as the import system does.

        A package or module in any folder comes before folders without `__init__.py`.
        """
        plain: list[str] = []
        for folder in folders:
            entries = self.entries(folder)
            if entries.get(name):
                inner = f"{folder}/{name}"
                if self.entries(inner).get("__init__.py") is False:
                    return Found(f"{inner}/__init__.py", (inner,))
                plain.append(inner)
            if entries.get(f"{name}.py") is False:
                return Found(f"{folder}/{name}.py")
            if name in self.compiled(folder):
                return Found("")
        return Found("", tuple(plain)) if plain else None

    def entries(self, folder: str) -> dict[str, bool]:
        """Return the names in a folder; True for folders. Empty outside the repo."""
        known = self._listed.get(folder)
        if known is None:
            known = self._listed[folder] = self._list(folder) if self.holds(folder) else {}
        return known

    def compiled(self, folder: str) -> frozenset[str]:
        """Return the modules of a folder that are or will be compiled."""
        known = self._compiled.get(folder)
        if known is None:
            names = (name for name in self.entries(folder) if name.endswith(_EXTENSION))
            known = self._compiled[folder] = frozenset(name.partition(".")[0] for name in names)
        return known

    def holds(self, path: str) -> bool:
        """Tell whether an absolute, normal path lies in the repo, by its text."""
        return path == self.root or path.startswith(self.root + os.sep)

    def relative(self, path: str) -> str:
        """Return the path as the manifest names it."""
        return path[len(self.root) + 1 :].replace(os.sep, "/") if self.holds(path) else path

    def _list(self, folder: str) -> dict[str, bool]:
        found: dict[str, bool] = {}
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if len(found) >= _MAX_LISTED:
                        self._report(folder, f"more than {_MAX_LISTED} entries; the rest is unseen")
                        break
                    if entry.is_symlink() and not self._leads_inside(entry.path):
                        continue
                    found[entry.name] = entry.is_dir()
        except (OSError, ValueError):
            return {}
        return found

    def _leads_inside(self, link: str) -> bool:
        target = os.path.realpath(link)
        if link.startswith(target + os.sep):
            self._report(link, "a symbolic link to a folder above itself; it is not followed")
            return False
        if any(target.startswith(base + os.sep) for base in (self.root, self.links)):
            return True
        self._report(link, "a symbolic link that leads out of the repo; it is not followed")
        return False

    def _report(self, path: str, message: str) -> None:
        self.problems.append(Problem(self.relative(path), 0, message))


def open_tree(folder: Path, links: Path | None) -> Tree:
    """Start with nothing listed."""
    root = os.path.realpath(folder)
    return Tree(root, os.path.realpath(links) if links else root)
