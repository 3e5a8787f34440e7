"""The `from_…` half of a data set: rows that are here already, and files by their kind."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import pyarrow as pa  # type: ignore[import-untyped]

from reprise.data.features import Features
from reprise.data.frame import Frame
from reprise.data.sources import memory
from reprise.data.sources.files import read_files


class Makers:
    """Ways to make a data set."""

    def __init__(self, frame: Frame, *_: Any, **__: Any) -> None:
        raise NotImplementedError  # pragma: no cover - Dataset has its own

    @classmethod
    def from_dict(
        cls,
        mapping: Mapping[str, Any],
        features: Features | None = None,
        *,
        split: str | None = None,
    ) -> Self:
        """Make a data set of columns: name -> values.

        Raises:
            InvalidInput: The columns differ in length, or values do not fit.
        """
        return cls(memory.from_dict(mapping, features), split=split)

    @classmethod
    def from_list(
        cls,
        mapping: Sequence[Mapping[str, Any]],
        features: Features | None = None,
        *,
        split: str | None = None,
    ) -> Self:
        """Make a data set of rows; a column that a row lacks is null there."""
        return cls(memory.from_rows(mapping, features), split=split)

    @classmethod
    def from_generator(
        cls, generator: Callable[..., Iterable[Mapping[str, Any]]],
        features: Features | None = None,
        gen_kwargs: Mapping[str, Any] | None = None, *, split: str | None = None,
    ) -> Self:  # fmt: skip
        """Make a data set of the rows that a generator function yields."""
        rows = generator(**(gen_kwargs or {}))
        return cls(memory.from_iterable(rows, features), split=split)

    @classmethod
    def from_pandas(
        cls,
        df: Any,
        features: Features | None = None,
        preserve_index: bool | None = None,
        *,
        split: str | None = None,
    ) -> Self:
        """Make a data set of a pandas DataFrame."""
        table = pa.Table.from_pandas(df, preserve_index=preserve_index)
        return cls(memory.from_table(table, features), split=split)

    @classmethod
    def from_polars(
        cls, df: Any, features: Features | None = None, *, split: str | None = None
    ) -> Self:
        """Make a data set of a polars DataFrame."""
        return cls(memory.from_table(df.to_arrow(), features), split=split)

    @classmethod
    def from_arrow(
        cls, table: pa.Table, features: Features | None = None, *, split: str | None = None
    ) -> Self:
        """Make a data set of an Arrow table, without a copy."""
        return cls(memory.from_table(table, features), split=split)

    @classmethod
    def from_csv(
        cls,
        path_or_paths: Any,
        features: Features | None = None,
        *,
        split: str | None = None,
        **options: Any,
    ) -> Self:
        """Read CSV files; options as for `load_dataset("csv", …)`."""
        return cls(read_files("csv", path_or_paths, features, options), split=split)

    @classmethod
    def from_json(
        cls,
        path_or_paths: Any,
        features: Features | None = None,
        *,
        split: str | None = None,
        **options: Any,
    ) -> Self:
        """Read JSON and JSON Lines files; `field` names the list inside one JSON object."""
        return cls(read_files("json", path_or_paths, features, options), split=split)

    @classmethod
    def from_parquet(
        cls,
        path_or_paths: Any,
        features: Features | None = None,
        *,
        split: str | None = None,
        **options: Any,
    ) -> Self:
        """Read Parquet files."""
        return cls(read_files("parquet", path_or_paths, features, options), split=split)

    @classmethod
    def from_file(cls, filename: Any, *, split: str | None = None, **options: Any) -> Self:
        """Map an Arrow file into memory."""
        return cls(read_files("arrow", filename, None, options), split=split)

    @classmethod
    def from_text(
        cls,
        path_or_paths: Any,
        features: Features | None = None,
        *,
        split: str | None = None,
        **options: Any,
    ) -> Self:
        """Read text files: a row per line, paragraph or file (`sample_by`)."""
        return cls(read_files("text", path_or_paths, features, options), split=split)

    @classmethod
    def from_conll(
        cls,
        path_or_paths: Any,
        features: Features | None = None,
        *,
        split: str | None = None,
        **options: Any,
    ) -> Self:
        """Read CoNLL files: a row per sentence, a list per column."""
        return cls(read_files("conll", path_or_paths, features, options), split=split)

    @classmethod
    def from_sql(
        cls,
        sql: str,
        con: Any = None,
        features: Features | None = None,
        *,
        split: str | None = None,
    ) -> Self:
        """Run a query with DuckDB, over files or a database.

        Args:
            sql: The query; `FROM 'file.csv'` reads a file.
            con: An open connection, the path of a DuckDB or SQLite database, or None.
            features: What the columns hold.
            split: Name of the split.
        """
        from reprise.data.sources.sql import query

        return cls(memory.from_table(query(sql, con), features), split=split)

    @classmethod
    def from_hf(cls, dataset: Any, *, split: str | None = None) -> Self:
        """Take over a data set of the library `datasets`: its memory, order and features."""
        from reprise.data.foreign import from_hf

        return cls(from_hf(dataset), split=split)
