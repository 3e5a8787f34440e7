"""The reader: modules, a budget, and the parts that read statements and expressions."""

import ast
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reprise.hub.manifest.attributes import get_attribute
from reprise.hub.manifest.bodies import body_of
from reprise.hub.manifest.calls import call
from reprise.hub.manifest.distributions import is_library
from reprise.hub.manifest.engine import Run
from reprise.hub.manifest.evaluate import evaluate
from reprise.hub.manifest.execute import run
from reprise.hub.manifest.records import Problem
from reprise.hub.manifest.scan import Scan, scan
from reprise.hub.manifest.sources import Unreadable, parse, read_text
from reprise.hub.manifest.tree import Tree
from reprise.hub.manifest.values import Frame, Function, Module, Value

# Statements, loop turns and collection items looked at beyond one pass over the source.
_BUDGET = 400_000
_EXHAUSTED = "the code does more while it is imported than is followed; names may be missing"
_MAX_FILES = 4_000
_MAX_BYTES = 32 * 1024 * 1024
_MAX_PROBLEMS = 200
_MAX_PARTS = 40  # of a dotted name
# Whoever loads a repo has these in memory already, so a folder of that name is never taken.
_NEVER_OWN = frozenset({"torch", "numpy", "builtins", "sys"})


@dataclass
class Machine:
    """See `Engine` for the meaning of the public attributes and methods."""

    tree: Tree
    roots: list[str]
    first_paths: list[str | None]
    flags: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    loops: int = 0
    depth: int = 0
    trying: int = 0
    blind: bool = False
    scans: dict[str, Scan | None] = field(default_factory=dict)
    _modules: dict[str, Module] = field(default_factory=dict)
    _bodies: dict[int, list[ast.stmt] | None] = field(default_factory=dict)
    _bytes: int = 0
    _spent: int = 0
    _exhausted: bool = False

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """Return what an expression stands for."""
        return evaluate(self, node, frame)

    def call(
        self, function: Value, args: Sequence[Value], keywords: dict[str, Value], frame: Frame
    ) -> Value:
        """Return what a call gives."""
        return call(self, function, args, keywords, frame)

    def attribute(self, value: Value, name: str) -> Value:
        """Return `value.name`."""
        return get_attribute(value, name)

    def run(self, body: Sequence[ast.stmt], frame: Frame) -> Run:
        """Read statements."""
        return run(self, body, frame)

    def finish(self, run: Run) -> bool:
        """Complete a run, reading the modules it asks for.

        Modules that import each other make a chain as long as the author likes; it is kept in a
        list instead of on the interpreter's stack.
        """
        stack: list[tuple[Run, Module | None]] = [(run, None)]
        result = False
        while stack:
            current, module = stack[-1]
            try:
                wanted = next(current)
            except StopIteration as end:
                result = bool(end.value)
                stack.pop()
                if module is not None:
                    module.state = "done"
                continue
            if wanted.state == "new" and wanted.scan is not None:
                wanted.state = "running"
                stack.append((self.run(wanted.scan.tree.body, wanted.frame), wanted))
        return result

    def body(self, function: Function) -> list[ast.stmt] | None:
        """Return a function's statements, None when they are not looked into."""
        if isinstance(function.node, ast.Lambda):
            return []
        if function.node.body:
            return function.node.body
        known = id(function.node)
        if known not in self._bodies:
            lines = function.module.scan.lines if function.module.scan else []
            self._bodies[known] = body_of(function.node, lines)
        return self._bodies[known]

    def module(self, name: str) -> Module | None:
        """Return a module of the repo by its dotted name; it may not have been read yet."""
        if name in self._modules:
            return self._modules[name]
        head, _, tail = name.rpartition(".")
        if not head and tail in _NEVER_OWN:
            return None
        parent = self.module(head) if head else None
        if (head and parent is None) or name.count(".") >= _MAX_PARTS:
            return None
        folders = parent.folders if parent is not None else tuple(self.roots)
        found = self.tree.find(tail, folders)
        if found is None:
            return None
        file = self.tree.relative(found.path) if found.path else ""
        source = self.scan(found.path) if found.path else None
        module = Module(name, file, found.path, found.folders, source)
        module.state = "new" if source is not None else "done"
        module.open = source is None and not found.folders
        self._modules[name] = module
        return module

    def owns(self, name: str, members: Sequence[str] = ()) -> bool:
        """Tell whether importing `name`, or `members` from it, means the repo's files.

        A folder without `__init__.py` that is named like a library (`triton`, `onnx`) holds tools
        for it more often than code to import: it counts only where it has what is asked for.
        """
        top = self.module(name.partition(".")[0])
        if top is None or top.scan is not None or top.open or not is_library(top.name):
            return top is not None
        if "." in name:
            return self.module(name) is not None
        return any(self.module(f"{name}.{member}") is not None for member in members)

    def load(self, name: str) -> Generator[Module, None, Module | None]:
        """Return a module by its dotted name after it and the packages around it were read."""
        parts = name.split(".")
        outer: Module | None = None
        for count in range(1, len(parts) + 1):
            module = self.module(".".join(parts[:count]))
            if module is None:
                return None
            if module.state == "new":
                yield module
            if outer is not None:
                outer.names.setdefault(parts[count - 1], module)
            outer = module
        return outer

    def scan(self, path: str) -> Scan | None:
        """Read and scan a file once; None and a problem when it cannot be read."""
        if path in self.scans:
            return self.scans[path]
        self.scans[path] = None
        try:
            self.scans[path] = self._scan(path)
        except Unreadable as error:
            self._report(Problem(self.tree.relative(path), error.line, error.message))
        return self.scans[path]

    def _scan(self, path: str) -> Scan:
        if len(self.scans) > _MAX_FILES or self._bytes > _MAX_BYTES:
            raise Unreadable("not read: the repo is over the limit for one manifest")
        text = read_text(Path(path))
        self._bytes += len(text)
        return scan(parse(text), text)

    def afford(self, cost: int = 1) -> bool:
        """Spend some of the budget; False when it is used up."""
        self._spent += cost
        if self._spent <= _BUDGET:
            return True
        if not self._exhausted:
            self._exhausted = True
            self._report(Problem("hubconf.py", 0, _EXHAUSTED))
        return False

    def note(self, module: Module, line: int, message: str) -> None:
        """Add a problem to the manifest."""
        self._report(Problem(module.file, line, message))

    def _report(self, problem: Problem) -> None:
        self.flags.add("incomplete")
        if len(self.problems) < _MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)
