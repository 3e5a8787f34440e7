"""Dependencies: declared in `hubconf.py`, inferred from imports, pinned by requirement files."""

from collections.abc import Iterable, Mapping

from reprise.hub.manifest.distributions import (
    distribution_of,
    import_name_of,
    is_standard,
    needs_environment,
    normal,
)
from reprise.hub.manifest.reach import Outside
from reprise.hub.manifest.records import Dependency
from reprise.hub.manifest.requirements import Requirement

_MAX_PLACES = 8


def dependencies(
    declared: Iterable[str],
    outside: Iterable[Outside],
    requirements: Mapping[str, Requirement],
) -> tuple[Dependency, ...]:
    """Put together what the repo needs, sorted by import name.

    Args:
        declared: The list `dependencies` in `hubconf.py`, import or distribution names.
        outside: Imports that leave the repo.
        requirements: By normal distribution name; those nobody imports are optional.
    """
    wanted = {import_name_of(name) for name in declared}
    imports: dict[str, list[Outside]] = {}
    for item in outside:
        imports.setdefault(item.name, []).append(item)
    names = {name for name in {*wanted, *imports} if name and not is_standard(name)}
    installed = _installed() if any(needs_environment(name) for name in names) else {}
    left = dict(requirements)
    found = []
    for name in sorted(names):
        distribution = distribution_of(name, installed)
        pinned = left.pop(normal(distribution), None) or left.pop(normal(name), None)
        found.append(_dependency(name, distribution, name in wanted, imports.get(name), pinned))
    found.extend(_unused(item) for item in left.values() if not is_standard(item.name))
    return tuple(sorted(found, key=lambda item: (item.import_name, item.distribution)))


def _dependency(
    name: str,
    distribution: str,
    declared: bool,
    imports: list[Outside] | None,
    pinned: Requirement | None,
) -> Dependency:
    places = sorted({item.where for item in imports or ()})
    return Dependency(
        import_name=name,
        distribution=pinned.name if pinned else distribution,
        declared=declared,
        inferred=bool(imports),
        optional=not declared and all(item.optional for item in imports or ()),
        where=tuple(places[:_MAX_PLACES]),
        specifier=pinned.specifier if pinned else "",
    )


def _unused(item: Requirement) -> Dependency:
    return Dependency(
        import_name=import_name_of(item.name),
        distribution=item.name,
        declared=False,
        inferred=False,
        optional=True,
        where=(item.where,),
        specifier=item.specifier,
    )


def _installed() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()
