"""What the parts of the reader ask of each other."""

import ast
from collections.abc import Generator, Sequence
from typing import Protocol

from reprise.hub.manifest.tree import Tree
from reprise.hub.manifest.values import Frame, Function, Module, Value

# Running statements asks for modules that must be read first, and ends with True when control
# never gets past them: return, raise, break, continue.
Run = Generator[Module, None, bool]


class Engine(Protocol):
    """Reads modules statement by statement, following what is known and skipping what is not.

    Attributes:
        tree: The files of the repo.
        roots: Folders where top-level modules are looked for, in order.
        first_paths: The first entries of `sys.path` as the code sees them; None for unknown ones.
        flags: Flags for the manifest.
        loops: How many loops enclose the statement being read.
        depth: How many calls do.
        trying: How many try statements do.
        blind: A module was imported whose name is not known.
    """

    tree: Tree
    roots: list[str]
    first_paths: list[str | None]
    flags: set[str]
    loops: int
    depth: int
    trying: int
    blind: bool

    def evaluate(self, node: ast.expr, frame: Frame) -> Value:
        """Return what an expression stands for."""
        ...

    def call(
        self, function: Value, args: Sequence[Value], keywords: dict[str, Value], frame: Frame
    ) -> Value:
        """Return what a call gives, with its effects on known values."""
        ...

    def attribute(self, value: Value, name: str) -> Value:
        """Return `value.name`."""
        ...

    def run(self, body: Sequence[ast.stmt], frame: Frame) -> Run:
        """Read statements."""
        ...

    def finish(self, run: Run) -> bool:
        """Complete a run, reading the modules it asks for."""
        ...

    def body(self, function: Function) -> list[ast.stmt] | None:
        """Return a function's statements, None when they are not looked into."""
        ...

    def module(self, name: str) -> Module | None:
        """Return a module of the repo by its dotted name; it may not have been read yet."""
        ...

    def owns(self, name: str, members: Sequence[str] = ()) -> bool:
        """Tell whether importing `name`, or `members` from it, means the repo's files."""
        ...

    def load(self, name: str) -> Generator[Module, None, Module | None]:
        """As `module`, asking for it and the packages around it to be read first."""
        ...

    def afford(self, cost: int = 1) -> bool:
        """Spend some of the budget; False when it is used up."""
        ...

    def note(self, module: Module, line: int, message: str) -> None:
        """Add a problem to the manifest."""
        ...
