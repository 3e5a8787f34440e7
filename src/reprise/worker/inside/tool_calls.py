"""Calls of tools in what a model writes: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.

Models of Qwen's and Hermes' kinds write them so. A call is told when it is complete; what only
begins like one is held back until it is clear what it is, and what is none remains text.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from reprise.worker.inside.json_nodes import Node, fits

OPENING, CLOSING = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool.

    Attributes:
        name: Which tool.
        arguments: A JSON object, as text.
    """

    name: str
    arguments: str


class ToolCalls:
    """Parts what is written into text and calls, wherever it is cut. White space at calls goes.

    Args:
        names: Tools that may be called; what calls another one is text.
        strict: What the arguments of some have to be; what gives them others is text.
    """

    def __init__(self, names: Collection[str],
                 strict: Mapping[str, tuple[Node, ...]] | None = None) -> None:  # fmt: skip
        self._names, self._strict = frozenset(names), strict or {}
        self._held = ""  # what may be, or become, a call
        self._space = ""  # what stands before it
        self.any = False

    def push(self, text: str) -> tuple[str, list[ToolCall]]:
        """Take what was written; gives the text that can be shown, and calls that are complete."""
        self._held += text
        return self._part(last=False)

    def finish(self) -> tuple[str, list[ToolCall]]:
        """Give what was held back. The end of the answer also closes a call."""
        shown, calls = self._part(last=True)
        if not self.any:
            shown += self._space
        self._space = ""
        return shown, calls

    def _part(self, *, last: bool) -> tuple[str, list[ToolCall]]:
        shown, calls = "", []
        while self._held:
            at = self._held.find(OPENING)
            if at:  # text comes first, or nothing else
                cut = at if at > 0 else len(self._held) - (0 if last else self._beginning())
                shown += self._spaced(self._held[:cut])
                self._held = self._held[cut:]
                if at < 0:
                    break
            end, found = self._read(last=last)
            if not end:
                break
            if found is None:
                shown += self._spaced(self._held[:end])
            else:
                calls.append(found)
                self.any, self._space = True, ""
            self._held = self._held[end:]
        return shown, calls

    def _read(self, *, last: bool) -> tuple[int, ToolCall | None]:
        """Read what begins with an opening: where it ends (0: unknown yet), and which call it is.

        A closing within a text of the call is none of it.
        """
        begin, first = len(OPENING), 0
        end = self._held.find(CLOSING, begin)
        while end >= 0:
            first = first or end + len(CLOSING)
            if not _in_text(self._held[begin:end]):
                return end + len(CLOSING), self._call(self._held[begin:end])
            end = self._held.find(CLOSING, end + 1)
        if not last:
            return 0, None
        found = self._call(self._held[begin:])
        return (len(self._held), found) if found else (first or begin, None)

    def _call(self, text: str) -> ToolCall | None:
        try:
            given = json.loads(text, parse_constant=_refuse)
            name, arguments = given["name"], given["arguments"]
            if name not in self._names or not isinstance(arguments, dict):
                return None
            if name in self._strict and not fits(arguments, self._strict[name]):
                return None
            told = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
            told.encode()  # half a character is no text
        except (ValueError, LookupError, TypeError, RecursionError):
            return None
        return ToolCall(name, told)

    def _spaced(self, text: str) -> str:
        """Give text with the space before it; that behind it waits for what comes."""
        kept = text.rstrip()
        if not kept:
            self._space += text
            return ""
        shown, self._space = self._space + kept, text[len(kept) :]
        return shown

    def _beginning(self) -> int:
        """Count the characters at the end that may begin a call."""
        most = min(len(self._held), len(OPENING) - 1)
        return next((n for n in range(most, 0, -1) if OPENING.startswith(self._held[-n:])), 0)


def _in_text(json_text: str) -> bool:
    """Tell whether the end of JSON is inside of one of its texts."""
    inside = escaped = False
    for character in json_text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = inside
        elif character == '"':
            inside = not inside
    return inside


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
