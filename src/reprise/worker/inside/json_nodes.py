"""What values of JSON may be, as a table of nodes that refer to each other by number."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fields:
    """What an object holds.

    Attributes:
        names: JSON of each name, its node, and whether it has to be there; in this order.
        others: Node of the values of all other names; None: there are none.
    """

    names: tuple[tuple[str, int, bool], ...] = ()
    others: int | None = None


@dataclass(frozen=True)
class Items:
    """What a list holds.

    Attributes:
        each: Node of each.
        least, most: How many; None: as many as one likes.
    """

    each: int = 0
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Node:
    """What a value may be: any of these.

    Attributes:
        text: A text.
        number: `number` or `integer`; empty: none.
        fields: An object.
        items: A list.
        words: JSON of single values, sorted: `"red"`, `null`.
    """

    text: bool = False
    number: str = ""
    fields: Fields | None = None
    items: Items | None = None
    words: tuple[str, ...] = ()


ANYTHING = Node(True, "number", Fields(others=0), Items(), ("false", "null", "true"))
OBJECT = Node(fields=Fields(others=0))


def fits(value: Any, nodes: tuple[Node, ...], number: int = 1) -> bool:
    """Tell whether a value is what a node says; the order of names does not matter."""
    node = nodes[number]
    if isinstance(value, str) and node.text:
        return True
    if isinstance(value, int | float) and not isinstance(value, bool) and node.number:
        return node.number == "number" or isinstance(value, int)
    if isinstance(value, Mapping) and node.fields:
        return _fields_fit(value, node.fields, nodes)
    if isinstance(value, list) and node.items:
        items = node.items
        many = items.least <= len(value) and (items.most is None or len(value) <= items.most)
        return many and all(fits(one, nodes, items.each) for one in value)
    return json.dumps(value) in node.words


def _fields_fit(value: Mapping[str, Any], fields: Fields, nodes: tuple[Node, ...]) -> bool:
    if fields.others is not None:
        return all(fits(one, nodes, fields.others) for one in value.values())
    known = {json.loads(name): (number, needed) for name, number, needed in fields.names}
    if any(needed and name not in value for name, (_, needed) in known.items()):
        return False
    return all(name in known and fits(one, nodes, known[name][0]) for name, one in value.items())
