"""Read a manifest from a folder."""

import ast
from pathlib import Path

from reprise.hub.manifest.records import EntryPoint, Manifest, Problem


def read_manifest(folder: Path) -> Manifest:
    """Describe a hubconf repo from its source alone; nothing of it is executed."""
    path = folder / "hubconf.py"
    try:
        tree = ast.parse(path.read_bytes())
    except FileNotFoundError:
        problem = Problem("hubconf.py", 0, "The repo has no hubconf.py.")
        return Manifest(flags=("no-hubconf",), problems=(problem,))
    entries = [
        EntryPoint(
            name=node.name,
            kind="function" if isinstance(node, ast.FunctionDef) else "class",
            signature=f"({ast.unparse(node.args)})" if isinstance(node, ast.FunctionDef) else None,
            doc=ast.get_docstring(node, clean=False),
            file="hubconf.py",
            line=node.lineno,
            decorators=tuple(ast.unparse(item) for item in node.decorator_list),
            certainty="static",
            own=True,
        )
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    return Manifest(entry_points=tuple(sorted(entries, key=lambda entry: entry.name)))
