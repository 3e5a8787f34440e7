"""YAML as plain JSON values: bounded, without tags that build objects, one way to read a scalar.

Scalars follow YAML 1.2's core schema, as the public hub's server does: `no` is Norwegian, not
False, and `12:30` is text. What JSON cannot hold stays as written: dates, `.nan`, huge numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput

MAX_BYTES = 1 << 20  # of YAML text; the largest honest cards list thousands of scores
MAX_WEIGHT = 4 << 20  # characters and nodes after every alias is expanded
MAX_DEPTH = 64  # containers inside each other

_YAML = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INT_LIMIT = 1 << 63  # beyond this, readers in other languages lose digits
_LONGEST_NUMBER = 40  # characters; longer digit strings are text
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_YAML_BREAK = re.compile("[\x85\u2028\u2029\ufeff]")
_MERGE = "<<"
# What a scalar may turn out to be under an explicit tag.
_TAGGED: dict[str, tuple[type, ...]] = {
    "null": (type(None),), "bool": (bool,), "int": (int,), "float": (int, float),
}  # fmt: skip


@dataclass
class _Frame:
    """A container that is still open."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    weight: int  # of the whole document when the container began
    height: int = 1
    key: str | None = None  # of the mapping value that comes next
    merges: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Node:
    """A finished value, with what it costs to repeat it."""

    value: Any
    weight: int
    height: int


def load(text: str, *, first_line: int = 1) -> Any:
    """Read one YAML document as a JSON value.

    Args:
        text: The document.
        first_line: Where it begins in its file; messages count from there.

    Raises:
        InvalidFormat: A syntax error, a duplicate key, a tag or key that JSON has no place for, or
            more than a stated limit. The message starts with the line.
    """
    return _Loader(first_line).run(text)


def load_mapping(text: str, *, first_line: int = 1) -> tuple[dict[str, Any], dict[str, int]]:
    """Read one YAML mapping, and the line of each of its keys.

    Raises:
        InvalidFormat: As `load`, or the document is not a mapping. An empty one counts as one.
    """
    loader = _Loader(first_line)
    value = loader.run(text)
    if value is None:
        return {}, {}
    if not isinstance(value, dict):
        raise InvalidFormat(f"line {first_line}: expected 'key: value' lines, found something else")
    return value, loader.lines


def dump(value: Any) -> str:
    """Write a JSON value as YAML that `load` and other readers read back alike, keys in order.

    Raises:
        InvalidInput: The value holds something JSON has no place for.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - `&id001` helps nobody
            return True

    Dumper.add_representer(str, _represent_text)
    try:
        return yaml.dump(
            value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=float("inf")
        )
    except (yaml.YAMLError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInput(f"This value cannot be written as YAML: {error}") from None


def scalar(text: str) -> Any:
    """Read an unquoted scalar: null, a boolean, a number, or the text itself."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) <= _LONGEST_NUMBER and (text[0] in "+-." or text[0].isdigit()):
        return _number(text)
    return text


def _number(text: str) -> int | float | str:
    if _INT.fullmatch(text):
        base = {"0x": 16, "0o": 8}.get(text[:2], 10)
        number = int(text, base)
        return number if -_INT_LIMIT <= number < _INT_LIMIT else text
    if _FLOAT.fullmatch(text):
        value = float(text)
        return text if value in (float("inf"), float("-inf")) else value
    return text


