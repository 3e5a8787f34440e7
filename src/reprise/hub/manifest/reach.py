"""Every file of the repo that loading an entry point may import."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from reprise.hub.manifest.machine import Machine
from reprise.hub.manifest.patterns import add_path
from reprise.hub.manifest.scan import Import
from reprise.hub.manifest.values import Module


@dataclass(frozen=True)
class Outside:
    """An import that leaves the repo.

    Attributes:
        name: First part of the module's name.
        where: `file:line`.
        optional: The import, or one on the way to its file, may be skipped.
    """

    name: str
    where: str
    optional: bool


def reach(machine: Machine, hubconf: Module) -> tuple[list[Module], list[Outside]]:
    """Follow every import from `hubconf.py`, those inside functions too.

    Imports that always happen are followed first, so that a module reached both ways counts as
    needed.
    """
    seen = {hubconf.name: hubconf}
    certain = {hubconf.name}
    outside: list[Outside] = []
    needed, maybe = deque([hubconf]), deque[Module]()
    while needed or maybe:
        optional = not needed
        module = (needed or maybe).popleft()
        if module.scan is None or (optional and module.name in certain):
            continue
        for edit in module.scan.path_edits:
            add_path(machine, machine.evaluate(edit, module.frame))
        for item in module.scan.imports:
            skips = optional or item.optional
            for found in _targets(machine, module, item):
                if isinstance(found, str):
                    outside.append(Outside(found, f"{module.file}:{item.line}", skips))
                    continue
                new = found.name not in (seen if skips else certain)
                seen[found.name] = found
                if not skips:
                    certain.add(found.name)
                if new:
                    (maybe if skips else needed).append(found)
    return list(seen.values()), outside


def _targets(machine: Machine, module: Module, item: Import) -> Iterator[Module | str]:
    """Yield the modules of the repo that an import reads, or the name of what is outside."""
    base = _absolute(module, item)
    parts = base.split(".")
    if not item.level and not machine.owns(base, item.names):
        if parts[0]:
            yield parts[0]
        return
    for count in range(1, len(parts) + 1):
        found = machine.module(".".join(parts[:count]))
        if found is None:
            return
        yield found
    for name in item.names:
        inner = machine.module(f"{base}.{name}") if name != "*" else None
        if inner is not None:
            yield inner


def _absolute(module: Module, item: Import) -> str:
    if not item.level:
        return item.module
    package = module.name if module.folders else module.name.rpartition(".")[0]
    parts = package.split(".")
    base = parts[: len(parts) - item.level + 1]
    return ".".join(part for part in [*base, item.module] if part)
