"""Calls about objects: `getattr`, `globals`, `isinstance`, `functools.wraps`."""

from reprise.hub.manifest.attributes import get_attribute, set_attribute
from reprise.hub.manifest.items import entries_of, iterate
from reprise.hub.manifest.known_call import Call, Handler
from reprise.hub.manifest.values import (
    DATA,
    MAYBE,
    MISSING,
    Class,
    External,
    Function,
    Instance,
    Items,
    Module,
    Namespace,
    Partial,
    Table,
    Value,
    is_callable,
    is_constant,
    truth,
)

_KIND_NAMES = {Items: "list", Table: "dict", Function: "function", Class: "type", Module: "module"}
_SURE = (Function, Class, Module, Items, Table, Partial)


def _known(answer: bool | None) -> Value:
    return DATA if answer is None else answer


def _first(call: Call) -> Value:
    return call.arg(0)


def _partial(call: Call) -> Value:
    return Partial(call.arg(0), tuple(call.args[1:]), dict(call.keywords))


def _wraps(call: Call) -> Value:
    return Partial(External("functools.wraps"), tuple(call.args), {})


def _update_wrapper(call: Call) -> Value:
    wrapper, wrapped = call.arg(0, "wrapper"), call.arg(1, "wrapped")
    if isinstance(wrapper, Function):
        wrapper.wraps = wrapped
    return wrapper


def _globals(call: Call) -> Value:
    return Namespace(call.frame.module)


def _vars(call: Call) -> Value:
    if call.args:
        return get_attribute(call.arg(0), "__dict__")
    module = call.frame.module
    return Namespace(module) if call.frame is module.frame else Table(call.frame.names)


def _dir(call: Call) -> Value:
    names, is_open = iterate(call.engine, _vars(call))
    return Items(sorted(name for name in names if isinstance(name, str)), open=is_open)


def _getattr(call: Call) -> Value:
    name = call.arg(1)
    if not isinstance(name, str):
        return MAYBE
    found = call.engine.attribute(call.arg(0), name)
    return call.arg(2) if found is MISSING else found


def _hasattr(call: Call) -> Value:
    value, name = call.arg(0), call.arg(1)
    if not isinstance(name, str):
        return DATA
    found = call.engine.attribute(value, name)
    if found is MISSING:
        return False
    return True if isinstance(value, Module | Class) and found is not MAYBE else DATA


def _setattr(call: Call) -> Value:
    value, name = call.arg(0), call.arg(1)
    if isinstance(name, str):
        certain = call.engine.loops == 0 or not isinstance(value, Module)
        set_attribute(value, name, call.arg(2), certain=certain)
    elif isinstance(value, Module):
        value.open = True
    return None


def _callable(call: Call) -> Value:
    return _known(is_callable(call.arg(0)))


def _bool(call: Call) -> Value:
    return _known(truth(call.arg(0, "", default=False)))


def _isinstance(call: Call) -> Value:
    value, of = call.arg(0), call.arg(1)
    kind = type(value).__name__ if is_constant(value) else _KIND_NAMES.get(type(value), "")
    if kind and isinstance(of, External) and of.dotted.startswith("builtins."):
        return of.dotted == f"builtins.{kind}"
    return DATA


def _type(call: Call) -> Value:
    value = call.arg(0)
    return value.of if len(call.args) == 1 and isinstance(value, Instance) else MAYBE


def _is_kind(kind: type) -> Handler:
    def known(call: Call) -> Value:
        value = call.arg(0)
        surely = is_constant(value) or isinstance(value, _SURE)
        return isinstance(value, kind) if surely else DATA

    return known


def _members(call: Call) -> Value:
    """`inspect.getmembers(module, predicate)`."""
    engine = call.engine
    known, is_open = entries_of(engine, get_attribute(call.arg(0), "__dict__"))
    predicate = call.arg(1, "predicate", None)
    if predicate is not None:
        answers = [truth(engine.call(predicate, [value], {}, call.frame)) for _, value in known]
        is_open |= None in answers
        known = [pair for pair, wanted in zip(known, answers, strict=True) if wanted]
    pairs = sorted((pair for pair in known if isinstance(pair[0], str)), key=lambda pair: pair[0])
    return Items([Items(list(pair), "tuple") for pair in pairs], open=is_open)


def _exec(call: Call) -> Value:
    call.frame.module.open = True
    return None


def _print(_call: Call) -> Value:
    return None


HANDLERS: dict[str, Handler] = {
    "builtins.globals": _globals,
    "builtins.locals": _vars,
    "builtins.vars": _vars,
    "builtins.dir": _dir,
    "builtins.exec": _exec,
    "builtins.getattr": _getattr,
    "builtins.hasattr": _hasattr,
    "builtins.setattr": _setattr,
    "builtins.bool": _bool,
    "builtins.callable": _callable,
    "builtins.isinstance": _isinstance,
    "builtins.type": _type,
    "builtins.print": _print,
    "copy.copy": _first,
    "copy.deepcopy": _first,
    "functools.partial": _partial,
    "functools.update_wrapper": _update_wrapper,
    "functools.wraps": _wraps,
    "inspect.getmembers": _members,
    "inspect.isclass": _is_kind(Class),
    "inspect.isfunction": _is_kind(Function),
    "inspect.ismodule": _is_kind(Module),
}
