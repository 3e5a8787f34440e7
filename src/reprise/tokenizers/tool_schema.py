"""Documented Python functions as the JSON schemas that chat templates show to models."""

import inspect
import re
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from reprise.base.errors import InvalidInput

_NAMES = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}
_CHOICES = re.compile(r"\(choices:\s*(.*?)\)\s*$", re.IGNORECASE | re.DOTALL)
_ARGUMENT = re.compile(r"^(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Example|Examples|Note|Notes):\s*$")


def tool_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the schema of a function, from its type hints and its docstring in Google's style.

    Raises:
        InvalidInput: The docstring, the description of an argument or a type hint is missing.
    """
    name = getattr(function, "__name__", repr(function))
    documentation = inspect.getdoc(function)
    if not documentation:
        raise InvalidInput(f"{name} has no docstring to make a tool's description from.")
    sections = _sections(documentation)
    described = _arguments(sections.get("Args") or sections.get("Arguments") or [])
    schema: dict[str, Any] = {
        "name": name,
        "description": " ".join(" ".join(sections[""]).split()),
        "parameters": _parameters(function, name, described),
    }
    hints = get_type_hints(function)
    if "return" in hints:
        schema["return"] = _type(hints["return"])
        if "Returns" in sections:
            text = " ".join(sections["Returns"]).strip()
            schema["return"]["description"] = re.sub(r"^[\w\[\], |.]+:\s+", "", text)
    return {"type": "function", "function": schema}


def _parameters(
    function: Callable[..., Any], name: str, described: Mapping[str, str]
) -> dict[str, Any]:
    hints = get_type_hints(function)
    properties: dict[str, Any] = {}
    required = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise InvalidInput(f"Argument {parameter.name} of {name} has no type hint.")
        if parameter.name not in described:
            raise InvalidInput(f"The docstring of {name} does not describe {parameter.name}.")
        schema, text = _type(hints[parameter.name]), described[parameter.name]
        if choices := _CHOICES.search(text):
            schema["enum"] = [each.strip(" []'\"") for each in choices.group(1).split(",")]
            text = text[: choices.start()].strip()
        properties[parameter.name] = {**schema, "description": text}
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": required} if required else found


def _type(hint: Any) -> dict[str, Any]:
    if hint in _NAMES:
        return {"type": _NAMES[hint]}
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Literal:
        kinds = {type(value) for value in inside}
        return {"type": _NAMES.get(next(iter(kinds)), "string"), "enum": list(inside)}
    if origin in {Union, types.UnionType}:
        return _union([each for each in inside if each is not type(None)], inside)
    if hint is list or origin in {list, tuple, set}:
        return {"type": "array", **({"items": _type(inside[0])} if inside else {})}
    if hint is dict or origin is dict:
        return {
            "type": "object",
            **({"additionalProperties": _type(inside[1])} if inside else {}),
        }
    return {}


def _union(kinds: list[Any], whole: tuple[Any, ...]) -> dict[str, Any]:
    schemas = [_type(kind) for kind in kinds]
    if len(schemas) == 1:
        found = schemas[0]
    elif all(set(schema) == {"type"} for schema in schemas):
        found = {"type": sorted(schema["type"] for schema in schemas)}
    else:
        found = {"anyOf": schemas}
    return {**found, "nullable": True} if type(None) in whole else found


def _sections(documentation: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"": []}
    name = ""
    for line in documentation.splitlines():
        if match := _SECTION.match(line):
            name = match.group(1)
            found[name] = []
        else:
            found[name].append(line)
    return found


def _arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    margin = min((_indent(line) for line in lines if line.strip()), default=0)
    for line in lines:
        match = _ARGUMENT.match(line.strip()) if _indent(line) == margin else None
        if match:
            name, found[match.group(1)] = match.group(1), match.group(2)
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
