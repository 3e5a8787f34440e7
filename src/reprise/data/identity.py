"""What a function is, as a digest: its code, what it closes over, and every helper it reaches.

Code is described by its bytecode without tables of lines and columns: moving, indenting or
commenting changes nothing, and what is described is what runs, even when the file changed since it
was imported. Functions, classes and modules of the user are followed; installed packages count by
name and version. What has no description that two runs share is an error that names it.
"""

import enum
import functools
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import InvalidInput

_DEEPEST = 60
_BY_CHANCE = ("uuid.UUID", "random.SystemRandom", "secrets.")
_VALUES = (type(None), bool, int, str, bytes, float, complex, type(Ellipsis), type(NotImplemented))
_SITE = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("purelib", "platlib")
)  # fmt: skip
_UNSEEN = frozenset({"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__",
                     "__firstlineno__", "__annotations__", "__static_attributes__",
                     "__abstractmethods__", "_abc_impl", "__match_args__"})  # fmt: skip


def parts_of(function: Any) -> dict[str, str]:
    """Describe a function: the name of each thing it is made of -> digest.

    Raises:
        InvalidInput: Something in it has no description; the message names it and the ways out.
    """
    described = _Describer()
    root = described.value(function, [getattr(function, "__name__", type(function).__name__)])
    found = {name: sha256_hex(canonical_json(value)) for name, value in described.seen.items()}
    found["python"] = sha256_hex(sys.implementation.cache_tag.encode())
    found["call"] = sha256_hex(canonical_json(root))
    return found


