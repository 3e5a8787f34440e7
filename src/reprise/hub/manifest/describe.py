"""One entry point, from what its name stands for."""

from reprise.hub.manifest.attributes import find_in_class
from reprise.hub.manifest.custom import has_torch_base
from reprise.hub.manifest.records import Certainty, EntryPoint
from reprise.hub.manifest.signatures import shown, signature_text, unparse
from reprise.hub.manifest.values import (
    Class,
    External,
    Function,
    Instance,
    Made,
    Module,
    Partial,
    Value,
)

_MAX_DOC = 100_000  # characters of one docstring
_MAX_LAYERS = 20  # of wrappers around one function


def describe(name: str, value: Value, hubconf: Module) -> EntryPoint:
    """Return the entry point that `name` of `hubconf.py` is, not yet owned."""
    certainty: Certainty = "dynamic" if name in hubconf.uncertain else "static"
    if isinstance(value, External):
        return _unknown(name, value.dotted, "external")
    if isinstance(value, Function | Class | Partial):
        return _of_source(name, value, certainty)
    if isinstance(value, Instance):
        return _of_instance(name, value, certainty)
    return _unknown(name, value.by if isinstance(value, Made) else hubconf.file, "dynamic")


def source_of(value: Value) -> Function | Class | None:
    """Return the definition that an entry point is about, behind wrappers and partials."""
    for _ in range(_MAX_LAYERS):
        inner: Value = None
        if isinstance(value, Partial):
            inner = value.of
        elif isinstance(value, Function):
            inner = value.wraps if isinstance(value.wraps, Function) else value.shows
        if inner is None:
            break
        value = inner
    return value if isinstance(value, Function | Class) else None


def _outside(value: Value) -> str:
    for _ in range(_MAX_LAYERS):
        if not isinstance(value, Partial):
            break
        value = value.of
    return value.dotted if isinstance(value, External) else ""


def _unknown(name: str, file: str, certainty: Certainty) -> EntryPoint:
    return EntryPoint(
        name=name,
        kind="unknown",
        signature=None,
        doc=None,
        file=file,
        line=0,
        decorators=(),
        certainty=certainty,
        own=False,
    )


def _of_source(name: str, value: Function | Class | Partial, certainty: Certainty) -> EntryPoint:
    source = source_of(value)
    if source is None:  # a partial of something outside the repo
        return _unknown(name, _outside(value), "external")
    decorators = getattr(source.node, "decorator_list", [])
    return EntryPoint(
        name=name,
        kind="class" if isinstance(value, Class) else "function",
        signature=signature_text(value),
        doc=_doc(value),
        file=source.module.file,
        line=source.node.lineno,
        decorators=tuple(unparse(item) for item in decorators),
        certainty=certainty,
        own=False,
    )


def _of_instance(name: str, value: Instance, certainty: Certainty) -> EntryPoint:
    signature, known = None, has_torch_base(value.of)
    for method_name in ("__call__", "forward"):
        method = find_in_class(value.of, method_name)
        if isinstance(method, Function):
            signature, known = signature_text(Partial(method, (value,), {})), True
            break
    return EntryPoint(
        name=name,
        kind="instance",
        signature=signature,
        doc=_cut(value.of.doc),
        file=value.of.module.file,
        line=value.of.node.lineno,
        decorators=(),
        certainty=certainty if known else "dynamic",
        own=False,
    )


def _doc(value: Function | Class | Partial) -> str | None:
    if isinstance(value, Partial):
        inner = source_of(value)
        return _cut(inner.doc) if inner is not None else None
    if isinstance(value, Class):
        return _cut(value.doc)
    if isinstance(value.wraps, Function):
        return _cut(shown(value).doc)
    if value.doc is None and value.shows is not None:
        return _cut(value.shows.doc)
    return _cut(value.doc)


def _cut(doc: str | None) -> str | None:
    return doc if doc is None or len(doc) <= _MAX_DOC else f"{doc[:_MAX_DOC]}..."
