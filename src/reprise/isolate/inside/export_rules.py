"""What the program of an exported model may say, so that reading it runs nothing but tensor maths.

torch.export keeps a graph as JSON, but its reader evaluates parts of it as Python: sizes are handed
to sympy, guards and names become source code, containers name classes to import. An artefact comes
from whoever made it; therefore every text in it has to be of a kind that is known to be harmless,
and whatever is not known is refused.
"""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 100
_LONGEST = 4000  # characters of one expression


class Refused(ValueError):
    """An exported program says something that ours never say."""


_IDENTIFIER = re.compile(r"(?:[A-Za-z_]\w*)?", re.ASCII)
_DOTTED = re.compile(r"[\w.]*", re.ASCII)
_PLAIN = re.compile(r"[\w .:,/+()\[\]<>=-]*")  # no quotes, braces, backslashes or line ends
_STACK = re.compile(r"[^'\"\\{}\n\r]*")

# Sizes: symbols, numbers, functions that torch's own reader offers to them, sympy's own words.
_SYMBOL = re.compile(r"(?:s|u|zuf|zf)\d+", re.ASCII)
_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    r"|'(?P<quoted>(?:s|u|zuf|zf)\d+|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)'"
    r"|(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/%(),<>&|~=]))",
    re.ASCII,
)
_SIZE_FUNCTIONS = frozenset(
    "FloorDiv ModularIndexing Where PythonMod Mod CleanDiv CeilToInt FloorToInt CeilDiv LShift "
    "RShift PowByNatural FloatPow FloatTrueDiv IntTrueDiv IsNonOverlappingAndDenseIndicator "
    "TruncToFloat TruncToInt RoundToInt RoundDecimal ToFloat Identity Max Min And Or Not Eq Ne Lt "
    "Le Gt Ge Abs floor ceiling true false True False oo int_oo Symbol Integer Float Rational Add "
    "Mul Pow Equality Unequality LessThan GreaterThan StrictLessThan StrictGreaterThan positive "
    "nonnegative negative nonzero integer real even precision".split()
)

# Operators: those of torch itself, the few of Python that compute with sizes, and branches.
_ATEN = re.compile(r"torch\.ops\.(?:aten|prims)\.([A-Za-z_]\w*)\.\w+", re.ASCII)
_FORBIDDEN_ATEN = frozenset({"from_file", "save", "_save"})  # touch files
_SCALAR = re.compile(
    r"_operator\.(?:add|sub|mul|floordiv|truediv|mod|neg|pos|abs|pow|eq|ne|lt|le|gt|ge|and_|or_"
    r"|xor|not_|invert|lshift|rshift|getitem|is_|is_not)"
    r"|math\.(?:ceil|floor|trunc|sqrt|pow|log2|log|exp|sin|cos)"
    r"|torch\.(?:sym_(?:max|min|int|float|not|ite|sum|sqrt|fresh_size)|_sym_\w+)",
    re.ASCII,
)
_BRANCHES = re.compile(
    r"torch\.ops\.higher_order\.(?:cond|while_loop|map_impl|scan|associative_scan"
    r"|wrap_with_set_grad_enabled|wrap_with_autocast)",
    re.ASCII,
)

# Guards: comparisons of the inputs' sizes and types, as Python.
_GUARD_NAMES = frozenset({"L", "math", "torch", "Max", "Min", "FloorDiv", "Mod", "PythonMod"})
_GUARD_ATTRIBUTES = re.compile(
    r"size|shape|ndim|dim|numel|dtype|stride|storage_offset|isnan|inf|trunc|floor|ceil"
    r"|sym_float|sym_int|sym_not|u?int\d+|b?float\d+|bool|complex\d+",
    re.ASCII,
)
_GUARD_NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp,
    ast.operator, ast.Compare, ast.cmpop, ast.Constant, ast.Name, ast.Load, ast.Subscript,
    ast.Index, ast.Attribute, ast.Call,
)  # fmt: skip

# Containers of inputs and outputs; others name a class that reading would import.
_CONTAINERS = frozenset(
    {"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict", None}
)


def clean_program(text: bytes) -> bytes:
    """Return a program that is harmless to read, without what nobody needs: stack traces, paths.

    Raises:
        Refused: It says something that is not known to be harmless.
    """
    try:
        program = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("its program is not JSON") from None
    if not isinstance(program, dict):
        raise Refused("its program is not an object")
    return json.dumps(_cleaned(program, "", 0)).encode()


def check_operator(target: object) -> None:
    """Raise `Refused` unless an operator belongs to torch and only computes."""
    text = target if isinstance(target, str) else ""
    aten = _ATEN.fullmatch(text)
    if aten is not None and aten[1] not in _FORBIDDEN_ATEN:
        return
    if not _SCALAR.fullmatch(text) and not _BRANCHES.fullmatch(text):
        raise Refused(f"it uses the operator {text[:100]!r}, which is not one of torch's own")


