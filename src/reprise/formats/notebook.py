"""A card's Markdown as a Jupyter notebook: the same bytes for the same text."""

import hashlib
import json
import re
from typing import Any

_OPEN = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*(\w*)")
_PYTHON = {"python", "py"}
MAX_TEXT = 1_000_000  # characters; the rest of a longer text is left out


def from_markdown(text: str) -> bytes:
    r"""Turn Markdown into a notebook: Python blocks become code cells, the rest text.

    Args:
        text: Markdown without metadata.

    Returns:
        nbformat 4.5 as JSON in UTF-8, without outputs.

    Example:
        >>> [c["cell_type"] for c in json.loads(from_markdown("# A\n```py\n1\n```\n"))["cells"]]
        ['markdown', 'code']
    """
    cells = [_cell(kind, body, at) for at, (kind, body) in enumerate(_split(text[:MAX_TEXT]))]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    encoded = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return encoded.encode("utf-8", "replace")


def _split(text: str) -> list[tuple[str, str]]:
    """Cut a text into (kind of cell, its source), empty ones left out."""
    found: list[tuple[str, str]] = []
    lines: list[str] = []
    fence, is_code = "", False
    for line in text.splitlines(keepends=True):
        match = _OPEN.match(line)
        if not fence and match:
            fence, is_code = match[1], match[2].lower() in _PYTHON
            if is_code:
                found.append(("markdown", "".join(lines)))
                lines = []
                continue
        elif fence and line.strip() == fence[0] * len(line.strip()) and match:
            closes = len(match[1]) >= len(fence)
            fence = "" if closes else fence
            if closes and is_code:
                found.append(("code", "".join(lines)))
                lines, is_code = [], False
                continue
        lines.append(line)
    found.append(("code" if is_code else "markdown", "".join(lines)))
    return [(kind, body.strip("\n")) for kind, body in found if body.strip()]


def _cell(kind: str, body: str, position: int) -> dict[str, Any]:
    identity = hashlib.sha256(f"{position}\0{body}".encode("utf-8", "replace")).hexdigest()[:8]
    cell: dict[str, Any] = {
        "cell_type": kind,
        "id": identity,
        "metadata": {},
        "source": body.splitlines(keepends=True),
    }
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return cell
