"""Tools that a chat offers, and which of them the model has to call."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidField
from reprise.worker.inside.fields import Fields, kind_of
from reprise.worker.inside.json_nodes import Node
from reprise.worker.inside.json_schema import read_schema
from reprise.worker.inside.json_shape import JsonShape
from reprise.worker.inside.tool_calls import CLOSING, OPENING, ToolCalls

_MOST = 128
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CHOICES = ("none", "auto", "required")


@dataclass(frozen=True)
class Tools:
    """Tools that a chat offers.

    Attributes:
        shown: As the model's template gets them.
        names: Those that may be called.
        forced: Whether one of them has to be.
        several: Whether an answer may hold more than one call.
        strict: What the arguments of strict tools have to be, by name.
    """

    shown: tuple[Mapping[str, Any], ...]
    names: tuple[str, ...]
    forced: bool
    several: bool
    strict: Mapping[str, tuple[Node, ...]]

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts that end an answer with them; a forced call ends by itself."""
        return () if self.several or self.forced else (CLOSING,)

    @property
    def shape(self) -> JsonShape | None:
        """What an answer has to be, so that it is a call."""
        if not self.forced:
            return None
        begun = tuple(f'{OPENING}\n{{"name": {json.dumps(name)}, "arguments": '
                      for name in self.names)  # fmt: skip
        ending = f"}}\n{CLOSING}"
        strict = self.strict.get(self.names[0])
        return JsonShape(begun, ending, strict) if strict else JsonShape(begun, ending)

    def parser(self) -> ToolCalls:
        """Make what finds calls in an answer."""
        return ToolCalls(self.names, self.strict)


def read_tools(fields: Fields) -> Tools | None:
    """Read `tools`, `tool_choice` and `parallel_tool_calls`; None: the model is offered nothing.

    Raises:
        InvalidField: Naming the field that cannot be.
    """
    shown = _tools(fields)
    names = tuple(str(one["function"]["name"]) for one in shown)
    if len(set(names)) < len(names):
        raise InvalidField("tools has two tools of one name.", field="tools")
    choice = _choice(fields, names)
    several = fields.flag("parallel_tool_calls", default=True)
    if not shown or choice == "none":
        return None
    forced = choice not in {"auto", "none"}
    called = (choice.partition(":")[2],) if choice.startswith("function:") else names
    strict = {}
    for number, (name, tool) in enumerate(zip(names, fields.raw("tools"), strict=True)):
        nodes = _strict(Fields(tool["function"], f"tools.{number}.function"))
        if nodes:
            strict[name] = nodes
    if forced and len(called) > 1 and strict:
        raise fields.wrong("tool_choice", "the name of one, where tools are strict")
    return Tools(shown, called, forced=forced, several=several, strict=strict)


def _tools(fields: Fields) -> tuple[Mapping[str, Any], ...]:
    given = fields.raw("tools") or []
    if not isinstance(given, list) or len(given) > _MOST:
        raise fields.wrong("tools", f"a list of up to {_MOST} tools")
    return tuple(_tool(one, f"tools.{number}") for number, one in enumerate(given))


def _tool(given: Any, path: str) -> Mapping[str, Any]:
    tool = Fields(given, path)
    if tool.raw("type") != "function":
        raise tool.wrong("type", '"function": there are no tools of other kinds')
    function = tool.object("function")
    name = function.text("name")
    if name is None or not _NAME.fullmatch(name):
        raise function.wrong("name", "1 to 64 letters, digits, _, - and .")
    function.text("description")
    if "parameters" in function:
        function.object("parameters")
    function.flag("strict")
    return {"type": "function", "function": {
        key: value for key, value in tool.raw("function").items()
        if key != "strict" and value is not None}}  # fmt: skip


def _strict(function: Fields) -> tuple[Node, ...] | None:
    """Read what the arguments of a strict tool have to be."""
    if not function.flag("strict"):
        return None
    given = function.need("parameters", function.raw("parameters"), "a JSON schema")
    return read_schema(given, function.at("parameters"))


def _choice(fields: Fields, names: tuple[str, ...]) -> str:
    """Read `tool_choice`: `none`, `auto`, `required` or `function:NAME`."""
    given = fields.raw("tool_choice")
    if isinstance(given, Mapping):
        named = fields.object("tool_choice")
        if named.raw("type") not in {None, "function"} or "function" not in named:
            raise named.wrong("type", '"function", with the name of one')
        name = named.object("function").text("name")
        if name not in names:
            raise named.object("function").wrong("name", f"one of tools: {', '.join(names)}")
        return f"function:{name}"
    if given is not None and given not in _CHOICES:
        raise fields.wrong("tool_choice", f"one of {', '.join(_CHOICES)}, or a function")
    if given == "required" and not names:
        raise fields.wrong("tool_choice", "absent where there are no tools")
    return str(given or "auto")


def read_calls(fields: Fields) -> list[dict[str, Any]]:
    """Read `tool_calls` of a message, as templates take them: with arguments as an object."""
    given = fields.raw("tool_calls")
    if not isinstance(given, list) or len(given) > _MOST:
        raise fields.wrong("tool_calls", f"a list of up to {_MOST} calls")
    return [_call(one, f"{fields.at('tool_calls')}.{number}") for number, one in enumerate(given)]


def _call(given: Any, path: str) -> dict[str, Any]:
    call = Fields(given, path)
    if call.raw("type") not in {None, "function"}:
        raise call.wrong("type", '"function"')
    function = call.object("function")
    name = function.need("name", function.text("name"), "the name of a function")
    arguments = function.raw("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            raise function.wrong("arguments", "a JSON object as text") from None
    if not isinstance(arguments, dict):
        raise InvalidField(f"{function.at('arguments')} must be a JSON object as text; it is "
                           f"{kind_of(arguments)}.", field=function.at("arguments"))  # fmt: skip
    called = {"name": name, "arguments": arguments}
    return {"id": call.text("id"), "type": "function", "function": called}