class _Describer:
    """Turns values into plain data; functions, classes and packages are filed under `seen`."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self._open: dict[int, int] = {}
        self._labels: dict[int, str] = {}  # id of a function or class -> what it is filed under
        self._kept: list[Any] = []  # so that ids stay taken while they are compared

    def value(self, value: Any, path: list[str]) -> Any:
        """Describe a value that was reached by a path of names."""
        if isinstance(value, _VALUES) and type(value).__module__ == "builtins":
            return [type(value).__name__, repr(value)]
        if len(path) > _DEEPEST:
            raise _no_identity(path, "is nested too deeply")
        mark = id(value)
        if mark in self._open:
            return ["again", self._open[mark]]
        self._open[mark] = len(self._open)
        self._kept.append(value)
        described = self._by_kind(value, path)
        del self._open[mark]
        return described

    def _by_kind(self, value: Any, path: list[str]) -> Any:  # noqa: PLR0911 - a line per kind
        match value:
            case functools.partial():
                inner = (value.func, value.args, value.keywords)
                return ["partial", *(self.value(part, [*path, "partial"]) for part in inner)]
            case types.FunctionType():
                return self._named(value, path, self._function)
            case types.MethodType():
                return [
                    "method",
                    self.value(value.__func__, path),
                    self.value(value.__self__, [*path, "self"]),
                ]
            case types.BuiltinFunctionType() if value.__self__ is None or isinstance(
                value.__self__, types.ModuleType
            ):
                return [
                    "builtin",
                    str(value.__module__),
                    value.__qualname__,
                    self._package(value.__module__ or ""),
                ]
            case types.ModuleType():
                return ["module", value.__name__, self._package(value.__name__)]
            case types.CodeType():
                return self._code(value, path)
            case type():
                return self._named(value, path, self._class)
            case property() | staticmethod() | classmethod() | functools.cached_property():
                wrapped = [getattr(value, name, None) for name in ("__func__", "func", "fget")]
                return [type(value).__name__, self.value(wrapped, path)]
        return self._data(value, path)

    def _data(self, value: Any, path: list[str]) -> Any:  # noqa: PLR0911 - a line per kind
        match value:
            case enum.Enum():
                return ["enum", self.value(type(value), path), value.name]
            case list() | tuple() if type(value) in {list, tuple}:
                return [
                    type(value).__name__,
                    *(self.value(v, [*path, f"[{i}]"]) for i, v in enumerate(value)),
                ]
            case set() | frozenset() if type(value) in {set, frozenset}:
                items = [self.value(item, [*path, "{}"]) for item in value]
                return [type(value).__name__, sorted(items, key=canonical_json)]
            case dict() if type(value) is dict:
                return [
                    "dict",
                    [
                        [self.value(k, path), self.value(v, [*path, repr(k)])]
                        for k, v in value.items()
                    ],
                ]
            case PurePath():
                return ["path", str(value)]
            case types.MappingProxyType():
                return ["proxy", self.value(dict(value), path)]
        return self._object(value, path)

    def _object(self, value: Any, path: list[str]) -> Any:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        for attribute in ("fingerprint", "identity"):
            given = getattr(kind, attribute, None)
            if given is not None and kind.__module__.startswith("reprise."):
                found = getattr(value, attribute)
                return ["identity", name, str(found() if callable(found) else found)]
        special = _special(value, name)
        if special is not None:
            return [name, *special, self._package(kind.__module__)]
        if name.startswith(_BY_CHANCE):
            raise _no_identity(path, f"is a {name}, which is another one in every run")
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:  # noqa: BLE001 - whatever an object's own code raises
            raise _no_identity(path, f"is a {name}: {error}") from None
        if isinstance(reduced, str):
            return ["global", kind.__module__, reduced, self._package(kind.__module__)]
        listed = [list(part) if _is_iterator(part) else part for part in reduced]
        return ["object", *(self.value(part, [*path, f".{name}"]) for part in listed)]

    def _named(self, value: Any, path: list[str], describe: Any) -> Any:
        """File a function or class under its name; a package's goes by the package's version."""
        name = f"{value.__module__}.{value.__qualname__}"
        if (package := self._package(value.__module__ or "")) is not None:
            return ["packaged", name, package]
        if id(value) not in self._labels:
            same = sum(label.partition("#")[0] == name for label in self._labels.values())
            label = f"{name}#{same}" if same else name
            self._labels[id(value)] = label
            self._kept.append(value)
            inner = path if path[-1] == value.__qualname__ else [*path, value.__qualname__]
            self.seen[label] = describe(value, inner)
        return ["ours", self._labels[id(value)]]

    def _function(self, function: types.FunctionType, path: list[str]) -> Any:
        wrapped = getattr(function, "__wrapped__", None)
        code = function.__code__
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        return [
            self._code(code, path),
            self.value(function.__defaults__, [*path, "defaults"]),
            self.value(function.__kwdefaults__, [*path, "defaults"]),
            [[name, self._cell(cell, [*path, name])] for name, cell in cells],
            list(self._globals(function, path)),
            self.value(wrapped, path) if wrapped is not None else None,
        ]

    def _cell(self, cell: types.CellType, path: list[str]) -> Any:
        try:
            return self.value(cell.cell_contents, path)
        except ValueError:
            return ["empty"]

    def _globals(self, function: types.FunctionType, path: list[str]) -> Iterator[Any]:
        names = sorted(set(_names(function.__code__)))
        for name in names:
            if name not in function.__globals__:
                continue
            value = function.__globals__[name]
            yield [name, self.value(value, [*path, name])]
            yield from self._members(value, names, [*path, name])
        for module in _imported(function):
            yield [module.__name__, self.value(module, [*path, module.__name__])]
            yield from self._members(module, names, [*path, module.__name__])

    def _members(self, module: Any, names: list[str], path: list[str]) -> Iterator[Any]:
        """Describe what code may reach of a user's module by the attributes it names."""
        if not isinstance(module, types.ModuleType) or self._package(module.__name__) is not None:
            return
        if module.__name__ in path[:-1] or len(path) > _DEEPEST:
            return
        for name in names:
            if name in vars(module) and not name.startswith("__"):
                value = vars(module)[name]
                yield [module.__name__, name, self.value(value, [*path, name])]
                if value is not module:
                    yield from self._members(value, names, [*path, name])

    def _class(self, kind: type, path: list[str]) -> Any:
        own = {name: value for name, value in vars(kind).items() if name not in _UNSEEN}
        members = [
            [name, self.value(value, [*path, name])]
            for name, value in sorted(own.items())
            if not isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)
        ]
        return [[self.value(base, path) for base in kind.__bases__], members]

    def _code(self, code: types.CodeType, path: list[str]) -> Any:
        constants = list(code.co_consts)
        if constants and isinstance(constants[0], str) and not code.co_name.startswith("<"):
            constants[0] = None  # the docstring, or a constant that code loads by its number
            if _loads_first(code):
                constants[0] = code.co_consts[0]
        shape = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
        names = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars]
        return [
            "code",
            code.co_code.hex(),
            getattr(code, "co_exceptiontable", b"").hex(),
            shape,
            [list(part) for part in names],
            [self.value(constant, path) for constant in constants],
        ]

    def _package(self, module: str) -> str | None:
        """Return a package's version; None for code of the user."""
        top = module.partition(".")[0]
        if not top or top == "__main__":
            return None
        if top in sys.stdlib_module_names:
            return "python"
        found = sys.modules.get(top)
        file = str(
            getattr(found, "__file__", None) or next(iter(getattr(found, "__path__", [])), "")
        )
        if top != "reprise" and not (file and str(Path(file).resolve()).startswith(_SITE)):
            return None
        version = _version(top, found)
        self.seen[f"package {top}"] = version
        return version


