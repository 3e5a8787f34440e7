"""Read a manifest from a folder."""

import ast
from dataclasses import replace
from pathlib import Path

from reprise.base.errors import NotFound
from reprise.hub.manifest.dependencies import dependencies
from reprise.hub.manifest.engine import Run
from reprise.hub.manifest.entries import entry_points
from reprise.hub.manifest.machine import Machine
from reprise.hub.manifest.reach import reach
from reprise.hub.manifest.records import Manifest, Problem
from reprise.hub.manifest.requirements import read_requirements
from reprise.hub.manifest.sources import Unreadable, parse
from reprise.hub.manifest.tree import open_tree
from reprise.hub.manifest.usage import usage_of
from reprise.hub.manifest.values import Items, Module
from reprise.hub.manifest.weights import weight_urls

_HUBCONF = "hubconf"
_FILE = "hubconf.py"
_PROCESSES = frozenset(
    "os.system subprocess.run subprocess.Popen subprocess.call subprocess.check_call".split()
)


def read_manifest(folder: Path, *, links: Path | None = None) -> Manifest:
    """Describe a hubconf repo from its source alone; nothing of it is executed.

    What cannot be read - broken files, links that lead out, limits - is a problem in the result,
    not an error.

    Args:
        folder: Root of the repo's files.
        links: Symbolic links may lead below this folder too; by default not out of `folder`.

    Raises:
        NotFound: There is no such folder.

    Example:
        >>> manifest = read_manifest(Path("examples/banking-intents"))  # doctest: +SKIP
        >>> names(manifest)  # doctest: +SKIP
        ('banking_intents',)
    """
    if not folder.is_dir():
        raise NotFound(f"There is no folder {str(folder)!r} to read a manifest from.")
    tree = open_tree(folder, links)
    machine = Machine(tree, [tree.root], [tree.root])
    hubconf = machine.module(_HUBCONF) if tree.entries(tree.root).get(_FILE) is False else None
    if hubconf is None:
        problem = Problem(_FILE, 0, "there is no hubconf.py in the root of the repo")
        return Manifest(flags=("no-hubconf",), problems=(problem, *tree.problems))
    machine.finish(_read(machine))
    return _sorted(_manifest(machine, hubconf))


def _read(machine: Machine) -> Run:
    yield from machine.load(_HUBCONF)
    return False


def _manifest(machine: Machine, hubconf: Module) -> Manifest:
    modules, outside = reach(machine, hubconf)
    if hubconf.scan is None:
        return Manifest(flags=tuple(machine.flags), problems=tuple(machine.problems))
    usage = usage_of(_whole(hubconf))
    entries = entry_points(hubconf, usage)
    needs = dependencies(_declared(hubconf), outside, read_requirements(machine.tree))
    weights = weight_urls(machine, modules)
    _flag(machine, hubconf, modules)
    problems = (*machine.problems, *machine.tree.problems)
    return Manifest(entries, needs, weights, tuple(machine.flags), problems)


def _sorted(manifest: Manifest) -> Manifest:
    problems = sorted(manifest.problems, key=lambda item: (item.file, item.line, item.message))
    return replace(manifest, flags=tuple(sorted(manifest.flags)), problems=tuple(problems))


def _whole(hubconf: Module) -> ast.Module:
    """Return the file's tree with the bodies of its functions."""
    lines = hubconf.scan.lines if hubconf.scan else []
    try:
        return parse("\n".join(lines))
    except Unreadable:
        return ast.Module([], [])


def _declared(hubconf: Module) -> list[str]:
    value = hubconf.names.get("dependencies")
    known = value.values if isinstance(value, Items) else []
    return [name for name in known if isinstance(name, str)]


def _flag(machine: Machine, hubconf: Module, modules: list[Module]) -> None:
    flags = machine.flags
    makes_names = hubconf.open or "__getattr__" in hubconf.names
    if makes_names or (machine.blind and hubconf.computed):
        flags.add("dynamic-names")
    for module in modules:
        for name, _ in module.scan.calls if module.scan else []:
            last = name.rpartition(".")[2]
            if name in {"exec", "eval", "compile"}:
                flags.add("executes-text")
            elif last == "load" and name.endswith("hub.load"):
                flags.add("nested-loads")
            elif name in _PROCESSES:
                flags.add("starts-processes")
