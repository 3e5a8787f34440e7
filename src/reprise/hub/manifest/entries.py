"""Entry points: the names of `hubconf.py` that can be called, and whose they are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reprise.hub.manifest.custom import is_of_standard_library, may_be_called
from reprise.hub.manifest.describe import describe, source_of
from reprise.hub.manifest.records import EntryPoint
from reprise.hub.manifest.usage import Usage
from reprise.hub.manifest.values import (
    Class,
    External,
    Function,
    Items,
    Module,
    Partial,
    Value,
    settle,
)

_MAX_ENTRIES = 20_000


def entry_points(hubconf: Module, usage: Usage) -> tuple[EntryPoint, ...]:
    """Describe the public names that can, or may, be called, sorted by name."""
    found = dict(_candidates(hubconf))
    own = owned(hubconf, found, usage)
    entries = []
    for name in sorted(found)[:_MAX_ENTRIES]:
        entry = describe(name, found[name], hubconf)
        entries.append(replace(entry, own=True) if name in own else entry)
    return tuple(entries)


def owned(hubconf: Module, found: Mapping[str, Value], usage: Usage) -> frozenset[str]:
    """Return the names that are meant to be loaded.

    Whatever the file defines or puts together is its own. What it imports from the repo is its
    own when it does nothing with it but pass it on; what it uses itself is a helper. What comes
    from outside is its own when the file says so, or when there is nothing else.
    """
    declared = _declared(hubconf)
    own = {name for name in found if name in declared or name in usage.repeated}
    own.update(name for name, value in found.items() if _is_own(name, value, usage))
    if not own and not hubconf.open:
        own.update(_all_imported(found, usage))
    return frozenset(own)


def _candidates(hubconf: Module) -> Iterator[tuple[str, Value]]:
    for name, late in hubconf.names.items():
        value = settle(late)
        if not name.startswith("_") and may_be_called(value, name):
            yield name, value


def _declared(hubconf: Module) -> frozenset[str]:
    names = hubconf.names.get("__all__")
    known = names.values if isinstance(names, Items) else []
    return frozenset(name for name in known if isinstance(name, str))


def _is_own(name: str, value: Value, usage: Usage) -> bool:
    if isinstance(value, External):
        return False
    if isinstance(value, Function | Class | Partial) and name not in usage.imported:
        return True
    if name in usage.read or is_of_standard_library(value):
        return False
    return not isinstance(value, Partial) or source_of(value) is not None


def _all_imported(found: Mapping[str, Value], usage: Usage) -> list[str]:
    """Return the names of a file that owns nothing by the rules: all it takes from the repo.

    Without any, all it takes from other distributions and does not use.
    """
    repo = [name for name, value in found.items() if isinstance(value, Function | Class | Partial)]
    if repo:
        return repo
    return [
        name
        for name, value in found.items()
        if name not in usage.read and not is_of_standard_library(value)
    ]
