"""Entry points: the names of `hubconf.py` that can be called, and whose they are."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from reprise.hub.manifest.attributes import find_in_class
from reprise.hub.manifest.records import Certainty, EntryPoint
from reprise.hub.manifest.signatures import shown, signature_text, unparse
from reprise.hub.manifest.usage import Usage
from reprise.hub.manifest.values import (
    MAYBE,
    MISSING,
    Class,
    External,
    Function,
    Instance,
    Items,
    Made,
    Module,
    Partial,
    Unknown,
    Value,
    settle,
)

_MAX_DOC = 100_000  # characters of one docstring
_MAX_ENTRIES = 20_000
# Names that are imported from libraries all the time and cannot be called.
_MODULES = frozenset(
    "concurrent.futures importlib.metadata importlib.resources importlib.util os.path "
    "torch.autograd torch.backends torch.cuda torch.distributed torch.fft torch.functional "
    "torch.hub torch.jit torch.linalg torch.multiprocessing torch.nn torch.nn.functional "
    "torch.nn.init torch.nn.parallel torch.nn.utils torch.onnx torch.optim torch.utils "
    "torch.utils.checkpoint torch.utils.data torch.utils.model_zoo torchvision.datasets "
    "torchvision.io torchvision.models torchvision.ops torchvision.transforms "
    "torchvision.transforms.functional torchvision.utils typing.TYPE_CHECKING "
    "urllib.error urllib.parse urllib.request xml.etree".split()
)
# Results of library calls that cannot be called, by the call.
_DATA_MAKERS = (
    "logging.getLogger os. re.compile sys. torch.cuda. torch.device torch.tensor torch.zeros "
    "torch.ones torch.arange torch.load torch.hub.get_dir yaml. json. numpy. collections. "
    "argparse. pathlib. omegaconf. platform. packaging. time. random.".split()
)
_CALLABLE_BASES = ("torch.nn.",)
_PLAIN_BASES = (
    "abc. builtins. collections. enum. typing. argparse. logging. torch.utils.data. json.".split()
)


@dataclass(frozen=True)
class _Entry:
    """A name with what it stands for, before it is told whose it is."""

    name: str
    value: Value
    shape: EntryPoint  # with own=False


def entry_points(hubconf: Module, usage: Usage) -> tuple[EntryPoint, ...]:
    """Describe the public names that can, or may, be called, sorted by name."""
    found = list(_candidates(hubconf))
    declared = _declared(hubconf)
    own = {entry.name for entry in found if _is_own(entry, hubconf, usage, declared)}
    if not own and not hubconf.open:
        own = _fallback(found, usage)
    entries = (_with_owner(entry.shape, own=entry.name in own) for entry in found)
    return tuple(sorted(entries, key=lambda entry: entry.name)[:_MAX_ENTRIES])


def _candidates(hubconf: Module) -> Iterator[_Entry]:
    for name, late in hubconf.names.items():
        value = settle(late)
        if not name.startswith("_") and may_be_called(value, name):
            yield _Entry(name, value, _describe(name, value, hubconf))


def may_be_called(value: Value, name: str) -> bool:
    """Tell whether a name can stand for something callable.

    What only running the code would tell is judged by custom: constants are in capitals.
    """
    if isinstance(value, Function | Class | Partial):
        return True
    if isinstance(value, Instance):
        return _is_callable_instance(value)
    if isinstance(value, External):
        return not (value.is_module or value.dotted in _MODULES or name.isupper())
    if isinstance(value, Made):
        return not (value.by.startswith(tuple(_DATA_MAKERS)) or name.isupper())
    return isinstance(value, Unknown) and value is MAYBE and not name.isupper()


def _is_callable_instance(value: Instance) -> bool:
    method = find_in_class(value.of, "__call__")
    if method is MISSING:
        return False
    if method is not MAYBE:
        return True
    outside = [base.dotted for base in _external_bases(value.of)]
    return any(not base.startswith(tuple(_PLAIN_BASES)) for base in outside)


def _external_bases(of: Class) -> Iterator[External]:
    from reprise.hub.manifest.attributes import mro

    yield from (base for base in mro(of) if isinstance(base, External))


def _describe(name: str, value: Value, hubconf: Module) -> EntryPoint:
    certainty: Certainty = "dynamic" if name in hubconf.uncertain else "static"
    if isinstance(value, External):
        return EntryPoint(name, "unknown", None, None, value.dotted, 0, (), "external", own=False)
    if isinstance(value, Function | Class | Partial):
        return _of_source(name, value, certainty)
    if isinstance(value, Instance):
        return _of_instance(name, value, certainty)
    file = value.by if isinstance(value, Made) else hubconf.file
    return EntryPoint(name, "unknown", None, None, file, 0, (), "dynamic", own=False)


def _of_source(name: str, value: Function | Class | Partial, certainty: Certainty) -> EntryPoint:
    source = _source_of(value)
    if source is None:  # a partial of something outside the repo
        outside = value.of.dotted if isinstance(value, Partial) else ""
        return EntryPoint(name, "function", None, None, outside, 0, (), certainty, own=False)
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
    method: Value = MISSING
    for candidate in ("__call__", "forward"):
        method = find_in_class(value.of, candidate)
        if isinstance(method, Function):
            break
    signature = None
    if isinstance(method, Function):
        signature = signature_text(Partial(method, (value,), {}))
    return EntryPoint(
        name=name,
        kind="instance",
        signature=signature,
        doc=_cut(value.of.doc),
        file=value.of.module.file,
        line=value.of.node.lineno,
        decorators=(),
        certainty=certainty,
        own=False,
    )


def _source_of(value: Value) -> Function | Class | None:
    """Return the definition that an entry point is about, behind wrappers and partials."""
    seen = 0
    while isinstance(value, Partial) and seen < _MAX_PARTIALS:
        value, seen = value.of, seen + 1
    if isinstance(value, Function):
        wrapped = value.wraps if isinstance(value.wraps, Function) else value.shows
        return wrapped if wrapped is not None else value
    return value if isinstance(value, Class) else None


_MAX_PARTIALS = 20


def _doc(value: Function | Class | Partial) -> str | None:
    if isinstance(value, Partial):
        inner = _source_of(value)
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


def _declared(hubconf: Module) -> frozenset[str]:
    names = hubconf.names.get("__all__")
    known = names.values if isinstance(names, Items) else []
    return frozenset(name for name in known if isinstance(name, str))


def _is_own(entry: _Entry, hubconf: Module, usage: Usage, declared: frozenset[str]) -> bool:
    if entry.name in declared or entry.name in usage.repeated:
        return True
    unread = entry.name not in usage.read
    if isinstance(entry.value, Function | Class | Partial):
        # Imported and read by the file itself: a helper. Imported only: passed on.
        outside = isinstance(entry.value, Partial) and _source_of(entry.value) is None
        return entry.name not in usage.imported or (unread and not outside)
    if isinstance(entry.value, External):
        return False
    return unread and not _is_library_result(entry.value) and entry.name in hubconf.names


def _is_library_result(value: Value) -> bool:
    import sys

    return isinstance(value, Made) and value.by.partition(".")[0] in sys.stdlib_module_names


def _fallback(found: list[_Entry], usage: Usage) -> set[str]:
    """Return the owned names of a file that does nothing but import: all that it imports."""
    import sys

    repo = {entry.name for entry in found if isinstance(entry.value, Function | Class | Partial)}
    if repo:
        return repo
    return {
        entry.name
        for entry in found
        if isinstance(entry.value, External)
        and entry.name not in usage.read
        and entry.value.dotted.partition(".")[0] not in {*sys.stdlib_module_names, "builtins"}
    }


def _with_owner(shape: EntryPoint, *, own: bool) -> EntryPoint:
    from dataclasses import replace

    return replace(shape, own=own) if own else shape


_ = ast
