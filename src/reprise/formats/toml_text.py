"""Write TOML: the same text for the same values, tables after plain values, read back alike."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput, TooLarge

MAX_SIZE = 16 << 20  # characters of a document that is read
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_INLINE = 88  # characters; longer lists get a line for each item


def read(text: str, what: str) -> dict[str, Any]:
    """Parse a TOML document.

    Args:
        text: The document.
        what: What it is, for messages: "This claim".

    Raises:
        InvalidFormat: It is no TOML; the message has line and column.
        TooLarge: It is over `MAX_SIZE`.
    """
    if len(text) > MAX_SIZE:
        raise TooLarge(f"{what} is larger than {MAX_SIZE >> 20} MiB.")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise InvalidFormat(f"{what} is not TOML: {error}") from None


def write(document: Mapping[str, Any]) -> str:
    """Return the text of a document of tables, lists, texts, numbers and booleans.

    Keys keep their order, but plain values come before tables; None is left out.

    Raises:
        InvalidInput: A value has no form in TOML.

    Example:
        >>> print(write({"model": {"repo": "ada/net"}, "version": 1}), end="")
        version = 1
        <BLANKLINE>
        [model]
        repo = "ada/net"
    """
    return "\n".join(_table(document, "")).lstrip("\n") + "\n"


def _table(table: Mapping[str, Any], prefix: str) -> Iterator[str]:
    given = {key: value for key, value in table.items() if value is not None}
    for key, value in given.items():
        if not _is_nested(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in given.items():
        name = f"{prefix}{_key(key)}"
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]")
            yield from _table(value, f"{name}.")
        elif _is_nested(value):
            for item in value:
                yield from ("", f"[[{name}]]")
                yield from _table(item, f"{name}.")


def _is_nested(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    is_list = isinstance(value, list | tuple) and bool(value)
    return is_list and all(isinstance(item, Mapping) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quoted(value)
        case int():
            return str(value)
        case float():
            return _float(value)
        case list() | tuple():
            return _list([_value(item) for item in value])
        case Mapping():
            return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    raise InvalidInput(f"{value!r} cannot be written as TOML.")


def _float(value: float) -> str:
    if value != value or value in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        raise InvalidInput(f"{value!r} is no number to be kept.")
    text = repr(value)
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def _list(items: list[str]) -> str:
    line = f"[{', '.join(items)}]"
    if len(line) <= _INLINE:
        return line
    return "[\n" + "".join(f"  {item},\n" for item in items) + "]"


def _quoted(text: str) -> str:
    """Quote as a TOML basic string, whose escapes are those of JSON."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{text[:40]!r} is no text.") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
