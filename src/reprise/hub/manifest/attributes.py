"""`value.name`, read and written."""

from collections.abc import Callable, Iterator

from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    MISSING,
    Class,
    External,
    FilePath,
    Function,
    Instance,
    Items,
    Late,
    Method,
    Module,
    Namespace,
    Partial,
    Table,
    Unknown,
    Value,
    is_constant,
)

_MAX_BASES = 100  # classes above each other


def get_attribute(value: Value, name: str) -> Value:
    """Return `value.name`, or MISSING when the value surely has no such attribute."""
    known = _READERS.get(type(value))
    if known is not None:
        return known(value, name)
    if is_constant(value):
        return Method(value, name)
    return value if isinstance(value, Unknown) else MAYBE


def set_attribute(value: Value, name: str, new: Value, *, certain: bool = True) -> None:
    """Make `value.name` stand for `new`."""
    if isinstance(value, Module):
        value.frame.bind(name, new, certain=certain)
    elif isinstance(value, Function | Class | Instance):
        value.attributes[name] = new
        if name == "__doc__" and isinstance(value, Function | Class):
            # A text that is put together while the code runs leaves the written one standing.
            value.doc = new if isinstance(new, str | None) else value.doc


def mro(of: Class) -> Iterator[Value]:
    """Yield a class and its bases in the order Python looks them up, external ones too."""
    order: list[Value] = []
    _collect(of, set(), order, _MAX_BASES)
    return reversed(order)


def find_in_class(of: Class, name: str) -> Value:
    """Return an attribute of a class or its bases, MISSING, or MAYBE behind an unknown base."""
    for base in mro(of):
        if isinstance(base, Class):
            if name in base.attributes:
                return base.attributes[name]
        elif not (isinstance(base, External) and base.dotted in _EMPTY_BASES):
            return MAYBE
    return MISSING


# Bases that add nothing an entry point shows.
_EMPTY_BASES = frozenset(
    "builtins.object abc.ABC typing.Generic typing.Protocol collections.abc.Hashable "
    "builtins.dict collections.OrderedDict collections.UserDict collections.defaultdict".split()
)


def _collect(of: Value, seen: set[Value], order: list[Value], depth: int) -> None:
    # Last base first, each value once: the reverse is the order of any hierarchy that is not
    # contrived, in linear time.
    if of in seen or not depth:
        return
    seen.add(of)
    if isinstance(of, Class):
        for base in reversed(of.bases):
            _collect(base, seen, order, depth - 1)
    order.append(of)


def _of_external(value: External, name: str) -> Value:
    return External(f"{value.dotted}.{name}")


def _of_partial(value: Partial, name: str) -> Value:
    return {"func": value.of, "keywords": Table(dict(value.keywords))}.get(name, MAYBE)


def _of_module(module: Module, name: str) -> Value:
    if name == "__dict__":
        return Namespace(module)
    found = module.names.get(name, MISSING)
    if found is not MISSING:
        return found
    if module.state != "done":
        return Late(module, name)
    return MAYBE if module.open or "__getattr__" in module.names else MISSING


def _of_function(function: Function, name: str) -> Value:
    if name in function.attributes:
        return function.attributes[name]
    if name in {"__name__", "__qualname__"}:
        return _wrapped(function).name
    known = {
        "__module__": function.module.name,
        "__doc__": function.doc,
        "__dict__": Table(function.attributes),
        "__wrapped__": MAYBE if function.wraps is None else function.wraps,
    }
    return known.get(name, MAYBE)


def _wrapped(function: Function) -> Function:
    seen = {function}
    while isinstance(function.wraps, Function) and function.wraps not in seen:
        function = function.wraps
        seen.add(function)
    return function


def _of_class(of: Class, name: str) -> Value:
    known = {
        "__name__": of.name,
        "__qualname__": of.name,
        "__module__": of.module.name,
        "__doc__": of.doc,
        "__dict__": Table(of.attributes),
    }
    if name in known:
        return known[name]
    return bind_method(find_in_class(of, name), of, of)


def _of_instance(instance: Instance, name: str) -> Value:
    if name in instance.attributes:
        return instance.attributes[name]
    if name == "__class__":
        return instance.of
    if name == "__dict__":
        return Table(instance.attributes)
    found = find_in_class(instance.of, name)
    if found is MISSING or found is MAYBE:
        return Method(instance.table, name) if instance.table is not None else found
    return bind_method(found, instance, instance.of)


def bind_method(found: Value, receiver: Value, of: Class) -> Value:
    """Return what looking a class attribute up through `receiver` gives."""
    if not isinstance(found, Function):
        return found
    if found.role == "property":
        return MAYBE if receiver is not of else found
    if found.role == "staticmethod":
        return found
    if found.role == "classmethod":
        return _bound(found, of)
    return found if receiver is of else _bound(found, receiver)


def _bound(function: Function, first: Value) -> Function:
    return Function(
        name=function.name,
        node=function.node,
        module=function.module,
        outer=function.outer,
        doc=function.doc,
        bound=(*function.bound, first),
        wraps=function.wraps,
        shows=function.shows,
        attributes=function.attributes,
        defaults=function.defaults,
    )


def _of_path(path: FilePath, name: str) -> Value:
    head, _, tail = path.text.rpartition("/")
    if name == "parent":
        return FilePath(head or "/")
    if name == "parents":
        parts = path.text.split("/")
        return Items(
            [FilePath("/".join(parts[:end]) or "/") for end in range(len(parts) - 1, 0, -1)]
        )
    if name == "name":
        return tail
    if name == "stem":
        return tail.rpartition(".")[0] or tail
    if name == "suffix":
        stem, dot, suffix = tail.rpartition(".")
        return f"{dot}{suffix}" if stem else ""
    return Method(path, name) if name in _PATH_METHODS else DATA


_PATH_METHODS = frozenset(
    "resolve absolute joinpath expanduser as_posix with_name with_suffix exists is_dir is_file "
    "iterdir glob __str__ __fspath__".split()
)
_READERS: dict[type, Callable[[Value, str], Value]] = {
    Module: _of_module,
    External: _of_external,
    Function: _of_function,
    Class: _of_class,
    Instance: _of_instance,
    Partial: _of_partial,
    FilePath: _of_path,
    Items: Method,
    Table: Method,
    Namespace: Method,
}
