"""JSON Lines, a JSON list of objects, or a list inside a JSON object."""

import json as python_json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.json as pajson  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat
from reprise.data.features import Features
from reprise.data.sources import conflicts
from reprise.data.sources.opening import opened, opened_text, read_text

_BLOCK = 4 << 20
_HEAD = 1 << 16
_EXACT = 2.0**53  # floats below hold every whole number
_DEEPEST = 64  # brackets within brackets; Arrow's parser and ours recurse


@dataclass(frozen=True)
class Options:
    """How to read.

    Attributes:
        field: Where the rows are, in a file that holds one object: `data`, `data.items`.
        encoding: Of the file.
        on_conflict: What to do about a value that does not fit its column.
    """

    field: str | None = None
    encoding: str = "utf-8"
    on_conflict: str = "error"


def read(path: Path, options: Options, features: Features | None) -> pa.Table:  # noqa: ARG001
    """Read one file.

    Raises:
        InvalidFormat: It is not JSON, or a value does not fit; the message names file and line.
    """
    head = _head(path)
    if options.field is not None or head.lstrip("\ufeff \t\r\n").startswith("["):
        return _whole(path, options)
    if not head.strip():
        return pa.table({})
    if _is_one_object(head):
        return _whole(path, options)
    if _is_shallow(head):
        try:
            table = _lines(path)
            table.validate(full=True)
        except (pa.ArrowException, UnicodeDecodeError):
            return _carefully(path, options)
        if all(map(_is_exact, table.columns)):
            return table
    return _carefully(path, options)


def pieces(path: Path, options: Options, features: Features | None) -> Iterator[pa.Table]:  # noqa: ARG001
    """Read a large file of JSON Lines piece by piece; the first one says what the columns hold.

    Raises:
        pyarrow.ArrowInvalid: It is something else, or a value does not fit; see `read`.
    """
    head = _head(path)
    is_lines = not head.lstrip("\ufeff \t\r\n").startswith("[") and not _is_one_object(head)
    if options.field is not None or not is_lines or not _is_shallow(head):
        raise pa.ArrowInvalid("not plain lines")
    parsing = pajson.ParseOptions(unexpected_field_behavior="error")
    with opened(path) as file, pajson.open_json(
        file, read_options=pajson.ReadOptions(block_size=_BLOCK), parse_options=parsing
    ) as reader:  # fmt: skip
        if any(_has_dates(item.type) for item in reader.schema):
            raise pa.ArrowInvalid("texts that look like dates")
        for batch in reader:
            table = pa.Table.from_batches([batch])
            table.validate(full=True)
            if not all(map(_is_exact, table.columns)):
                raise pa.ArrowInvalid("numbers that may be larger than they can be")
            yield table


def _is_exact(column: pa.ChunkedArray) -> bool:
    """Tell whether numbers are surely as they were written.

    Arrow's parser reads whole numbers that are too large for 64 bits as floats, even as infinity.
    """
    if not pa.types.is_floating(column.type):
        return True
    largest = pc.max(pc.abs(column)).as_py()
    return largest is None or largest < _EXACT


def _head(path: Path) -> str:
    with opened(path) as file:
        data = file.read(_HEAD)
    return bytes(data).decode("utf-8", errors="replace")


def _is_one_object(head: str) -> bool:
    """Tell whether the first line is no object by itself, as in indented JSON."""
    line = head.lstrip("\ufeff \t\r\n").split("\n", 1)[0]
    if len(line) >= _HEAD - 8:
        return False
    try:
        python_json.loads(line)
    except RecursionError:
        return False
    except ValueError:
        return line.count("{") > line.count("}") or line.strip() == "{"
    return False


def _is_shallow(head: str) -> bool:
    depth = deepest = 0
    for sign in head:
        if sign in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in "]}":
            depth -= 1
    return deepest <= _DEEPEST


def _lines(path: Path) -> pa.Table:
    """Read JSON Lines with Arrow's own parser; texts that look like dates stay texts."""
    read_options = pajson.ReadOptions(block_size=_BLOCK)
    with opened(path) as file:
        table = pajson.read_json(file, read_options=read_options)
    if not any(_has_dates(item.type) for item in table.schema):
        return table
    schema = pa.schema([pa.field(item.name, _as_texts(item.type)) for item in table.schema])
    with opened(path) as file:
        return pajson.read_json(
            file,
            read_options=read_options,
            parse_options=pajson.ParseOptions(explicit_schema=schema),
        )


def _has_dates(type_: pa.DataType) -> bool:
    if pa.types.is_temporal(type_):
        return True
    return pa.types.is_nested(type_) and any(
        _has_dates(type_.field(n).type) for n in range(type_.num_fields)
    )


def _as_texts(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_temporal(type_):
        return pa.string()
    if pa.types.is_struct(type_):
        return pa.struct([(item.name, _as_texts(item.type)) for item in type_])
    if pa.types.is_list(type_):
        return pa.list_(_as_texts(type_.value_type))
    return type_


def _whole(path: Path, options: Options) -> pa.Table:
    try:
        value = _loads(read_text(path, options.encoding).removeprefix("\ufeff"))
    except ValueError as error:
        raise InvalidFormat(f"{path} is not JSON: {error}.") from None
    for part in options.field.split(".") if options.field else ():
        if not isinstance(value, dict) or part not in value:
            raise InvalidFormat(f"{path} has no field {options.field!r}.")
        value = value[part]
    if isinstance(value, dict):
        value = [value]  # one object is one row, on one line or on many
    if not isinstance(value, list):
        raise InvalidFormat(
            f"{path} holds no list of rows.", hint='Pass field="…" to say where they are.'
        )
    return _table(value, [f"{path}, row {number}" for number in range(len(value))], options)


def _carefully(path: Path, options: Options) -> pa.Table:
    """Read line by line with Python's parser, which tells what is wrong and where."""
    rows, places = [], []
    with opened_text(path, options.encoding) as file:
        for number, line in enumerate(file, 1):
            text = line.strip().removeprefix("\ufeff")
            if not text:
                continue
            try:
                rows.append(_loads(text))
            except ValueError as error:
                raise InvalidFormat(f"{path}, line {number}: {error}.") from None
            places.append(f"{path}, line {number}")
    return _table(rows, places, options)


def _loads(text: str) -> Any:
    try:
        return python_json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> Any:
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[name]


def _table(rows: list[Any], places: list[str], options: Options) -> pa.Table:
    for row, place in zip(rows, places, strict=True):
        if not isinstance(row, dict):
            raise InvalidFormat(f"{place}: expected an object, found {type(row).__name__}.")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns, as_json = {}, []
    for name in names:
        values = [row.get(name) for row in rows]
        columns[name] = conflicts.settle(values, name, options.on_conflict, places.__getitem__)
        is_text = pa.types.is_string(columns[name].type)
        if is_text and any(value is not None and not isinstance(value, str) for value in values):
            as_json += [name] if options.on_conflict == "json" else []
    table = pa.table(columns)
    return conflicts.with_json(table, as_json) if as_json else table
