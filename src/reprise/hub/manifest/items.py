"""Reading, writing and walking through lists, dicts and namespaces."""

from collections.abc import Hashable

from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    MISSING,
    External,
    Instance,
    Items,
    Module,
    Namespace,
    Table,
    Unknown,
    Value,
)

# Longer collections are cut and marked open.
MAX_ITEMS = 20_000
# Comparing this many items costs as much as reading one statement.
_CHEAP = 50


def get_item(engine: Engine, value: Value, key: Value) -> Value:
    """Return `value[key]`."""
    if isinstance(value, Items):
        return _at(value, key)
    if isinstance(value, str | bytes) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    if isinstance(value, External):
        return _of_external(engine, value, key)
    if isinstance(value, Namespace):
        found = value.of.names.get(key, MISSING) if isinstance(key, str) else MISSING
        return MAYBE if found is MISSING else found
    table = table_of(value)
    if table is None:
        return MAYBE
    return table.values.get(key, MAYBE) if is_key(key) else MAYBE


def set_item(engine: Engine, value: Value, key: Value, new: Value) -> None:
    """Make `value[key]` stand for `new`."""
    if isinstance(value, Namespace):
        _into_namespace(engine, value.of, key, new)
        return
    if value == External("sys.modules"):
        replaced = engine.module(key) if isinstance(key, str) else None
        if replaced is not None:  # a module that stands in for itself makes names on demand
            replaced.open = True
        return
    table = table_of(value)
    if table is None:
        return
    if is_key(key) and len(table.values) < MAX_ITEMS:
        table.values[key] = new
    else:
        table.open = True


def update(engine: Engine, value: Value, new: Value) -> None:
    """Copy the items of one mapping into another."""
    items, is_open = entries_of(engine, new)
    for key, item in items:
        set_item(engine, value, key, item)
    if is_open:
        _open(value)


def entries_of(engine: Engine, value: Value) -> tuple[list[tuple[Value, Value]], bool]:
    """Return the keys and values of a mapping, and whether there may be more."""
    if isinstance(value, Namespace):
        return list(value.of.names.items()), value.of.open
    table = table_of(value)
    if table is not None:
        engine.afford(len(table.values) // _CHEAP)
        return list(table.values.items()), table.open
    if isinstance(value, Items):  # dict([(key, value), …])
        pairs = [item.values for item in value.values if isinstance(item, Items)]
        known = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]  # noqa: PLR2004 - a pair
        return known, value.open or len(known) < len(value.values)
    return [], True


def iterate(engine: Engine, value: Value) -> tuple[list[Value], bool]:
    """Return what a for loop would see, and whether there may be more."""
    if isinstance(value, Items):
        engine.afford(len(value.values) // _CHEAP)
        return value.values[:MAX_ITEMS], value.open
    if isinstance(value, str):
        return list(value[:MAX_ITEMS]), len(value) > MAX_ITEMS
    if isinstance(value, Namespace) or table_of(value) is not None:
        items, is_open = entries_of(engine, value)
        return [key for key, _ in items], is_open
    return [], True


def table_of(value: Value) -> Table | None:
    """Return the dict behind a value, if there is one."""
    if isinstance(value, Table):
        return value
    return value.table if isinstance(value, Instance) else None


def is_key(value: Value) -> bool:
    """Tell whether a value can be looked up in a known dict."""
    return not isinstance(value, Unknown) and isinstance(value, Hashable)


def contains(engine: Engine, value: Value, key: Value) -> bool | None:
    """Return `key in value`, None when that cannot be known."""
    if isinstance(value, str):
        return key in value if isinstance(key, str) else None
    if not is_key(key):
        return None
    table = (
        value.of.names if isinstance(value, Namespace) else getattr(table_of(value), "values", None)
    )
    if table is not None:
        return True if key in table else None if _is_open(value) else False
    if not isinstance(value, Items):
        return None
    engine.afford(len(value.values) // _CHEAP)
    if key in value.values:
        return True
    return None if value.open or not all(map(is_key, value.values)) else False


def _is_open(value: Value) -> bool:
    if isinstance(value, Namespace):
        return value.of.open
    table = table_of(value)
    return table is None or table.open


def _at(value: Items, key: Value) -> Value:
    known = isinstance(key, int) and -len(value.values) <= key < len(value.values)
    if not known or (value.open and key < 0):
        return MAYBE
    return value.values[key]


def _of_external(engine: Engine, value: External, key: Value) -> Value:
    if value.dotted == "sys.path" and isinstance(key, int) and 0 <= key < len(engine.first_paths):
        known = engine.first_paths[key]
        return MAYBE if known is None else known
    if value.dotted == "sys.modules" and isinstance(key, str):
        module = engine.module(key)
        return module if module is not None else External(key)
    return DATA if value.dotted.startswith(("os.environ", "sys.argv")) else MAYBE


def _into_namespace(engine: Engine, module: Module, key: Value, new: Value) -> None:
    module.computed = True
    if isinstance(key, str):
        module.frame.bind(key, new, certain=engine.loops == 0)
    else:
        module.open = True


def _open(value: Value) -> None:
    table = table_of(value)
    if table is not None:
        table.open = True
    elif isinstance(value, Namespace):
        value.of.open = True
    elif isinstance(value, Items):
        value.open = True
