"""Signatures as `inspect` would write them, from the source."""

import ast
from collections.abc import Iterator, Sequence
from inspect import Parameter, Signature

from reprise.hub.manifest.attributes import mro
from reprise.hub.manifest.values import (
    Class,
    External,
    Function,
    Made,
    Partial,
    Value,
    is_constant,
)

_MAX_TEXT = 200  # characters of one default or annotation
_EMPTY = Parameter.empty
# What classes of these bases take when no class of the repo says otherwise; None: not known.
_BASE_SIGNATURES = {
    "torch.nn.Module": "(*args, **kwargs) -> None",
    "torch.nn.modules.module.Module": "(*args, **kwargs) -> None",
}
_SILENT_BASES = frozenset("builtins.object abc.ABC typing.Generic typing.Protocol".split())


class _Source:
    """A piece of source that writes itself where `inspect` writes a value."""

    def __init__(self, text: str) -> None:
        self._text = text if len(text) <= _MAX_TEXT else "..."

    def __repr__(self) -> str:
        return self._text


def signature_text(value: Value) -> str | None:
    """Return the signature of a function, class or partial of the repo, None when unknown."""
    try:
        made = _signature(value)
    except (ValueError, RecursionError):
        return None
    return made if made is None or isinstance(made, str) else str(made)


def shown(function: Function) -> Function:
    """Return the function whose parameters a caller has to know.

    A wrapper made with functools.wraps shows what it wraps, as `inspect` does; so does one that
    takes `*args, **kwargs` only, where `inspect` would show just that.
    """
    seen = {function}
    while True:
        spec = function.node.args
        passes_on = not (spec.posonlyargs or spec.args or spec.kwonlyargs)
        behind = function.wraps if function.wraps is not None else function.shows
        follow = function.wraps is not None or passes_on
        if not follow or not isinstance(behind, Function) or behind in seen:
            return function
        function = behind
        seen.add(function)


def unparse(node: ast.AST) -> str:
    """Return source text for a node; `...` when it is unreasonably deep."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return "..."


def _signature(value: Value) -> Signature | str | None:
    if isinstance(value, Function):
        return _of_function(shown(value), len(value.bound))
    if isinstance(value, Class):
        return _of_class(value)
    if isinstance(value, Partial):
        inner = _signature(value.of)
        return _of_partial(value, inner) if isinstance(inner, Signature) else None
    return None


def _of_function(function: Function, bound: int) -> Signature:
    spec = function.node.args
    drop = min(bound, len(spec.posonlyargs) + len(spec.args))
    parameters = list(_parameters(function, spec))[drop:]
    returns = getattr(function.node, "returns", None)
    annotation = _EMPTY if returns is None else _Source(unparse(returns))
    return Signature(parameters, return_annotation=annotation)


def _parameters(function: Function, spec: ast.arguments) -> Iterator[Parameter]:
    positional = [*spec.posonlyargs, *spec.args]
    gaps = len(positional) - len(spec.defaults)
    for place, arg in enumerate(positional):
        default = spec.defaults[place - gaps] if place >= gaps else None
        only = place < len(spec.posonlyargs)
        kind = Parameter.POSITIONAL_ONLY if only else Parameter.POSITIONAL_OR_KEYWORD
        yield _parameter(function, arg, kind, default)
    if spec.vararg:
        yield _parameter(function, spec.vararg, Parameter.VAR_POSITIONAL, None)
    for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        yield _parameter(function, arg, Parameter.KEYWORD_ONLY, default)
    if spec.kwarg:
        yield _parameter(function, spec.kwarg, Parameter.VAR_KEYWORD, None)


def _parameter(
    function: Function, arg: ast.arg, kind: object, default: ast.expr | None
) -> Parameter:
    annotation = _EMPTY if arg.annotation is None else _Source(unparse(arg.annotation))
    value = _EMPTY if default is None else _Source(_default_text(function, default))
    return Parameter(arg.arg, kind, default=value, annotation=annotation)  # type: ignore[arg-type]


def _default_text(function: Function, default: ast.expr) -> str:
    known = function.defaults.get(id(default))
    # A text with a path of this machine in it is better shown as it was written.
    if known is not None and is_constant(known) and not (isinstance(known, str) and "/" in known):
        return repr(known)
    return unparse(default)


def _of_class(of: Class) -> Signature | str | None:
    for base in mro(of):
        if isinstance(base, Class):
            method = _constructor(base)
            if method is not None:
                return _of_function(shown(method), 1)
            if _is_dataclass(base):
                return _of_dataclass(of)
        elif not isinstance(base, External) or base.dotted not in _SILENT_BASES:
            return _of_base(of, base)
    return Signature()


def _constructor(of: Class) -> Function | None:
    for name in ("__new__", "__init__"):
        method = of.attributes.get(name)
        if isinstance(method, Function):
            return method
    return None


def _of_base(of: Class, base: Value) -> Signature | str | None:
    name = base.dotted if isinstance(base, External) else ""
    if name == "typing.NamedTuple":
        return Signature(list(_fields(of.node.body)))
    return _BASE_SIGNATURES.get(name)


def _is_dataclass(of: Class) -> bool:
    return any(
        getattr(item, "dotted", getattr(item, "by", "")) == "dataclasses.dataclass"
        for item in of.decorators
        if isinstance(item, External | Made)
    )


def _of_dataclass(of: Class) -> Signature:
    fields: dict[str, Parameter] = {}
    for base in reversed(list(mro(of))):
        if isinstance(base, Class) and _is_dataclass(base):
            fields.update({field.name: field for field in _fields(base.node.body)})
    ordered = sorted(fields.values(), key=lambda field: field.kind)
    return Signature(ordered, return_annotation=None)


def _fields(body: Sequence[ast.stmt]) -> Iterator[Parameter]:
    for node in body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        annotation = unparse(node.annotation)
        default = _field_default(node.value)
        if "ClassVar" in annotation or default is None:
            continue
        yield Parameter(
            node.target.id,
            Parameter.POSITIONAL_OR_KEYWORD,
            default=default,
            annotation=_Source(annotation),
        )


def _field_default(value: ast.expr | None) -> object | None:
    """Return what stands for a field's default; None when it is no parameter."""
    if value is None:
        return _EMPTY
    if not isinstance(value, ast.Call) or unparse(value.func).rpartition(".")[2] != "field":
        return _Source(unparse(value))
    given = {keyword.arg: keyword.value for keyword in value.keywords}
    init = given.get("init")
    if isinstance(init, ast.Constant) and init.value is False:
        return None
    if "default" in given:
        return _Source(unparse(given["default"]))
    return _Source("<factory>") if "default_factory" in given else _EMPTY


def _of_partial(partial: Partial, inner: Signature) -> Signature:
    positional = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    drop = len(partial.args)
    kept: list[Parameter] = []
    by_name = False
    for parameter in inner.parameters.values():
        if drop and parameter.kind in positional:
            drop -= 1
            continue
        if parameter.name in partial.keywords:
            by_name = True
            value = partial.keywords[parameter.name]
            text = repr(value) if is_constant(value) else "..."
            parameter = parameter.replace(default=_Source(text))  # noqa: PLW2901 - refined
        if by_name and parameter.kind is Parameter.VAR_POSITIONAL:
            continue
        if by_name and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
            parameter = parameter.replace(kind=Parameter.KEYWORD_ONLY)  # noqa: PLW2901 - refined
        kept.append(parameter)
    return inner.replace(parameters=kept)
