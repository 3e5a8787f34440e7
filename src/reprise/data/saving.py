"""Frames as files: CSV, JSON Lines, Parquet, and the folders of `save_to_disk`."""

import json
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.csv as pacsv  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from reprise.base.errors import AlreadyExists, EntryNotFound, InvalidFormat, InvalidInput
from reprise.base.files import atomic_write
from reprise.data.features import Features
from reprise.data.frame import Frame
from reprise.data.mapped import Opened, open_mapped
from reprise.data.rows import Window
from reprise.data.sources.opening import naming

_ROWS = 1 << 16  # written at once, if they are small
_TOGETHER = 64 << 20  # bytes written at once
_STATE, _INFO, _SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
_SPLIT = re.compile(r"\w+(?:[.-]\w+)*")


def write_csv(frame: Frame, path: Path, *, sep: str = ",") -> int:
    """Write a CSV file; the rows are streamed."""

    def write(file: BinaryIO) -> None:
        options = pacsv.WriteOptions(delimiter=sep)
        schema = pa.schema(
            [
                (n, _flat(item.type))
                for n, item in zip(frame.columns, frame.features.bare_schema, strict=True)
            ]
        )
        with pacsv.CSVWriter(file, schema, write_options=options) as writer:
            for table in frame.windows(_rows(frame)):
                writer.write_table(_flattened(table, frame.features, schema))

    return _written(path, write)


def write_json(frame: Frame, path: Path) -> int:
    """Write JSON Lines; the rows are streamed."""

    def write(file: BinaryIO) -> None:
        for table in frame.windows(_rows(frame)):
            window = Window(table, frame.features)
            lists = [window.values(name) for name in frame.columns]
            for cells in zip(*lists, strict=True):
                row = dict(zip(frame.columns, cells, strict=True))
                file.write(json.dumps(row, ensure_ascii=False, default=_text).encode() + b"\n")

    return _written(path, write)


def write_parquet(frame: Frame, path: Path) -> int:
    """Write a Parquet file; the rows are streamed."""

    def write(file: BinaryIO) -> None:
        schema = frame.features.arrow_schema
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in frame.windows(_rows(frame)):
                writer.write_table(
                    table.cast(schema.remove_metadata()).replace_schema_metadata(schema.metadata)
                )

    return _written(path, write)


def save(
    frame: Frame, folder: Path, *, split: str | None = None, max_shard_rows: int = 1 << 20
) -> None:
    """Write a folder as `datasets` does: Arrow streams, `state.json`, `dataset_info.json`.

    Raises:
        AlreadyExists: The folder holds something else.
    """
    target = _free(Path(folder).expanduser())
    staging = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    staging.mkdir(parents=True)
    try:
        _fill(frame, staging, split, max_shard_rows)
        if target.exists():
            shutil.rmtree(target)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(frame: Frame, folder: Path, split: str | None, max_shard_rows: int) -> None:
    schema = frame.features.arrow_schema
    starts = list(range(0, frame.size, max_shard_rows)) or [0]
    names = [f"data-{number:05d}-of-{len(starts):05d}.arrow" for number in range(len(starts))]
    for start, name in zip(starts, names, strict=True):
        with pa.ipc.new_stream(str(folder / name), schema) as file:
            for first in range(start, min(start + max_shard_rows, frame.size), _rows(frame)):
                table = frame.window(first, min(_rows(frame), start + max_shard_rows - first))
                file.write_table(
                    table.cast(schema.remove_metadata()).replace_schema_metadata(schema.metadata)
                )
    state: dict[str, Any] = {
        "_data_files": [{"filename": name} for name in names],
        "_fingerprint": frame.identity[:16], "_format_columns": None, "_format_kwargs": {},
        "_format_type": None, "_output_all_columns": False, "_split": split,
    }  # fmt: skip
    info = {
        "citation": "",
        "description": "",
        "features": frame.features.to_dict(),
        "homepage": "",
        "license": "",
    }
    (folder / _STATE).write_text(json.dumps(state, indent=2, sort_keys=True))
    (folder / _INFO).write_text(json.dumps(info, indent=2, sort_keys=True))