def _version(top: str, module: Any) -> str:
    from importlib.metadata import PackageNotFoundError, version

    stated = getattr(module, "__version__", None)
    if isinstance(stated, str):
        return stated
    try:
        return version(top)
    except PackageNotFoundError:
        from importlib.metadata import packages_distributions

        names = packages_distributions().get(top, [])
        return ",".join(f"{name}={version(name)}" for name in sorted(set(names))) or "unknown"


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _imported(function: types.FunctionType) -> Iterator[types.ModuleType]:
    """Yield the modules that a function imports while it runs."""
    import dis
    from importlib import import_module

    steps = list(dis.get_instructions(function.__code__))
    for number, step in enumerate(steps):
        if step.opname != "IMPORT_NAME":
            continue
        level = next(
            (s.argval for s in steps[max(0, number - 2) : number] if isinstance(s.argval, int)), 0
        )
        package = str(function.__globals__.get("__package__") or "")
        name = "." * level + str(step.argval)
        try:
            yield import_module(name, package or None)
        except (ImportError, TypeError, ValueError):
            continue  # it may stand behind a condition; if it does not, the step fails by itself


def _loads_first(code: types.CodeType) -> bool:
    """Tell whether code uses its first constant, which else is only a docstring."""
    import dis

    return any(
        step.opname in {"LOAD_CONST", "RETURN_CONST", "KW_NAMES"} and step.arg == 0
        for step in dis.get_instructions(code)
    )


def _is_iterator(part: Any) -> bool:
    return hasattr(part, "__next__")


def _special(value: Any, name: str) -> list[Any] | None:
    """Describe objects of libraries whose pickles are large or not the same twice."""
    if name == "re.Pattern":
        return [
            value.pattern if isinstance(value.pattern, str) else value.pattern.hex(),
            value.flags,
        ]
    if name == "numpy.ndarray" and value.dtype.hasobject is False:
        import numpy as np

        return [
            value.dtype.str,
            list(value.shape),
            sha256_hex(np.ascontiguousarray(value).tobytes()),
        ]
    if name in {"torch.Tensor", "torch.nn.parameter.Parameter"}:
        return [
            str(value.dtype),
            list(value.shape),
            sha256_hex(value.detach().cpu().contiguous().view(-1).numpy().tobytes()),
        ]
    if name == "pyarrow.lib.Table":
        from reprise.data.content import content_id

        return [content_id(value)]
    if name.startswith("tokenizers.") and hasattr(value, "to_str"):
        return [sha256_hex(value.to_str().encode())]
    return None


def _no_identity(path: list[str], why: str) -> InvalidInput:
    where = " -> ".join(path)
    return InvalidInput(
        f"The result of this step cannot be kept: {where} {why}, so nobody can tell later whether "
        "it is still the same.",
        hint='Pass key="…" (change it when the function changes), or cache=False.',
    )
