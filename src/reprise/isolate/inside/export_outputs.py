"""Let a module return plain containers: a graph cannot name classes of the code it came from."""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict
from typing import Any


def return_plain_containers(module: Any) -> None:
    """Wrap a module's `forward` so that it returns tuples, lists and dictionaries only.

    Named tuples become tuples; dataclasses and subclasses of dictionaries become dictionaries,
    without the fields of a dataclass that are None.
    """
    original = module.forward

    @functools.wraps(original)
    def forward(*args: Any, **kwargs: Any) -> Any:
        return plainly(original(*args, **kwargs))

    module.forward = forward


def plainly(value: Any) -> Any:
    """Return a value with plain containers; the very same one when it has no others."""
    if isinstance(value, (tuple, list)):
        items = [plainly(item) for item in value]
        same = type(value) in (tuple, list) and all(map(_is, items, value))
        return value if same else (list if isinstance(value, list) else tuple)(items)
    if isinstance(value, dict):
        made = {name: plainly(item) for name, item in value.items()}
        plain = type(value) in (dict, OrderedDict)
        return value if plain and all(made[name] is value[name] for name in value) else made
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
        return {name: plainly(item) for name, item in fields.items() if item is not None}
    return value


def _is(one: Any, other: Any) -> bool:
    return one is other