class _Loader:
    """Builds the value from parser events, without recursion."""

    def __init__(self, first_line: int) -> None:
        self.lines: dict[str, int] = {}  # of the outermost mapping's keys
        self._first_line = first_line
        self._line = first_line
        self._weight = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Node | None] = {}  # None: still open
        self._root: Any = None
        self._ended = False

    def run(self, text: str) -> Any:
        """Read the whole document."""
        import yaml

        if len(text) > MAX_BYTES:
            raise InvalidFormat(f"the YAML block is over the limit of {MAX_BYTES} characters")
        try:
            for event in _events(text):
                self._line = self._first_line + event.start_mark.line
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(
                error.problem or "invalid YAML", mark.line if mark else None
            ) from None
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise self._error(f"invalid YAML: {str(error).splitlines()[0]}") from None
        return self._root

    def _take(self, event: Any) -> None:
        match type(event).__name__:
            case "ScalarEvent":
                self._scalar(event)
            case "AliasEvent":
                self._alias(event.anchor)
            case "MappingStartEvent":
                self._open(event, {}, "map")
            case "SequenceStartEvent":
                self._open(event, [], "seq")
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "DocumentEndEvent":
                self._ended = True
            case "DocumentStartEvent" if self._ended:
                raise self._error("a second document starts; write only one")

    def _scalar(self, event: Any) -> None:
        if _NOT_TEXT.search(event.value):
            raise self._error("the text holds a character that is not text (NUL or a surrogate)")
        self._add_weight(1 + len(event.value))
        if self._expects_key():
            self._take_key(event)
            return
        node = _Node(self._scalar_value(event), 1 + len(event.value), 0)
        self._keep_anchor(event.anchor, node)
        self._attach(node)

    def _scalar_value(self, event: Any) -> Any:
        tag = event.tag
        if tag is None:
            return scalar(event.value) if event.implicit[0] else event.value
        if tag in ("!", f"{_YAML}str"):
            return event.value
        value = scalar(event.value)
        if type(value) not in _TAGGED.get(tag.removeprefix(_YAML), ()):
            raise self._error(f"the tag {tag!r} is not allowed here; write plain values")
        return value

    def _take_key(self, event: Any) -> None:
        frame, key = self._stack[-1], event.value
        assert isinstance(frame.value, dict)
        self._keep_anchor(event.anchor, _Node(key, 1 + len(key), 0))
        if key in frame.value:
            raise self._error(f"the key {key[:80]!r} occurs twice")
        if len(self._stack) == 1:
            self.lines[key] = self._line
        if key == _MERGE and event.implicit[0]:
            frame.key = _MERGE
            return
        frame.value[key] = None
        frame.key = key

    def _alias(self, anchor: str) -> None:
        node = self._anchors.get(anchor)
        if node is None:
            why = "contains itself" if anchor in self._anchors else "has no anchor"
            raise self._error(f"the alias '*{anchor}' {why}")
        if len(self._stack) + node.height > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels of nesting")
        self._add_weight(node.weight)
        if self._expects_key():
            raise self._error("an alias cannot be a key")
        self._attach(node)

    def _open(self, event: Any, value: list[Any] | dict[str, Any], kind: str) -> None:
        if event.tag not in (None, "!", f"{_YAML}{kind}"):
            raise self._error(f"the tag {event.tag!r} is not allowed; write plain values")
        if self._expects_key():
            raise self._error("a key must be a word, not a list or a mapping")
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels of nesting")
        self._add_weight(1)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._stack.append(_Frame(value, event.anchor, self._weight - 1))

    def _close(self) -> None:
        frame = self._stack.pop()
        if isinstance(frame.value, dict):
            for key, value in (pair for merged in frame.merges for pair in merged.items()):
                frame.value.setdefault(key, value)
        node = _Node(frame.value, self._weight - frame.weight, frame.height)
        self._keep_anchor(frame.anchor, node)
        self._attach(node)

    def _attach(self, node: _Node) -> None:
        if not self._stack:
            self._root = node.value
            return
        frame = self._stack[-1]
        frame.height = max(frame.height, node.height + 1)
        if isinstance(frame.value, list):
            frame.value.append(node.value)
        elif frame.key == _MERGE and _MERGE not in frame.value:
            frame.merges.extend(self._mappings(node.value))
            frame.key = None
        else:
            assert frame.key is not None
            frame.value[frame.key] = node.value
            frame.key = None

    def _mappings(self, value: Any) -> list[dict[str, Any]]:
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(item, dict) for item in merged):
            raise self._error("'<<' merges mappings only")
        return merged

    def _expects_key(self) -> bool:
        return bool(
            self._stack and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None
        )

    def _keep_anchor(self, anchor: str | None, node: _Node) -> None:
        if anchor:
            self._anchors[anchor] = node

    def _add_weight(self, weight: int) -> None:
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            raise self._error("aliases expand to more than this hub accepts")

    def _error(self, problem: str, line: int | None = None) -> InvalidFormat:
        where = self._line if line is None else self._first_line + line
        return InvalidFormat(f"line {where}: {problem}")


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where the wheel has it
    yield from yaml.parse(text, Loader=loader)


def _represent_text(dumper: Any, text: str) -> Any:
    # PyYAML knows YAML 1.1 only; quote also what YAML 1.2 would read as something else: 1e5, 0o7.
    style = "'" if not isinstance(scalar(text), str) else None
    if _YAML_BREAK.search(text):  # line breaks in YAML 1.1 only: double quotes escape them
        style = '"'
    return dumper.represent_scalar(f"{_YAML}str", text, style=style)
