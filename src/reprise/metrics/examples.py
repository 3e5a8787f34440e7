"""Per-example results: kept always, so that later questions need no model and no GPU."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.base.files import write_bytes
from reprise.base.optional import require
from reprise.metrics.definition import Definition
from reprise.metrics.options import Options, text_of
from reprise.metrics.state import Part, State, rows_of

_FORMAT = "reprise-examples/1"


@dataclass(frozen=True)
class Examples:
    """Id, prediction and statistics of every example."""

    definition: Definition
    options: Options
    state: State

    def __len__(self) -> int:
        return self.state.examples

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each example as a dict: `id`, `prediction`, and its statistics by name."""
        names = self.definition.statistics
        for key, prediction, cells in rows_of(self.state):
            yield {"id": key, "prediction": prediction, **dict(zip(names, cells, strict=True))}

    def to_jsonl(self, path: str | Path) -> None:
        """Write a header line and one JSON object per example."""
        lines = [json.dumps(self._header(), ensure_ascii=False)]
        lines += [json.dumps(row, ensure_ascii=False, default=str) for row in self]
        write_bytes(Path(path), ("\n".join(lines) + "\n").encode())

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file: columns `id`, `prediction` and one per statistic.

        Ids, predictions and nested statistics that are no texts or numbers are written as JSON.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        arrow = require("pyarrow", extra="data")
        parquet = require("pyarrow.parquet", extra="data")
        rows = list(self)
        names = ["id", "prediction", *self.definition.statistics]
        columns = {name: [row[name] for row in rows] for name in names}
        nested = [name for name in names if not _is_plain(columns[name])]
        columns |= {name: [json.dumps(v, default=str) for v in columns[name]] for name in nested}
        header = json.dumps({**self._header(), "json": nested}, ensure_ascii=False)
        table = arrow.table(columns).replace_schema_metadata({"reprise": header})
        sink = arrow.BufferOutputStream()
        parquet.write_table(table, sink)
        write_bytes(Path(path), sink.getvalue().to_pybytes())

    def _header(self) -> dict[str, Any]:
        options = {name: text_of(value) for name, value in self.options.items()}
        return {"format": _FORMAT, "metric": self.definition.name, "options": options}


def read(definition: Definition, path: str | Path) -> State:
    """Read what `to_jsonl` or `to_parquet` wrote, ready to be finished again.

    Args:
        definition: The metric that made the statistics; a version with the same MAJOR.
        path: The file; Parquet when it ends in `.parquet`.

    Raises:
        InvalidFormat: It is no such file, or of another metric.
    """
    path = Path(path)
    try:
        rows = _parquet(path) if path.suffix == ".parquet" else _jsonl(path)
        header = next(rows)
        _check(header, definition, path)
        body = list(rows)
        cells = [tuple(row[name] for name in definition.statistics) for row in body]
        ids, predictions = [r["id"] for r in body], [r["prediction"] for r in body]
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise InvalidFormat(f"{path} holds no examples of a metric: {error!r}.") from None
    return State((Part(ids, predictions, cells),))


def _check(header: Any, definition: Definition, path: Path) -> None:
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise InvalidFormat(f"{path} does not start like {_FORMAT}.")
    identity, _, version = str(header["metric"]).rpartition("@")
    major = definition.version.partition(".")[0]
    if identity != definition.id or version.partition(".")[0] != major:
        raise InvalidFormat(
            f"{path} holds statistics of {header['metric']}, not of {definition.name}."
        )


def _is_plain(values: list[Any]) -> bool:
    """Tell whether a column has one type that Parquet knows; all others are written as JSON."""
    kinds = {type(value) for value in values if value is not None}
    return len(kinds) <= 1 and kinds <= {str, int, float, bool}


def _jsonl(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _parquet(path: Path) -> Iterator[Any]:
    parquet = require("pyarrow.parquet", extra="data")
    table = parquet.read_table(path)
    header = json.loads((table.schema.metadata or {}).get(b"reprise", b"null"))
    yield header
    for row in table.to_pylist():
        yield row | {name: json.loads(row[name]) for name in header["json"]}
