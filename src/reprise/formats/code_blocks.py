"""Blocks of Python in a card, with the lines they stand on."""

import re
import textwrap
from dataclasses import dataclass

_OPEN = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*(\w*)(.*)")
_PYTHON = {"python", "py", "python3", "pycon"}
SKIPPED = "no-check"  # after the language: this block is not run
MAX_TEXT = 200_000  # characters of a card that are looked at


@dataclass(frozen=True)
class Block:
    """One block.

    Attributes:
        code: Without indentation that all lines share.
        line: Of the fence before it, counted from 1; its first line of code is the next one.
        skipped: Its author says not to run it.
    """

    code: str
    line: int
    skipped: bool = False


def python_blocks(text: str) -> list[Block]:
    """List the blocks of Python in a Markdown text, in their order."""
    found: list[Block] = []
    fence, start, skipped, lines = "", 0, False, list[str]()
    for number, line in enumerate(text[:MAX_TEXT].splitlines(), 1):
        match = _OPEN.match(line)
        if not fence and match:
            fence, start, lines = match[1], number, []
            is_python = match[2].lower() in _PYTHON
            skipped = SKIPPED in match[3].split()
        elif fence and match and not match[2] and match[1].startswith(fence):
            if is_python and any(map(str.strip, lines)):
                found.append(Block(textwrap.dedent("\n".join(lines)) + "\n", start, skipped))
            fence = ""
        elif fence:
            lines.append(line)
    return found
