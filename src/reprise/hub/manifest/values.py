"""What names can stand for while source is read without running it.

Texts, numbers, True, False, None and `...` stand for themselves. Everything else is one of the
classes here; none of them ever holds an object of the code that is being read.
"""

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reprise.hub.manifest.scan import Scan

# A value is a constant or an instance of a class of this module.
Value = Any


@dataclass(frozen=True)
class Unknown:
    """Something only running the code would tell."""

    callable: bool  # whether it might be callable


MAYBE = Unknown(callable=True)
DATA = Unknown(callable=False)
MISSING = Unknown(callable=False)  # compared by identity: no value at all


@dataclass(frozen=True)
class External:
    """A name of another distribution or of the standard library: `torch.nn.Module`."""

    dotted: str
    is_module: bool = False  # an import statement says so


@dataclass(frozen=True)
class Made:
    """What calling something external gave."""

    by: str


@dataclass(eq=False, slots=True)
class Items:
    """A list, tuple, set or iterator, as far as known."""

    values: list[Value]
    kind: str = "list"
    open: bool = False  # more values may be in it


@dataclass(eq=False, slots=True)
class Table:
    """A dict, as far as known."""

    values: dict[Value, Value] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class FilePath:
    """A `pathlib.Path`."""

    text: str


@dataclass(eq=False, slots=True)
class Function:
    """A function or lambda of the source."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    module: "Module"
    outer: "Frame | None"  # the enclosing function's frame
    doc: str | None = None
    bound: tuple[Value, ...] = ()  # leading arguments that are filled already
    role: str = ""  # staticmethod, classmethod, property
    wraps: "Value | None" = None  # by functools.wraps
    shows: "Function | None" = None  # the decorated function this one stands for
    attributes: dict[str, Value] = field(default_factory=dict)
    defaults: dict[int, Value] = field(default_factory=dict)  # id of the default's node -> value


@dataclass(eq=False, slots=True)
class Class:
    """A class of the source."""

    name: str
    node: ast.ClassDef
    module: "Module"
    bases: tuple[Value, ...]
    doc: str | None
    attributes: dict[str, Value]
    decorators: tuple[Value, ...] = ()


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class of the source."""

    of: Class
    attributes: dict[str, Value] = field(default_factory=dict)
    table: Table | None = None  # its items, where the class is a kind of dict


@dataclass(eq=False, slots=True)
class Partial:
    """A `functools.partial`."""

    of: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a built-in value: `"…".join`, `table.update`."""

    of: Value
    name: str


@dataclass(frozen=True, eq=False)
class Namespace:
    """`globals()`, `vars(module)`, `module.__dict__`."""

    of: "Module"


@dataclass(frozen=True)
class Late:
    """A name of a module that was still being read when somebody imported it."""

    module: "Module"
    name: str


@dataclass(eq=False, slots=True)
class Module:
    """A module of the repo; a folder without `__init__.py` is one without source."""

    name: str
    file: str  # relative to the folder, empty for a namespace folder
    path: str  # absolute
    folders: tuple[str, ...]  # where submodules are looked for, empty for a plain module
    scan: "Scan | None"
    frame: "Frame" = field(init=False)
    state: str = "new"  # new, running, done
    open: bool = False  # more names may be in it
    computed: bool = False  # names were put into it by key: globals()[…]
    uncertain: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.frame = Frame(self, {})
        package = self.name if self.folders else self.name.rpartition(".")[0]
        self.names.update(__name__=self.name, __file__=self.path, __package__=package)
        if self.folders:
            self.names["__path__"] = Items(list(self.folders))

    @property
    def names(self) -> dict[str, Value]:
        """The module's globals."""
        return self.frame.names


@dataclass(eq=False, slots=True)
class Frame:
    """One scope while its statements are read."""

    module: Module
    names: dict[str, Value]
    outer: "Frame | None" = None
    is_class: bool = False
    results: list[Value] = field(default_factory=list)  # what return statements gave
    globals: set[str] = field(default_factory=set)
    # Inside a branch that may or may not run: name -> (value before, value now).
    journal: dict[str, tuple[Value, Value]] | None = None

    def bind(self, name: str, value: Value, *, certain: bool = True) -> None:
        """Let a name stand for a value from here on."""
        if name in self.globals and self is not self.module.frame:
            self.module.frame.bind(name, value, certain=certain)
            return
        before = self.names.get(name, MISSING)
        if self.journal is not None:
            first = self.journal.get(name)
            self.journal[name] = (first[0] if first else before, value)
        self.names[name] = value
        if self is self.module.frame:
            change = self.module.uncertain.discard if certain else self.module.uncertain.add
            change(name)

    def lookup(self, name: str) -> Value:
        """Return what a name stands for, or MISSING."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.outer
        return self.module.names.get(name, MISSING)


CONSTANTS = (str, int, float, complex, bytes, bool, type(None), type(...))


def is_constant(value: Value) -> bool:
    """Tell whether a value stands for itself."""
    return isinstance(value, CONSTANTS)


def is_callable(value: Value) -> bool | None:
    """Tell whether a value can be called; None when that cannot be known."""
    if isinstance(value, Function | Class | Partial | Method):
        return True
    if isinstance(value, Unknown):
        return None if value.callable else False
    if isinstance(value, External | Made | Instance | Late):
        return None
    return False


def truth(value: Value) -> bool | None:
    """Return what `bool(value)` would, None when that cannot be known."""
    if is_constant(value):
        return bool(value)
    if isinstance(value, Items | Table):
        return True if value.values else None if value.open else False
    if isinstance(value, Function | Class | Module | Partial | FilePath):
        return True
    return None


def settle(value: Value) -> Value:
    """Return what a late name stands for by now.

    MAYBE while that is still unknown, DATA when modules only pass it around.
    """
    for _ in range(_MAX_HOPS):
        if not isinstance(value, Late):
            return value
        value = value.module.names.get(value.name, MAYBE)
    return DATA


_MAX_HOPS = 50  # modules that import a name from each other in a circle
