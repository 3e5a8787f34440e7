"""From paths to one frame: readers by kind, schemas united, large files kept as Arrow once."""

import glob
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.base.digests import canonical_json, sha256_hex
from reprise.base.errors import EntryNotFound, InvalidInput, TooLarge
from reprise.data.features import Features
from reprise.data.frame import Frame
from reprise.data.mapped import Opened
from reprise.data.places import default_store
from reprise.data.progress import row_meter
from reprise.data.sources import conflicts, conll, csv, json, media, memory, tables, text
from reprise.data.sources.opening import naming, suffix_of
from reprise.data.store import Recipe, Store

_LARGE = 256 << 20  # bytes of one file; larger ones are read once and then mapped


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        read: Reads a whole file.
        options: How it can be read.
        presets: Options that the kind itself sets.
        pieces: Reads a large file piece by piece, if it can; `read` is asked when it gives up.
    """

    read: Callable[[Path, Any, Features | None], pa.Table]
    options: type[Any]
    presets: tuple[tuple[str, Any], ...] = ()
    pieces: Callable[[Path, Any, Features | None], Iterator[pa.Table]] | None = None


KINDS = {
    "csv": Kind(csv.read, csv.Options, (), csv.pieces),
    "tsv": Kind(csv.read, csv.Options, (("sep", "\t"),), csv.pieces),
    "json": Kind(json.read, json.Options, (), json.pieces),
    "parquet": Kind(tables.read_parquet, tables.ParquetOptions, (), tables.parquet_pieces),
    "arrow": Kind(tables.read_arrow, tables.ArrowOptions),
    "text": Kind(text.read, text.Options),
    "conll": Kind(conll.read, conll.Options),
    **{kind: Kind(media.reader(kind), media.Options) for kind in media.COLUMNS},
}
SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".parquet": "parquet", ".arrow": "arrow", ".txt": "text", ".conll": "conll",
    ".conllu": "conll", ".iob": "conll", ".iob2": "conll", **media.SUFFIXES,
}  # fmt: skip
_ALIASES = {"delimiter": "sep", "names": "column_names", "quote_char": "quotechar"}


def kind_of(path: Path) -> str:
    """Return the kind of a file by its suffix; "" when it is no data file."""
    return SUFFIXES.get(suffix_of(path), "")


def read_files(
    kind: str,
    paths: Any,
    features: Features | None,
    options: Mapping[str, Any],
    *,
    store: Store | None = None,
) -> Frame:
    """Read files of one kind into one frame.

    Raises:
        InvalidInput: An option does not exist.
        EntryNotFound: A path or pattern matches nothing.
        InvalidFormat: A file is broken, or files do not go together; the message says where.
    """
    chosen, found = _options(kind, options), listed(paths)
    parts = []
    if kind in media.COLUMNS:
        parts = [_read_folder(kind, found, chosen, store or default_store())]
        found = found[:1]
    with row_meter(f"Reading {found[0].name}", len(found)) as advance:
        for path in () if parts else found:
            parts.append(_read(kind, path, chosen, features, store or default_store()))
            advance(1)
    read = [part.table for part in parts]
    table = conflicts.united(read, [str(path) for path in found], chosen.on_conflict)
    if features is not None:
        table = _completed(table, features)
    mappings = tuple(mapping for part in parts for mapping in part.mappings)
    label = found[0].name if len(found) == 1 else found[0].parent.name
    return memory.from_table(table, features, mappings).labelled(label)


def read_one(kind: str, path: Path, options: Any, features: Features | None) -> pa.Table:
    """Read one file into a table.

    Raises:
        InvalidFormat: It is broken; the message names it.
    """
    with naming(path):
        return KINDS[kind].read(path, options, features)


def _options(kind: str, options: Mapping[str, Any]) -> Any:
    known = KINDS[kind]
    names = {item.name for item in fields(known.options)}
    given = {
        _ALIASES.get(name, name): value for name, value in options.items() if value is not None
    }
    if unknown := sorted(set(given) - names):
        raise InvalidInput(
            f"There is no option {unknown[0]!r} for {kind}; there are: {', '.join(sorted(names))}."
        )
    given = {
        name: tuple(value) if isinstance(value, list) else value for name, value in given.items()
    }
    try:
        chosen = replace(known.options(**dict(known.presets)), **given)
    except TypeError as error:
        raise InvalidInput(f"Wrong option for {kind}: {error}") from None
    conflicts.check_mode(chosen.on_conflict)
    return chosen


options_of = _options


def listed(paths: Any) -> list[Path]:
    """Turn a path, a pattern or a list of them into files that exist, sorted within a pattern.

    Raises:
        EntryNotFound: One matches nothing.
    """
    found: list[Path] = []
    for one in [paths] if isinstance(paths, str | Path) else list(paths):
        text_ = str(Path(one).expanduser())
        if Path(text_).is_file():
            found.append(Path(text_))
            continue
        matches = sorted(
            Path(name)
            for name in glob.glob(text_, recursive=True)  # noqa: PTH207 - absolute patterns too
            if Path(name).is_file()
        )
        if not matches:
            raise EntryNotFound(f"There is no file {text_}.")
        found += matches
    if not found:
        raise EntryNotFound("No files are named.")
    return found


def _read(kind: str, path: Path, options: Any, features: Features | None, store: Store) -> Opened:
    if kind == "arrow":
        return tables.map_arrow(path)
    size = _size(kind, path)
    if size < _LARGE:
        return Opened(read_one(kind, path, options, features))
    wanted = None if features is None else features.to_dict()
    parts = {"options": sha256_hex(canonical_json([kind, repr(options), wanted]))}
    recipe = Recipe("load", path.name, _digest(path), parts, path.name)
    kept = store.find(recipe.key)
    if kept is not None:
        return kept
    staged = store.staging()
    if size > (free := shutil.disk_usage(staged.parent).free):
        raise TooLarge(
            f"{path} takes {size >> 20} MB when it is read, but there are {free >> 20} MB free.",
            hint="Free some space, or load fewer columns.",
        )
    try:
        _convert(kind, path, options, features, staged)
        return store.keep(recipe, staged)
    finally:
        staged.unlink(missing_ok=True)


def _read_folder(kind: str, paths: Sequence[Path], options: Any, store: Store) -> Opened:
    """Read a folder of files into memory, or, when they are many, into the store."""
    tables_ = media.tables(kind, paths, options)
    if sum(path.stat().st_size for path in paths) < _LARGE:
        return Opened(pa.concat_tables(tables_, promote_options="permissive"))
    listed_ = [[path.parent.name, path.name, _digest(path)] for path in paths]
    parts = {"options": sha256_hex(canonical_json([kind, repr(options)]))}
    name = paths[0].parent.name
    recipe = Recipe("load", name, sha256_hex(canonical_json(listed_)), parts, name)
    if (kept := store.find(recipe.key)) is not None:
        return kept
    staged = store.staging()
    try:
        _write(tables_, staged)
        return store.keep(recipe, staged)
    finally:
        staged.unlink(missing_ok=True)


def _size(kind: str, path: Path) -> int:
    """Return about how many bytes a file takes when it is read; 0 when it is not there."""
    if not path.is_file():
        return 0
    return tables.parquet_size(path) if kind == "parquet" else path.stat().st_size


def _convert(kind: str, path: Path, options: Any, features: Features | None, staged: Path) -> None:
    """Write a large file as Arrow, without ever holding all of it where that can be."""
    pieces = KINDS[kind].pieces
    if pieces is not None:
        with suppress(pa.ArrowInvalid):  # what reads all of it can say what is wrong, or settle it
            _write(pieces(path, options, features), staged)
            return
    _write(iter([read_one(kind, path, options, features)]), staged)


def _write(parts: Iterator[pa.Table], staged: Path) -> None:
    first = next(parts)
    with pa.ipc.new_file(str(staged), first.schema) as file:
        for part in chain([first], parts):
            file.write_table(part.cast(first.schema), max_chunksize=1 << 17)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _completed(table: pa.Table, features: Features) -> pa.Table:
    """Add columns that the features name and the files lack; drop nothing."""
    missing = [name for name in features if name not in table.column_names]
    extra: Sequence[str] = [name for name in table.column_names if name not in features]
    if extra:
        raise InvalidInput(f"The files have a column {extra[0]!r} that the features do not name.")
    for name in missing:
        table = table.append_column(name, pa.nulls(len(table)))
    return table
