"""CSV and TSV: texts stay texts, empty fields are null, fields that do not fit are named.

The first megabyte says what a column holds. Later fields may widen whole numbers to fractions;
anything else is a conflict.
"""

import csv as python_csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]

from reprise.base.errors import InvalidFormat
from reprise.data.features import Features
from reprise.data.sources import conflicts
from reprise.data.sources.opening import opened, opened_text

_BLOCKS = (1 << 20, 1 << 25, 1 << 29)  # bytes read at once; a row must go into one


@dataclass(frozen=True)
class Options:
    """How to read.

    Attributes:
        sep: What stands between fields.
        column_names: Names of the columns, for files without a first line of names.
        skiprows: Lines to pass over at the start.
        quotechar: What texts with separators are put into.
        na_values: Fields that mean "nothing here", beside the empty one.
        encoding: Of the file.
        on_conflict: What to do about a field that does not fit its column.
        block: Bytes read at once; set by itself when rows are long.
    """

    sep: str = ","
    column_names: tuple[str, ...] | None = None
    skiprows: int = 0
    quotechar: str = '"'
    na_values: tuple[str, ...] = ()
    encoding: str = "utf-8"
    on_conflict: str = "error"
    block: int = _BLOCKS[0]


def read(path: Path, options: Options, features: Features | None) -> pa.Table:
    """Read one file.

    Raises:
        InvalidFormat: It is not CSV, or a field does not fit; the message names file and line.
    """
    types = {} if features is None else {n: item.type for n, item in _plain_types(features).items()}
    for block in _BLOCKS:
        chosen = replace(options, block=block)
        try:
            sniffed = _sniffed(path, chosen, types)
            table = _read(path, chosen, types=sniffed)
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block != _BLOCKS[-1]:
                continue  # a row is longer than that
            if "conversion error" not in str(error):
                raise _broken(path, options, error) from None
            table = _carefully(path, chosen, types)
        break
    if _ends_in_lines(table):
        _check_quotes(path, options)
    return table


def pieces(path: Path, options: Options, features: Features | None) -> Iterator[pa.Table]:
    """Read a large file piece by piece; the first one says what the columns hold.

    Raises:
        pyarrow.ArrowInvalid: A field does not fit; `read` can say which, or settle it.
        InvalidFormat: A quote is never closed.
    """
    types = {} if features is None else {n: item.type for n, item in _plain_types(features).items()}
    sniffed, last = _sniffed(path, options, types), None
    with (
        opened(path) as file,
        pacsv.open_csv(file, **_settings(options, sniffed, threads=False)) as reader,
    ):
        for batch in reader:
            last = pa.Table.from_batches([batch])
            yield last
    if last is not None and _ends_in_lines(last):
        _check_quotes(path, options)


def _ends_in_lines(table: pa.Table) -> bool:
    """Tell whether a field of the last row holds a line break: a quote may have been left open."""
    if not table.num_rows:
        return False
    (last,) = table.slice(table.num_rows - 1).to_pylist()
    return any(isinstance(value, str) and "\n" in value for value in last.values())


def _check_quotes(path: Path, options: Options) -> None:
    """Complain about a quote that nothing closes: it has swallowed the rest of the file.

    Raises:
        InvalidFormat: The message names the line where the row begins.
    """
    limit = python_csv.field_size_limit(_BLOCKS[-1])
    begun = 1
    try:
        with opened_text(path, options.encoding) as file:
            quote = options.quotechar or None
            reader = python_csv.reader(file, delimiter=options.sep, quotechar=quote, strict=True)
            for _ in reader:
                begun = reader.line_num + 1
    except python_csv.Error as error:
        if "unexpected end" in str(error):
            raise InvalidFormat(
                f"{path}, line {begun}: a quote is opened and never closed.",
                hint="Close it, or pass quotechar= if texts are not put into quotes.",
            ) from None
    finally:
        python_csv.field_size_limit(limit)


def _plain_types(features: Features) -> dict[str, pa.Field]:
    """Return the types that fields can be read as; labels may be names, and others are cast."""
    schema = features.bare_schema
    fits = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return {
        item.name: item
        for item in schema
        if any(fit(item.type) for fit in fits) and type(features[item.name]).__name__ == "Value"
    }


def _sniffed(path: Path, options: Options, types: dict[str, pa.DataType]) -> dict[str, pa.DataType]:
    """Infer types from the first block; dates stay text, as everywhere else in this field."""
    with (
        opened(path) as file,
        pacsv.open_csv(file, **_settings(options, types, threads=False)) as reader,
    ):
        schema = reader.schema
    found = {}
    for item in schema:
        odd = pa.types.is_temporal(item.type) or pa.types.is_binary(item.type)
        found[item.name] = pa.string() if odd else item.type
    if len(found) != len(schema):
        raise InvalidFormat(f"{path}: two columns have the same name in the first line.")
    return {
        **{name: type_ for name, type_ in found.items() if not pa.types.is_null(type_)},
        **types,
    }


def _settings(
    options: Options, types: dict[str, pa.DataType], *, threads: bool = True
) -> dict[str, Any]:
    return {
        "read_options": pacsv.ReadOptions(
            use_threads=threads,
            block_size=options.block,
            skip_rows=options.skiprows,
            column_names=list(options.column_names) if options.column_names else None,
            encoding=options.encoding,
        ),
        "parse_options": pacsv.ParseOptions(
            delimiter=options.sep, quote_char=options.quotechar or False, newlines_in_values=True
        ),
        "convert_options": pacsv.ConvertOptions(
            column_types=types or None,
            null_values=["", *options.na_values],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            timestamp_parsers=[],
        ),
    }