def check_size(text: object) -> None:
    """Raise `Refused` unless a text is arithmetic with sizes."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise Refused("a size is no expression")
    position = 0
    while text[position:].strip():
        token = _TOKEN.match(text, position)
        name = token["name"] if token else None
        if token is None or (name and not (name in _SIZE_FUNCTIONS or _SYMBOL.fullmatch(name))):
            raise Refused(f"{text[:100]!r} is no size")
        position = token.end()


def check_guard(text: object) -> None:
    """Raise `Refused` unless a text compares sizes and types of inputs."""
    if not isinstance(text, str) or len(text) > _LONGEST or re.search(r"[\\{}\n\r#;]", text):
        raise Refused("a guard is no comparison")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused(f"the guard {text[:100]!r} cannot be read") from None
    for node in ast.walk(tree):
        if not isinstance(node, _GUARD_NODES) or not _is_plain_guard(node):
            raise Refused(f"the guard {text[:100]!r} does more than compare")


def check_container(text: object) -> None:
    """Raise `Refused` unless a text describes nested tuples, lists and dictionaries."""
    try:
        value = json.loads(str(text))
        _check_tree(value[1], 0)
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        raise Refused("inputs or outputs are described wrongly") from None


def _check_tree(node: Any, depth: int) -> None:
    if node["type"] not in _CONTAINERS:
        raise Refused(f"inputs or outputs are of type {str(node['type'])[:100]}")
    if depth > MAX_DEPTH:
        raise Refused("inputs or outputs are nested too deeply")
    context = node["context"]
    keys = json.loads(context) if context is not None else None
    if not all(isinstance(key, (int, str)) and _PLAIN.fullmatch(str(key)) for key in keys or ()):
        raise Refused("a dictionary among inputs or outputs has strange keys")
    for child in node["children_spec"]:
        _check_tree(child, depth + 1)


def _is_plain_guard(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _GUARD_NAMES
    if isinstance(node, ast.Attribute):
        return _GUARD_ATTRIBUTES.fullmatch(node.attr) is not None
    if isinstance(node, ast.Constant):
        value = node.value
        plain = isinstance(value, (int, float)) or value is None
        return plain or (isinstance(value, str) and _PLAIN.fullmatch(value) is not None)
    if isinstance(node, ast.Call):
        return not node.keywords and isinstance(node.func, (ast.Attribute, ast.Name))
    return True


def _matches(pattern: re.Pattern[str], what: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Refused(f"{str(value)[:100]!r} is no {what}")

    return check


# Key -> what a text below it has to be. A text below any other key is refused.
_TEXTS: dict[str, Callable[[Any], None]] = {
    **dict.fromkeys(("name", "as_name"), _matches(_IDENTIFIER, "name")),
    **dict.fromkeys(
        ("parameter_name", "buffer_name", "tensor_constant_name", "fqn", "user_input_name"),
        _matches(_DOTTED, "name"),
    ),
    **dict.fromkeys(("as_string", "as_strings"), _matches(_PLAIN, "plain text")),
    "forward_arg_names": _matches(_IDENTIFIER, "name of an argument"),
    "target": check_operator,
    "as_operator": check_operator,
    "expr_str": check_size,
    "guards_code": check_guard,
    "in_spec": check_container,
    "out_spec": check_container,
    "type": _matches(re.compile("[a-z]+"), "device"),
    "nn_module_stack": _matches(_STACK, "place in a module"),
    "torch_version": _matches(_PLAIN, "version"),
    "verifiers": _matches(_IDENTIFIER, "verifier"),
}
_NAMED_VALUES = frozenset(
    {"tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values"}
)
_EMPTY = frozenset({"custom_obj_values", "treespec_namedtuple_fields"})
_OTHER_OBJECTS = frozenset({"as_custom_obj", "custom_obj", "class_fqn"})


def _cleaned(value: Any, key: str, depth: int) -> Any:
    """Return a part of a program, checked; `key` is what it was found under."""
    if depth > MAX_DEPTH:
        raise Refused("it is nested too deeply")
    if isinstance(value, str):
        check = _TEXTS.get(key)
        if check is None:
            raise Refused(f"it has a text where none belongs: {key[:100]!r}")
        check(value)
        return value
    if isinstance(value, list):
        return [_cleaned(item, key, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if key in _EMPTY and value:
        raise Refused(f"it keeps objects of other kinds than tensors: {key}")
    if key == "metadata":
        value = {name: text for name, text in value.items() if name == "nn_module_stack"}
    return {
        _key(name, key): _cleaned(item, "" if key in _NAMED_VALUES else name, depth + 1)
        for name, item in value.items()
    }


def _key(name: str, parent: str) -> str:
    if name in _OTHER_OBJECTS:
        raise Refused("it keeps objects of other kinds than tensors")
    if parent == "range_constraints":
        check_size(name)
    elif not _DOTTED.fullmatch(name):
        raise Refused(f"{name[:100]!r} is no name")
    return name
