"""To and from the library `datasets`, where somebody has it."""

from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.data.frame import Frame
from reprise.data.selection import picked
from reprise.data.sources import memory


def to_hf(frame: Frame) -> Any:
    """Return a `datasets.Dataset` over the same Arrow memory."""
    datasets = require("datasets", extra="peers")
    table = frame.table()
    features = datasets.Features.from_dict(frame.features.to_dict())
    return datasets.Dataset(datasets.table.table_cast(table, features.arrow_schema))


def from_hf(dataset: Any) -> Frame:
    """Read a `datasets.Dataset`: its Arrow memory, its order of rows, its features.

    Raises:
        InvalidInput: It is something else.
    """
    table = getattr(getattr(dataset, "data", None), "table", None)
    if table is None:
        raise InvalidInput(f"{type(dataset).__name__} is no data set of the library `datasets`.")
    from reprise.data.features import Features

    metadata = Features.from_dict(dataset.features.to_dict()).metadata
    frame = memory.from_table(table.replace_schema_metadata(metadata))
    indices = getattr(dataset, "_indices", None)
    if indices is None:
        return frame
    rows = indices.column(0).to_numpy().astype("int64")
    return frame.pick(picked(rows, frame.size))