def _read(path: Path, options: Options, *, types: dict[str, pa.DataType]) -> pa.Table:
    with opened(path) as file:
        return pacsv.read_csv(file, **_settings(options, types))


def _carefully(path: Path, options: Options, types: dict[str, pa.DataType]) -> pa.Table:
    """Read all fields as texts, then find for each column the narrowest type that holds all."""
    first = _read_names(path, options)
    texts = _read(path, options, types=dict.fromkeys(first, pa.string()))
    begun = _sniffed(path, options, types)
    columns, as_json = {}, []
    for name in texts.column_names:
        column, wanted = texts[name], types.get(name)
        narrowed = _narrowed(column, wanted)
        expected = begun.get(name, pa.string())
        if narrowed is None or (
            pa.types.is_string(narrowed.type) and not pa.types.is_string(expected)
        ):
            narrowed = _conflict(path, options, name, column, wanted or _number_type(expected))
            if options.on_conflict == "json":
                as_json.append(name)
        columns[name] = narrowed
    table = pa.table(columns)
    return conflicts.with_json(table, as_json) if as_json else table


def _number_type(type_: pa.DataType) -> pa.DataType:
    return pa.float64() if pa.types.is_integer(type_) else type_


def _read_names(path: Path, options: Options) -> list[str]:
    with (
        opened(path) as file,
        pacsv.open_csv(file, **_settings(options, {}, threads=False)) as reader,
    ):
        names: list[str] = reader.schema.names
    return names


def _narrowed(column: pa.ChunkedArray, wanted: pa.DataType | None) -> pa.ChunkedArray | None:
    for type_ in (
        [wanted] if wanted is not None else [pa.int64(), pa.float64(), pa.bool_(), pa.string()]
    ):
        try:
            return column.cast(type_)
        except pa.ArrowException:
            continue
    return None


def _conflict(
    path: Path, options: Options, name: str, column: pa.ChunkedArray, wanted: pa.DataType
) -> pa.ChunkedArray:
    """Settle a column in which some fields are not what the first ones are."""
    values = column.to_pylist()
    if options.on_conflict == "string":
        return column
    if options.on_conflict == "json":
        return pa.chunked_array(
            [pa.array([conflicts.as_text(_json(v)) for v in values], pa.string())]
        )
    if options.on_conflict == "null":
        odd = set(_misfits(column, wanted, 0))
        kept = [None if row in odd else value for row, value in enumerate(values)]
        narrowed = _narrowed(pa.chunked_array([pa.array(kept, pa.string())]), None)
        return narrowed if narrowed is not None else column
    row = next(_misfits(column, wanted, 0))
    raise InvalidFormat(
        f"{path}, line {_line_of(path, options, row)}, column {name!r}: "
        f"{str(values[row])[:60]!r} is no "
        f"{wanted}, as the fields before it are.",
        hint='Correct the file, pass na_values=["…"] if it means "nothing here", or '
        'on_conflict="string" or "null", or features= to say what the column holds.',
    )


def _json(text: str | None) -> Any:
    import json

    try:
        return None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return json.dumps(text)


def _misfits(column: pa.ChunkedArray, wanted: pa.DataType, start: int) -> Iterator[int]:
    """Yield the rows whose fields are something else, by halves: few are, as a rule."""
    try:
        column.cast(wanted)
    except pa.ArrowException:
        if len(column) == 1:
            yield start
            return
        half = len(column) // 2
        yield from _misfits(column.slice(0, half), wanted, start)
        yield from _misfits(column.slice(half), wanted, start + half)


def _line_of(path: Path, options: Options, row: int) -> int:
    """Return the line on which a row begins; fields may hold line breaks."""
    with opened_text(path, options.encoding) as file:
        for _ in range(options.skiprows):
            next(file, None)
        reader = python_csv.reader(file, delimiter=options.sep, quotechar=options.quotechar or None)
        line, count = 1, -1 if options.column_names is None else 0
        for fields in reader:
            if fields:
                if count == row:
                    return line + options.skiprows
                count += 1
            line = reader.line_num + 1
    return line + options.skiprows


def _broken(path: Path, options: Options, error: Exception) -> InvalidFormat:
    """Say where a file stops being CSV."""
    text = str(error).splitlines()[0]
    if "invalid UTF8" in text or "UTF" in text:
        return InvalidFormat(
            f"{path} is not {options.encoding} text.", hint='Pass encoding="latin-1", say.'
        )
    width, where = 0, ""
    try:
        with opened_text(path, options.encoding) as file:
            reader = python_csv.reader(
                file, delimiter=options.sep, quotechar=options.quotechar or None
            )
            for fields in reader:
                width = width or len(fields)
                if fields and len(fields) != width:
                    counts = f"{len(fields)} fields where the first line has {width}"
                    where = f", line {reader.line_num}: {counts}"
                    break
    except (OSError, ValueError, python_csv.Error):
        pass
    return InvalidFormat(
        f"{path}{where or f': {text}'}.", hint="Is the separator right? Pass sep=."
    )
