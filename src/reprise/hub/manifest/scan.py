"""One pass over a parsed file: its imports at every depth, its addresses, its telling calls.

The bodies of functions are dropped on the way. They make up most of a syntax tree, and the few
that are looked into later are parsed again from the text (see `bodies`).
"""

import ast
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
# Endings of the files that hold weights, and of the archives they come in.
WEIGHT_ENDINGS = tuple(
    ".pt .pth .pth.tar .th .t7 .pkl .pickle .bin .ckpt .safetensors .onnx .jit .torchscript .h5 "
    ".hdf5 .npy .npz .msgpack .gguf .tar .tar.gz .tgz .zip .caffemodel .model .mdl .pdparams "
    ".weights".split()
)
# Calls that fetch a file, by the last part of their name.
DOWNLOADS = frozenset(
    "load_state_dict_from_url load_url download_url_to_file urlretrieve urlopen download_url "
    "cached_download hf_hub_url cached_path load_file_from_url".split()
)
# Calls worth remembering.
_TELLING = DOWNLOADS | frozenset("exec eval compile load system Popen run check_call".split())
# Fields that hold texts, numbers, operators or types.
_PLAIN_FIELDS = frozenset(
    "annotation arg asname attr cls conversion ctx id is_async kind kwd_attrs kwd_rest level "
    "module name op ops rest returns simple tag type_comment type_ignores".split()
)

# The fields of every kind of node that hold nodes worth a visit.
_FIELDS = {
    kind: tuple(name for name in kind._fields if name not in _PLAIN_FIELDS)
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


@dataclass(frozen=True)
class Import:
    """One imported module, or the names taken from one.

    Attributes:
        module: Dotted name as written, without leading dots.
        level: Number of leading dots.
        names: What `from … import` takes; empty for a plain import.
        line: From 1.
        optional: Inside a try, an if or a function.
    """

    module: str
    level: int
    names: tuple[str, ...]
    line: int
    optional: bool


@dataclass
class Scan:
    """What one pass found.

    Attributes:
        tree: The statements; functions without their bodies.
        lines: The source, split at line ends.
        docs: Docstrings of the functions.
        imports: By line.
        urls: Literal `scheme://…` texts.
        joined_urls: Expressions that end like a file of weights and are put together from parts.
        calls: Telling calls whose function is a plain or dotted name: `torch.hub.load`.
        named_urls: Variable -> literal addresses that are assigned to it somewhere.
        path_edits: Arguments of `sys.path.append` and its like inside functions.
    """

    tree: ast.Module
    lines: list[str]
    docs: dict[ast.AST, str | None] = field(default_factory=dict)
    imports: list[Import] = field(default_factory=list)
    urls: list[tuple[str, ast.Constant]] = field(default_factory=list)
    joined_urls: list[ast.expr] = field(default_factory=list)
    calls: list[tuple[str, ast.Call]] = field(default_factory=list)
    named_urls: dict[str, list[ast.Constant]] = field(default_factory=dict)
    path_edits: list[ast.expr] = field(default_factory=list)


def scan(tree: ast.Module, text: str) -> Scan:
    """Walk the tree once and drop the functions' bodies."""
    found = Scan(tree, text.split("\n"))
    # The state of a node is 2 inside a function, 1 inside another branch, 0 elsewhere.
    pending: list[tuple[ast.AST, int]] = [(tree, 0)]
    while pending:
        node, state = pending.pop()
        visit = _VISITS.get(type(node))
        if visit is not None:
            state = visit(node, state, found)
            if state < 0:
                continue
        for name in _FIELDS[type(node)]:
            child = getattr(node, name)
            if type(child) is list:
                pending.extend([(item, state) for item in child if isinstance(item, ast.AST)])
            elif child is not None:
                pending.append((child, state))
    for function in found.docs:
        function.body = []  # type: ignore[attr-defined]
    found.imports.sort(key=lambda item: item.line)
    return found


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a dotted name in the source, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def never_runs(test: ast.expr) -> bool:
    """Tell whether a condition is false on import: `TYPE_CHECKING`, `__name__ == "__main__"`."""
    if dotted(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
        return True
    if not isinstance(test, ast.Compare) or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = [test.left, *test.comparators]
    return any(dotted(side) == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


# A visit returns the state for the node's children, or -1 to skip them.


def _visit_function(node: ast.AST, _state: int, found: Scan) -> int:
    if isinstance(node, FunctionNode):
        found.docs[node] = ast.get_docstring(node, clean=False)
    return 2


def _visit_branch(_node: ast.AST, state: int, _found: Scan) -> int:
    return max(state, 1)


def _visit_if(node: ast.AST, state: int, _found: Scan) -> int:
    if isinstance(node, ast.If) and never_runs(node.test):
        node.body = [ast.Pass()]
    return max(state, 1)


def _visit_expression(node: ast.AST, state: int, _found: Scan) -> int:
    # A text alone is a docstring or a comment.
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return -1 if is_text else state


def _visit_import(node: ast.AST, state: int, found: Scan) -> int:
    optional = state > 0
    if isinstance(node, ast.Import):
        for alias in node.names:
            found.imports.append(Import(alias.name, 0, (), node.lineno, optional))
    elif isinstance(node, ast.ImportFrom):
        names = tuple(alias.name for alias in node.names)
        found.imports.append(Import(node.module or "", node.level, names, node.lineno, optional))
    return -1


def _visit_constant(node: ast.AST, _state: int, found: Scan) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and "://" in node.value:
        found.urls.append((node.value, node))
    return -1


def _visit_assign(node: ast.AST, state: int, found: Scan) -> int:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        target, text = node.targets[0], node.value.value
        if isinstance(target, ast.Name) and isinstance(text, str) and "://" in text:
            found.named_urls.setdefault(target.id, []).append(node.value)
    return state


def _visit_sum(node: ast.AST, state: int, found: Scan) -> int:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _ends(node.right):
        found.joined_urls.append(node)
    return state


def _visit_joined(node: ast.AST, state: int, found: Scan) -> int:
    if isinstance(node, ast.JoinedStr) and _ends(node):
        found.joined_urls.append(node)
    return state


def _ends(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[-1]
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and text.endswith(WEIGHT_ENDINGS)


def _visit_call(node: ast.AST, state: int, found: Scan) -> int:
    if not isinstance(node, ast.Call):
        return state
    function = node.func
    last = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if last in _TELLING:
        found.calls.append((dotted(function), node))
    elif last in {"import_module", "__import__"}:
        _note_import(node, found)
    elif state > 1 and last in {"append", "insert"} and dotted(function).startswith("sys.path."):
        found.path_edits.extend(node.args[-1:])
    return state


def _note_import(node: ast.Call, found: Scan) -> None:
    name = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    if isinstance(name, str) and name and not name.startswith("."):
        found.imports.append(Import(name, 0, (), node.lineno, optional=True))


_VISITS = {
    ast.FunctionDef: _visit_function,
    ast.AsyncFunctionDef: _visit_function,
    ast.Lambda: _visit_function,
    ast.If: _visit_if,
    ast.Try: _visit_branch,
    ast.TryStar: _visit_branch,
    ast.Expr: _visit_expression,
    ast.Import: _visit_import,
    ast.ImportFrom: _visit_import,
    ast.Assign: _visit_assign,
    ast.Constant: _visit_constant,
    ast.MatchSingleton: _visit_constant,
    ast.BinOp: _visit_sum,
    ast.JoinedStr: _visit_joined,
    ast.Call: _visit_call,
}
