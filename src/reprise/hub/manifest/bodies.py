"""Bodies of functions, parsed again when somebody looks into one."""

import ast

from reprise.hub.manifest.scan import FunctionNode
from reprise.hub.manifest.sources import Unreadable, parse

# Longer functions build models; what registers names is short.
_MAX_LINES = 120


def body_of(node: FunctionNode, lines: list[str]) -> list[ast.stmt] | None:
    """Return the statements of a function whose body was dropped.

    Args:
        node: The function, from a tree that `scan` walked.
        lines: The file it stands in.

    Returns:
        None when the function is too long to be looked into.
    """
    end = node.end_lineno or node.lineno
    if end - node.lineno >= _MAX_LINES:
        return None
    text = "\n".join(lines[node.lineno - 1 : end])
    # An indented function needs something to be indented under.
    text = f"if 1:\n{text}" if node.col_offset else text
    try:
        statement = parse(text).body[0]
    except Unreadable:
        return None
    if isinstance(statement, ast.If):
        statement = statement.body[0]
    if not isinstance(statement, FunctionNode):
        return None
    ast.increment_lineno(statement, node.lineno - (2 if node.col_offset else 1))
    return statement.body
