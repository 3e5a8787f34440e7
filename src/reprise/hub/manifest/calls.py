"""What a call gives: functions and classes of the repo are followed, within limits."""

import ast
from collections.abc import Callable, Sequence

from reprise.hub.manifest.attributes import bind_method, find_in_class
from reprise.hub.manifest.engine import Engine
from reprise.hub.manifest.known import call_external
from reprise.hub.manifest.known_call import Call
from reprise.hub.manifest.methods import call_method
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    MISSING,
    Class,
    External,
    FilePath,
    Frame,
    Function,
    Instance,
    Items,
    Method,
    Partial,
    Table,
    Value,
    is_constant,
)

# Calls inside calls; registration needs four or five.
_MAX_DEPTH = 12
_CALL_COST = 4  # of statements
_MAPPINGS = frozenset(
    "builtins.dict collections.OrderedDict collections.UserDict collections.defaultdict".split()
)


def call(
    engine: Engine, function: Value, args: Sequence[Value], keywords: dict[str, Value], frame: Frame
) -> Value:
    """Return what calling a value gives, with its effects on known values."""
    if isinstance(function, External):
        return call_external(function.dotted, Call(engine, args, keywords, frame))
    if isinstance(function, Partial):
        merged = {**function.keywords, **keywords}
        return engine.call(function.of, [*function.args, *args], merged, frame)
    if isinstance(function, Instance):
        function = bind_method(find_in_class(function.of, "__call__"), function, function.of)
    known = _CALLS.get(type(function))
    return known(engine, function, args, keywords) if known else MAYBE


def call_function(
    engine: Engine, function: Function, args: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    """Read a function's statements with its parameters bound, and return what it returns.

    Of several possible results the one that can be called best is taken.
    """
    if engine.depth >= _MAX_DEPTH or not engine.afford(_CALL_COST):
        return MAYBE
    body = engine.body(function)
    if body is None or isinstance(function.node, ast.AsyncFunctionDef):
        return MAYBE
    frame = Frame(function.module, {}, outer=function.outer)
    _bind_parameters(function, [*function.bound, *args], keywords, frame)
    engine.depth += 1
    try:
        if isinstance(function.node, ast.Lambda):
            return engine.evaluate(function.node.body, frame)
        engine.finish(engine.run(body, frame))
    finally:
        engine.depth -= 1
    return best(frame.results) if frame.results else None


def best(values: Sequence[Value]) -> Value:
    """Return the value that tells most about an entry point; the first of equals."""
    return max(values, key=_rank)


def _rank(value: Value) -> int:
    if isinstance(value, Function | Class):
        return 5
    if isinstance(value, Partial | Instance):
        return 4
    if isinstance(value, External | Items | Table | FilePath):
        return 3
    if value is MAYBE:
        return 1
    return 0 if value is None or value is DATA or value is MISSING else 2


def _bind_parameters(
    function: Function,
    args: Sequence[Value],
    keywords: dict[str, Value],
    frame: Frame,
) -> None:
    spec = function.node.args
    names = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
    bound = dict(zip(names, args, strict=False))
    left = {key: value for key, value in keywords.items() if key not in bound}
    for arg, default in _parameters(spec):
        if arg.arg not in bound:
            value = left.pop(arg.arg, MISSING)
            bound[arg.arg] = default_of(function, default) if value is MISSING else value
    if spec.vararg:
        bound[spec.vararg.arg] = Items(list(args[len(names) :]), "tuple")
    if spec.kwarg:
        bound[spec.kwarg.arg] = Table(dict(left))
    frame.names.update(bound)


def default_of(function: Function, default: ast.expr | None) -> Value:
    """Return the value of a parameter's default."""
    if isinstance(default, ast.Constant):
        return default.value
    return MAYBE if default is None else function.defaults.get(id(default), MAYBE)


def _parameters(spec: ast.arguments) -> list[tuple[ast.arg, ast.expr | None]]:
    plain = [*spec.posonlyargs, *spec.args]
    without: list[ast.expr | None] = [None] * (len(plain) - len(spec.defaults))
    defaults = [*without, *spec.defaults, *spec.kw_defaults]
    return list(zip([*plain, *spec.kwonlyargs], defaults, strict=True))


def _instantiate(
    engine: Engine, of: Class, args: Sequence[Value], keywords: dict[str, Value]
) -> Value:
    made = Instance(of)
    bases = [base.dotted for base in of.bases if isinstance(base, External)]
    if any(base in _MAPPINGS for base in bases):
        made.table = Table()
    elif bases and not all(
        base.startswith(("builtins.object", "abc.", "typing.")) for base in bases
    ):
        return made  # a torch module: what its constructor does tells nothing here
    method = find_in_class(of, "__init__")
    if isinstance(method, Function):
        bound = bind_method(method, made, of)
        call_function(engine, bound, args, keywords)
    return made


def decorate(engine: Engine, decorator: Value, target: Value, frame: Frame) -> Value:
    """Return what a name stands for after `@decorator` was applied to its function or class.

    A decorator that is not known is taken to keep what it decorates, and a wrapper of the repo
    shows the function it wraps.
    """
    if isinstance(decorator, External) and isinstance(target, Function):
        role = decorator.dotted.rpartition(".")[2]
        if role in {"staticmethod", "classmethod", "property", "cached_property"}:
            target.role = "property" if role == "cached_property" else role
        return target
    if isinstance(decorator, Partial) and decorator.of == External("functools.wraps"):
        if isinstance(target, Function):
            target.wraps = decorator.args[0] if decorator.args else None
        return target
    if not isinstance(decorator, Function | Class | Instance | Partial):
        return target
    result = engine.call(decorator, [target], {}, frame)
    if isinstance(result, Function) and result is not target and isinstance(target, Function):
        result.shows = target.shows or target
        return result
    keeps = not isinstance(result, Function | Class) and result is not None
    return target if keeps and not is_constant(result) else result


def class_keywords(engine: Engine, node: ast.ClassDef, frame: Frame) -> dict[str, Value]:
    """Return the keywords of a class statement, which go to `__init_subclass__`."""
    return {item.arg: engine.evaluate(item.value, frame) for item in node.keywords if item.arg}


def announce_subclass(engine: Engine, made: Class, keywords: dict[str, Value]) -> None:
    """Run `__init_subclass__` of the bases, where registries are filled too."""
    for base in made.bases:
        if isinstance(base, Class):
            hook = find_in_class(base, "__init_subclass__")
            if isinstance(hook, Function):
                given = {key: value for key, value in keywords.items() if key != "metaclass"}
                call_function(engine, hook, [made], given)
                return


_CALLS: dict[type, Callable[..., Value]] = {
    Function: call_function,
    Class: _instantiate,
    Method: call_method,
}
