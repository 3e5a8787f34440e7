"""A JSON schema as nodes that an answer can be held to token by token.

What cannot be held to is refused by name: patterns, lengths and ranges, and alternatives that only
later characters would tell apart (two kinds of objects).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reprise.base.errors import InvalidField
from reprise.worker.inside.fields import kind_of
from reprise.worker.inside.json_nodes import ANYTHING, Fields, Items, Node

_MOST_NODES, _MOST_WORDS, _MOST_LINKS = 2000, 2000, 64
_MOST_ITEMS = 10_000
_MOST_NAMES = 256  # of one object
_MOST_VISITS = 10_000  # alternatives of alternatives could be endless
_TELLS = frozenset({  # what says nothing of values
    "$comment", "$defs", "$id", "$schema", "default", "definitions", "deprecated", "description",
    "discriminator", "examples", "readOnly", "title", "writeOnly",
})  # fmt: skip
_KNOWN = _TELLS | {
    "$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "maxItems",
    "minItems", "oneOf", "properties", "required", "type",
}  # fmt: skip
_WORDS = {"null": ("null",), "boolean": ("true", "false")}
# What is said of a kind without its name.
_SAYS = {"object": {"additionalProperties", "properties", "required"},
         "array": {"items", "maxItems", "minItems"}}  # fmt: skip
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def read_schema(given: Any, path: str) -> tuple[Node, ...]:
    """Read a schema: nodes, of which the first is anything and the second the answer itself.

    Args:
        given: The schema.
        path: Where it stands in the request.

    Raises:
        InvalidField: It is no schema of an object, or one that cannot be held to.
    """
    if not given or given is True:
        raise InvalidField(f"{path} must be the schema of an object.", field=path)
    found = _Reader(given, path).all()
    root = found[1]
    if root.fields is None or replace(root, fields=None) != Node():
        raise InvalidField(f"{path} must be the schema of an object.", field=path)
    return found


class _Reader:
    """Reads one schema, each part of it once: parts may refer to themselves."""

    def __init__(self, root: Any, path: str) -> None:
        self._root, self._path = root, path
        self._places: dict[int, int] = {}  # nodes by the identity of their schema
        self._waiting: list[tuple[Any, str]] = []
        self._words = self._visits = 0

    def all(self) -> tuple[Node, ...]:
        """Read the root and all that it refers to."""
        self._place(self._root, self._path)
        found = [ANYTHING]
        while len(found) <= len(self._waiting):
            schema, path = self._waiting[len(found) - 1]
            found.append(self._node(schema, path))
        return tuple(found)

    def _place(self, schema: Any, path: str) -> int:
        """Give the number of a schema's node, which is read later."""
        if schema is True or schema == {}:
            return 0
        if id(schema) not in self._places:
            if len(self._waiting) == _MOST_NODES:
                raise self._wrong(self._path, f"has over {_MOST_NODES} parts")
            self._waiting.append((schema, path))
            self._places[id(schema)] = len(self._waiting)
        return self._places[id(schema)]

    def _node(self, schema: Any, path: str) -> Node:
        found = Node()
        for one, where in self._alternatives(schema, path, 0):
            found = self._joined(found, self._plain(one, where), where)
        if found == Node():
            raise self._wrong(path, "allows no value")
        return found

    def _alternatives(self, schema: Any, path: str, links: int) -> Iterator[tuple[Any, str]]:
        """Yield schemas without references and alternatives that are allowed in one's place."""
        self._visits += 1
        if self._visits > _MOST_VISITS:
            raise self._wrong(self._path, "has too many alternatives")
        self._check(schema, path, links)
        name = next((n for n in ("$ref", "anyOf", "oneOf", "allOf") if n in schema), "")
        if not name:
            yield schema, path
            return
        if beside := set(schema) - _TELLS - {name}:
            raise self._wrong(f"{path}.{name}", f"cannot be held to beside {min(beside)}")
        if name == "$ref":
            yield from self._alternatives(*self._referred(schema[name], path), links + 1)
            return
        many = schema[name]
        if not isinstance(many, list) or not many:
            raise self._wrong(f"{path}.{name}", "must be a list of schemas")
        if name == "allOf" and len(many) > 1:
            raise self._wrong(f"{path}.{name}", "cannot be held to: it has several schemas")
        for number, one in enumerate(many):
            yield from self._alternatives(one, f"{path}.{name}.{number}", links + 1)

    def _check(self, schema: Any, path: str, links: int) -> None:
        if links > _MOST_LINKS:
            raise self._wrong(path, "refers to itself and to nothing else")
        if not isinstance(schema, Mapping):
            raise self._wrong(path, f"must be a JSON object, not {kind_of(schema)}")
        for name in schema:
            if name not in _KNOWN:
                raise self._wrong(f"{path}.{name}", "cannot be held to")

    def _referred(self, given: Any, path: str) -> tuple[Any, str]:
        if not isinstance(given, str) or not (given == "#" or given.startswith("#/")):
            raise self._wrong(f"{path}.$ref", "must lead to a part of the schema: #/$defs/NAME")
        found = self._root
        for part in given.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise self._wrong(f"{path}.$ref", f"leads nowhere: {given[:60]!r}")
            found = found[name]
        return found, f"{self._path}.{given[2:].replace('/', '.')}" if given != "#" else self._path

    # -- one schema -------------------------------------------------------------------------

    def _plain(self, schema: Mapping[str, Any], path: str) -> Node:
        if "const" in schema or "enum" in schema:
            return Node(words=self._values(schema, path))
        kinds = schema.get("type")
        if kinds is None:
            kinds = next((kind for kind, names in _SAYS.items() if names & set(schema)), None)
        if kinds is None:
            return ANYTHING
        found = Node()
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind not in _TYPES:
                raise self._wrong(f"{path}.type", f"must be of {', '.join(_TYPES)}")
            found = self._joined(found, self._kind(kind, schema, path), path)
        return found

    def _kind(self, kind: str, schema: Mapping[str, Any], path: str) -> Node:
        if kind == "object":
            return Node(fields=self._fields(schema, path))
        if kind == "array":
            return Node(items=self._items(schema, path))
        if kind == "string":
            return Node(text=True)
        return Node(words=_WORDS[kind]) if kind in _WORDS else Node(number=kind)

    def _values(self, schema: Mapping[str, Any], path: str) -> tuple[str, ...]:
        given = [schema["const"]] if "const" in schema else schema["enum"]
        if not isinstance(given, list):
            raise self._wrong(f"{path}.enum", "must be a list of values")
        if kinds := schema.get("type"):
            named = kinds if isinstance(kinds, list) else [kinds]
            given = [one for one in given if any(_is(one, kind) for kind in named)]
        # Also in escapes: not every model has a token for each character.
        found = {json.dumps(one, ensure_ascii=plain) for one in given for plain in (False, True)}
        self._words += len(found)
        if self._words > _MOST_WORDS:
            raise self._wrong(path, f"has too many values: {_MOST_WORDS} in all are most")
        return tuple(found)

    def _fields(self, schema: Mapping[str, Any], path: str) -> Fields:
        own, needed = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", not own)
        if not isinstance(own, Mapping) or len(own) > _MOST_NAMES:
            raise self._wrong(f"{path}.properties", f"must be an object of up to {_MOST_NAMES}")
        if not isinstance(needed, list) or not all(name in own for name in needed):
            raise self._wrong(f"{path}.required", "must be a list of names in properties")
        if own or others is False:
            names = tuple(
                (json.dumps(name, ensure_ascii=True), self._place(one, f"{path}.properties.{name}"),
                 name in needed)
                for name, one in own.items()
            )  # fmt: skip
            return Fields(names)
        return Fields(others=self._place(others, f"{path}.additionalProperties"))

    def _items(self, schema: Mapping[str, Any], path: str) -> Items:
        bounds = [schema.get("minItems", 0), schema.get("maxItems")]
        for bound in bounds:
            whole = isinstance(bound, int) and not isinstance(bound, bool)
            if bound is not None and not (whole and 0 <= bound <= _MOST_ITEMS):
                raise self._wrong(path, f"must have from 0 to {_MOST_ITEMS} items")
        least, most = bounds[0] or 0, bounds[1]
        if most is not None and most < least:
            raise self._wrong(path, "wants more items than it allows")
        return Items(self._place(schema.get("items", True), f"{path}.items"), least, most)

    def _joined(self, one: Node, other: Node, path: str) -> Node:
        """Allow what either allows, as long as the first character tells which."""
        if other.fields and one.fields:
            raise self._wrong(path, "cannot be held to: alternatives hold several kinds of objects")
        if other.items and one.items:
            raise self._wrong(path, "cannot be held to: alternatives hold several kinds of lists")
        text, number = one.text or other.text, _wider(one.number, other.number)
        covered = ('"' if text else "") + ("-0123456789" if number else "")
        words = tuple(sorted({word for word in one.words + other.words if word[0] not in covered}))
        fields, items = one.fields or other.fields, one.items or other.items
        held = ("{" if fields else "") + ("[" if items else "")
        if any(word[0] in held for word in words):
            raise self._wrong(path, "cannot be held to: values and kinds of objects or lists")
        return Node(text, number, fields, items, words)

    def _wrong(self, path: str, why: str) -> InvalidField:
        return InvalidField(f"{path[:300]} {why}.", field=path[:300])


def _is(value: Any, kind: str) -> bool:
    """Tell whether a value is of a type of schemas."""
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int):
        return kind in {"integer", "number"}
    names = {str: "string", float: "number", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value)) == kind


def _wider(one: str, other: str) -> str:
    return "number" if "number" in (one, other) else one or other
