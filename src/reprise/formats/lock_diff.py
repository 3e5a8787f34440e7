"""What differs between two locks, for people: which weights, rows, metrics, packages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reprise.formats.pylock import Lock
from reprise.formats.reprise_lock import LockedData, LockedModel, LockedRepo, RepriseLock

_SHOWN = 12  # hex digits of a digest


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: model, dataset, code, metric, package, determinism, system, python.
        name: Of what.
        before: In a few words; empty where it is new.
        after: Likewise; empty where it is gone.
        changes_numbers: False where only the address changed and the content is the same.
    """

    kind: str
    name: str
    before: str
    after: str
    changes_numbers: bool = True


def differences(
    old: RepriseLock, new: RepriseLock, packages: tuple[Lock | None, Lock | None] = (None, None)
) -> list[Change]:
    """List what differs.

    Args:
        old: A lock.
        new: Another one.
        packages: Their `pylock.toml`, where at hand.
    """
    found = [*_repos("model", old.model, new.model), *_repos("code", old.code, new.code)]
    found += _repos("dataset", old.dataset, new.dataset)
    metrics = ({m.id: f"{m.version} ({m.definition})" for m in lock.metric} for lock in (old, new))
    found += _values("metric", *metrics)
    if packages[0] is not None and packages[1] is not None:
        found += _values("package", *map(_packages, packages))
    elif old.python != new.python:
        found.append(Change("python", "pylock.toml", _pin(old), _pin(new)))
    found += _values("determinism", old.determinism, new.determinism)
    found += _values("system", old.system, new.system)
    found += _values("system", _header(old), _header(new))
    return found


def _repos(kind: str, old: tuple[LockedRepo, ...], new: tuple[LockedRepo, ...]) -> Iterator[Change]:
    before, after = ({item.name: item for item in side} for side in (old, new))
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            yield Change(kind, name, _repo(one), _repo(two))
            continue
        files = list(_files(kind, one, two))
        yield from files
        if _repo(one) != _repo(two):
            yield Change(kind, name, _repo(one), _repo(two), changes_numbers=bool(files))
        if isinstance(one, LockedData) and isinstance(two, LockedData):
            yield from _rows(one, two)
        if isinstance(one, LockedModel) and isinstance(two, LockedModel):
            sides = ({"tokenizer": (it.tokenizer or "")[:_SHOWN]} for it in (one, two))
            for change in _values(kind, *sides):
                yield replace(change, name=f"{name}: tokenizer")


def _files(kind: str, old: LockedRepo, new: LockedRepo) -> Iterator[Change]:
    before, after = (
        {f.path: f"{f.sha256[:_SHOWN]} ({f.size:,} bytes)" for f in getattr(item, "file", ())}
        for item in (old, new)
    )
    for change in _values(kind, before, after):
        yield Change(kind, f"{old.name}: {change.name}", change.before, change.after)


def _rows(old: LockedData, new: LockedData) -> Iterator[Change]:
    before, after = _content(old), _content(new)
    if before != after:
        yield Change("dataset", f"{old.name}: rows", before, after)


def _content(item: LockedData) -> str:
    rows = "" if item.rows is None else f" {item.rows:,} rows"
    return f"{item.split or 'all'}{rows} {(item.content_sha256 or '')[:_SHOWN]}".strip()


def _values(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Change(kind, name, _shown(old.get(name)), _shown(new.get(name)))


def _packages(lock: Lock | None) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for package in lock.packages if lock else ():
        found.setdefault(package.name, []).append(package.version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _repo(item: LockedRepo | None) -> str:
    return "" if item is None else f"{item.repo}@{item.commit[:_SHOWN]}"


def _pin(lock: RepriseLock) -> str:
    return lock.python.sha256[:_SHOWN] if lock.python else ""


def _header(lock: RepriseLock) -> dict[str, Any]:
    return {"requires-python": lock.requires_python, "platforms": ", ".join(lock.platforms)}


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
