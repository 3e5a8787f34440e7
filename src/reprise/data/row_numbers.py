"""Row numbers in an Arrow file, column `row`, as one piece that can be mapped as an array."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from reprise.data.permutation import Indices

_FEW = 1 << 16  # numbers that wait in memory


class RowNumbers:
    """Takes row numbers as they come; the file is there when the block is left without an error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw = path.with_suffix(".rows")
        self._waiting: list[Indices] = []
        self._count = self._written = 0
        self._file: Any = None

    def __enter__(self) -> "RowNumbers":
        self._file = self._raw.open("wb")
        return self

    def add(self, rows: Any) -> None:
        """Add the next numbers."""
        self._waiting.append(np.ascontiguousarray(rows, np.int64))
        self._count += len(rows)
        if self._count - self._written > _FEW:
            self._flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        try:
            if kind is None:
                self._flush()
            self._file.close()
            if kind is None:
                self._finish()
        finally:
            self._raw.unlink(missing_ok=True)

    def _flush(self) -> None:
        for part in self._waiting:
            self._file.write(part.data)
        self._waiting, self._written = [], self._count

    def _finish(self) -> None:
        rows = np.memmap(self._raw, np.int64, "r") if self._count else np.array([], np.int64)
        table = pa.table({"row": rows})
        with pa.ipc.new_file(str(self._path), table.schema) as file:
            file.write_table(table)