def save_splits(frames: Mapping[str, Frame], folder: Any, **options: Any) -> None:
    """Write several splits into one folder."""
    target = Path(folder).expanduser()
    for split in frames:
        if not _SPLIT.fullmatch(split):
            raise InvalidInput(f"{split!r} cannot be the name of a split.")
    _free(target, _SPLITS).mkdir(parents=True, exist_ok=True)
    for split, frame in frames.items():
        save(frame, target / split, split=split, **options)
    (target / _SPLITS).write_text(json.dumps({"splits": list(frames)}))


def saved_splits(folder: Path) -> dict[str, tuple[Frame, str | None]] | tuple[Frame, str | None]:
    """Read a folder that was saved, here or by `datasets`.

    Raises:
        EntryNotFound: It is no such folder.
        InvalidFormat: It is broken.
    """
    root = Path(folder).expanduser()
    if (root / _SPLITS).is_file():
        names = _json(root / _SPLITS).get("splits")
        if not isinstance(names, list) or not all(
            isinstance(n, str) and _SPLIT.fullmatch(n) for n in names
        ):
            raise InvalidFormat(f"{root / _SPLITS} names no splits.")
        return {name: _saved(root / name) for name in names}
    if (root / _STATE).is_file():
        return _saved(root)
    raise EntryNotFound(f"{root} holds no saved data set.", hint="save_to_disk() writes one.")


def _saved(folder: Path) -> tuple[Frame, str | None]:
    state = _json(folder / _STATE)
    try:
        names = [str(item["filename"]) for item in state["_data_files"]]
        split = state.get("_split")
    except (KeyError, TypeError):
        raise InvalidFormat(f"{folder / _STATE} names no files.") from None
    if any("/" in name or "\\" in name or name.startswith(".") for name in names):
        raise InvalidFormat(f"{folder / _STATE} names files outside its folder.")
    opened: list[Opened] = []
    for name in names:
        path = folder / name
        with naming(path):
            opened.append(open_mapped(path, is_stream=True))
            opened[-1].table.validate(full=True)
            opened[-1].release()
    if not opened:
        return Frame.of(pa.table({})), split
    return _with_info(opened, folder), split


def _with_info(opened: list[Opened], folder: Path) -> Frame:
    """Make the frame; types that only `datasets` has in Arrow are read as what they store."""
    table = pa.concat_tables([one.table for one in opened])
    mappings = tuple(mapping for one in opened for mapping in one.mappings)
    path = folder / _INFO
    if path.is_file() and (stated := _json(path).get("features")):
        table = table.replace_schema_metadata(Features.from_dict(stated).metadata)
    return Frame.of(table, mappings=mappings).labelled(str(folder))


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidFormat(f"{path} is not JSON.") from None
    except FileNotFoundError:
        raise InvalidFormat(f"{path} is missing.") from None
    if not isinstance(value, dict):
        raise InvalidFormat(f"{path} holds no JSON object.")
    return value


def _rows(frame: Frame) -> int:
    return frame.rows_within(_TOGETHER, _ROWS)


def _free(target: Path, marker: str = _STATE) -> Path:
    if target.exists() and any(target.iterdir()) and not (target / marker).is_file():
        raise AlreadyExists(f"{target} holds other files; choose an empty folder.")
    return target


def _written(path: Path, write: Any) -> int:
    with atomic_write(path.expanduser().absolute()) as file:
        write(file)
        return file.tell()


def _flat(type_: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_nested(type_) or pa.types.is_binary(type_) else type_


def _flattened(table: pa.Table, features: Features, schema: pa.Schema) -> pa.Table:
    window, columns = Window(table, features), []
    for item in schema:
        if table[item.name].type == item.type:
            columns.append(table[item.name])
            continue
        texts = [
            None if v is None else json.dumps(v, ensure_ascii=False, default=_text)
            for v in window.values(item.name)
        ]
        columns.append(pa.array(texts, pa.string()))
    return pa.table(columns, schema=schema)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
