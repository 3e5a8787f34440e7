"""Parquet and Arrow files. What comes from elsewhere is checked in full before it is used."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from reprise.base.errors import TooLarge
from reprise.data.features import Features
from reprise.data.mapped import Opened, open_mapped
from reprise.data.sources.arrow_sizes import unpacked_size
from reprise.data.sources.opening import most_unpacked, naming

_MOST_ROWS = 1 << 40
_AT_ONCE = 1 << 16  # rows


@dataclass(frozen=True)
class ParquetOptions:
    """How to read Parquet.

    Attributes:
        columns: Only these.
        on_conflict: As for other files, between files.
    """

    columns: tuple[str, ...] | None = None
    on_conflict: str = "error"


@dataclass(frozen=True)
class ArrowOptions:
    """How to read Arrow files."""

    on_conflict: str = "error"


def read_parquet(path: Path, options: ParquetOptions, features: Features | None) -> pa.Table:  # noqa: ARG001
    """Read a Parquet file.

    Raises:
        InvalidFormat: It is not Parquet, or broken.
    """
    with naming(path):
        file = pq.ParquetFile(path, memory_map=True)
        if file.metadata.num_rows > _MOST_ROWS:
            raise TooLarge(f"{path} claims {file.metadata.num_rows} rows.")
        table = file.read(columns=list(options.columns) if options.columns else None)
        table.validate(full=True)
    return table


def parquet_size(path: Path) -> int:
    """Return about how many bytes the rows take in memory: a small file may claim very many.

    Raises:
        InvalidFormat: It is not Parquet, or broken.
    """
    with naming(path), pq.ParquetFile(path) as file:
        widths = [_width(item.type) for item in file.schema_arrow]
        stated = sum(
            file.metadata.row_group(number).total_byte_size
            for number in range(file.metadata.num_row_groups)
        )
        return max(int(stated), int(file.metadata.num_rows) * sum(widths))


def _width(type_: pa.DataType) -> int:
    """Return the least bytes that a value takes."""
    try:
        return max(1, int(type_.bit_width) // 8)
    except ValueError:
        return 4  # an offset


def parquet_pieces(
    path: Path, options: ParquetOptions, features: Features | None  # noqa: ARG001
) -> Iterator[pa.Table]:  # fmt: skip
    """Read a Parquet file piece by piece, in little memory.

    Raises:
        InvalidFormat: It is broken.
    """
    columns = list(options.columns) if options.columns else None
    with naming(path), pq.ParquetFile(path, memory_map=True) as file:
        schema = file.schema_arrow
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns], schema.metadata)
        yield schema.empty_table()
        for batch in file.iter_batches(_AT_ONCE, columns=columns):
            batch.validate(full=True)
            yield pa.Table.from_batches([batch]).cast(schema)


def read_arrow(path: Path, options: ArrowOptions, features: Features | None) -> pa.Table:  # noqa: ARG001
    """Map an Arrow file and return its table, see `map_arrow`."""
    return map_arrow(path).table


def map_arrow(path: Path) -> Opened:
    """Map an Arrow file, of either of its two forms.

    Raises:
        InvalidFormat: It is not an Arrow file, or broken.
        TooLarge: Its packed parts say that they hold far more than a file of its size.
    """
    with naming(path):
        _check_unpacked(path)
        try:
            opened = open_mapped(path)
        except pa.ArrowInvalid:
            opened = open_mapped(path, is_stream=True)
        opened.table.validate(full=True)
        opened.release()
    return opened


def _check_unpacked(path: Path) -> None:
    if not path.stat().st_size:
        return
    with pa.memory_map(str(path)) as file:
        stated = unpacked_size(memoryview(file.read_buffer(file.size())))
    if stated > (most := most_unpacked(path)):
        raise TooLarge(
            f"{path} says that it unpacks to {stated >> 20} MB, where {most >> 20} are likely.",
            hint="If you trust it, write it again without compression and load that.",
        )
