"""Methods of built-in values: texts, lists, dicts, paths."""

import os
from collections.abc import Callable, Sequence

from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.items import (
    MAX_ITEMS,
    entries_of,
    get_item,
    is_key,
    iterate,
    set_item,
    table_of,
    update,
)
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    FilePath,
    Items,
    Method,
    Namespace,
    Table,
    Value,
    is_constant,
)

MAX_TEXT = 10_000
# Results are no longer than their input, or limited below.
_TEXT_METHODS = frozenset(
    "capitalize casefold count endswith find index isalnum isalpha isdigit isidentifier islower "
    "isupper lower lstrip partition removeprefix removesuffix replace rfind rpartition rsplit "
    "rstrip split splitlines startswith strip swapcase title upper".split()
)


def call_method(
    engine: Engine, method: Method, args: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    """Return what a method of a built-in value gives, with its effects."""
    if isinstance(method.of, str):
        return _text(engine, method, args, keywords)
    if isinstance(method.of, FilePath):
        return _path(engine, method.of, method.name, args)
    if isinstance(method.of, Items):
        return _items(engine, method.of, method.name, args)
    if isinstance(method.of, Namespace) or table_of(method.of) is not None:
        known = _TABLE.get(method.name)
        if method.name == "update":
            update(engine, method.of, Table(dict(keywords)))
        return known(engine, method.of, args) if known else MAYBE
    return DATA


def wrap(value: object) -> Value:
    """Turn a result of Python's own methods into a value."""
    if isinstance(value, list | tuple):
        return Items(
            [wrap(item) for item in value], "tuple" if isinstance(value, tuple) else "list"
        )
    return value if is_constant(value) else DATA


def _text(
    engine: Engine, method: Method, args: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    text, name = method.of, method.name
    if name == "join" and args:
        parts, is_open = iterate(engine, args[0])
        known = not is_open and all(isinstance(part, str) for part in parts)
        return limited(text.join(parts)) if known else DATA
    if name == "format":
        return _format(text, args, keywords)
    # `endswith` takes a tuple of texts.
    plain = [tuple(item.values) if isinstance(item, Items) else item for item in args]
    if name not in _TEXT_METHODS or keywords or not all(_is_plain(item) for item in plain):
        return DATA
    if name == "replace" and len(text) * len(str(plain[1] if len(plain) > 1 else "")) > MAX_TEXT**2:
        return DATA
    try:
        return wrap(getattr(text, name)(*plain))
    except (TypeError, ValueError):
        return DATA


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | type(None))


def _format(text: str, args: Sequence[Value], keywords: dict[str, Value]) -> Value:
    values = [*args, *keywords.values()]
    # A format such as `{:9999999}` or `{0.attribute}` is not worth its danger.
    if any(sign in text for sign in ":!.[") or not all(isinstance(v, str | int) for v in values):
        return limited(_colons(text, args, keywords))
    try:
        return limited(text.format(*args, **keywords))
    except (ValueError, IndexError, KeyError):
        return DATA


def _colons(text: str, args: Sequence[Value], keywords: dict[str, Value]) -> Value:
    # Addresses are full of colons and dots: fill plain `{}` and `{name}` by hand.
    if keywords or not all(isinstance(value, str | int) for value in args):
        return DATA
    pieces = text.split("{}")
    if len(pieces) != len(args) + 1 or any(sign in piece for piece in pieces for sign in "{}"):
        return DATA
    filled = [piece + str(value) for piece, value in zip(pieces, [*args, ""], strict=True)]
    return "".join(filled)


def limited(value: Value) -> Value:
    """Return a text that is not unreasonably long, else DATA."""
    return DATA if isinstance(value, str) and len(value) > MAX_TEXT else value


def _path(engine: Engine, path: FilePath, name: str, args: Sequence[Value]) -> Value:
    if name in {"resolve", "absolute", "expanduser"}:
        return FilePath(os.path.normpath(path.text))
    if name in {"as_posix", "__str__", "__fspath__"}:
        return path.text
    if name == "joinpath" and all(isinstance(arg, str) for arg in args):
        return FilePath(os.path.normpath(os.path.join(path.text, *args)))  # noqa: PTH118 - no IO
    if name == "iterdir" and engine.tree.holds(path.text):
        return Items(
            [FilePath(f"{path.text}/{entry}") for entry in sorted(engine.tree.entries(path.text))]
        )
    return DATA


def _items(engine: Engine, items: Items, name: str, args: Sequence[Value]) -> Value:
    if name in {"append", "add"} and args:
        _extend(items, [args[0]], is_open=False)
        return None
    if name in {"extend", "update"} and args:
        more, is_open = iterate(engine, args[0])
        _extend(items, more, is_open=is_open)
        return None
    if name == "insert" and len(args) > 1:
        _extend(items, [args[1]], is_open=False)
        return None
    if name == "copy":
        return Items(items.values[:], items.kind, items.open)
    if name in {"remove", "discard", "pop", "clear"}:
        return _drop(items, name, args)
    return None if name in {"sort", "reverse"} else MAYBE


def _extend(items: Items, more: list[Value], *, is_open: bool) -> None:
    room = MAX_ITEMS - len(items.values)
    items.values.extend(more[:room])
    items.open |= is_open or len(more) > room


def _drop(items: Items, name: str, args: Sequence[Value]) -> Value:
    if name == "clear":
        items.values.clear()
        return None
    if name == "pop":
        return items.values.pop() if items.values and not args else MAYBE
    if args and is_key(args[0]) and args[0] in items.values:
        items.values.remove(args[0])
    return None


def _get(engine: Engine, value: Value, args: Sequence[Value]) -> Value:
    if not args:
        return MAYBE
    found = get_item(engine, value, args[0])
    if found is not MAYBE or len(args) < 2:  # noqa: PLR2004 - key and default
        return found
    return args[1]


def _setdefault(engine: Engine, value: Value, args: Sequence[Value]) -> Value:
    found = get_item(engine, value, args[0]) if args else MAYBE
    if found is MAYBE and args:
        found = args[1] if len(args) > 1 else None
        set_item(engine, value, args[0], found)
    return found


def _update(engine: Engine, value: Value, args: Sequence[Value]) -> Value:
    if args:
        update(engine, value, args[0])
    return None


def _keys(engine: Engine, value: Value, _args: Sequence[Value]) -> Value:
    known, is_open = iterate(engine, value)
    return Items(known, "list", is_open)


def _values(engine: Engine, value: Value, _args: Sequence[Value]) -> Value:
    known, is_open = entries_of(engine, value)
    return Items([item for _, item in known], "list", is_open)


def _pairs(engine: Engine, value: Value, _args: Sequence[Value]) -> Value:
    known, is_open = entries_of(engine, value)
    return Items([Items([key, item], "tuple") for key, item in known], "list", is_open)


def _copy(engine: Engine, value: Value, _args: Sequence[Value]) -> Value:
    known, is_open = entries_of(engine, value)
    return Table(dict(known), is_open)


def _pop(_engine: Engine, value: Value, args: Sequence[Value]) -> Value:
    known = value.of.names if isinstance(value, Namespace) else None
    table = table_of(value)
    known = table.values if table is not None else known
    if known is None or not args or not is_key(args[0]):
        return MAYBE
    return known.pop(args[0], args[1] if len(args) > 1 else MAYBE)


_TABLE: dict[str, Callable[[Engine, Value, Sequence[Value]], Value]] = {
    "get": _get,
    "setdefault": _setdefault,
    "update": _update,
    "keys": _keys,
    "values": _values,
    "items": _pairs,
    "copy": _copy,
    "pop": _pop,
}
