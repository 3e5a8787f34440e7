"""Manifests as plain JSON values and back."""

from dataclasses import asdict, fields
from types import NoneType
from typing import Any, get_args

from reprise.base.errors import InvalidFormat
from reprise.hub.manifest.records import (
    Certainty,
    Dependency,
    EntryPoint,
    HashState,
    Kind,
    Manifest,
    Problem,
    WeightUrl,
)

VERSION = 1

_PARTS: dict[str, type] = {
    "entry_points": EntryPoint,
    "dependencies": Dependency,
    "weight_urls": WeightUrl,
    "problems": Problem,
}
_CHOICES = {
    Kind: frozenset(get_args(Kind)),
    Certainty: frozenset(get_args(Certainty)),
    HashState: frozenset(get_args(HashState)),
}
_TYPES: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    bool: (bool,),
    str | None: (str, NoneType),
}


def to_json(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as dicts, lists and scalars, equal for equal manifests."""
    return {"version": VERSION, **_lists(asdict(manifest))}


def from_json(value: Any) -> Manifest:
    """Rebuild a manifest from what `to_json` returned.

    Keys this version does not know are ignored, so that newer hubs can add some.

    Raises:
        InvalidFormat: A part is missing or of the wrong type; the message names it.
    """
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise InvalidFormat(f"Not a manifest of version {VERSION}.")
    parts = {
        name: tuple(_record(kind, item, name) for item in _list(value, name))
        for name, kind in _PARTS.items()
    }
    return Manifest(flags=_words(_list(value, "flags"), "flags"), **parts)


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_lists(item) for item in value]
    return value


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list):
        raise InvalidFormat(f"A manifest needs a list {name!r}.")
    return found


def _words(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise InvalidFormat(f"{where} must be a list of texts.")
    return tuple(value)


def _record(kind: type, item: Any, part: str) -> Any:
    if not isinstance(item, dict):
        raise InvalidFormat(f"Every item of {part!r} must be an object.")
    values = {
        field.name: _field(field.type, item[field.name], f"{part}.{field.name}")
        for field in fields(kind)
        if field.name in item
    }
    try:
        return kind(**values)
    except TypeError as error:
        raise InvalidFormat(f"An item of {part!r} is incomplete: {error}") from None


def _field(kind: Any, value: Any, where: str) -> Any:
    if kind == tuple[str, ...]:
        return _words(value, where)
    choices = _CHOICES.get(kind)
    if choices is not None:
        good = isinstance(value, str) and value in choices
    else:
        good = type(value) in _TYPES[kind]
    if not good:
        raise InvalidFormat(f"{where} cannot be {value!r:.80}.")
    return value
