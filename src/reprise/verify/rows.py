"""Read one split of a data set from the files of a repo, as `load_dataset` does. Nothing is run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, InvalidInput, NotFound
from reprise.base.optional import require

MAX_ROWS = 10_000_000


@dataclass(frozen=True)
class Rows:
    """Rows of one split.

    Attributes:
        columns: Column name -> values, all of one length.
        content_sha256: Of names, types and values of the whole split, whatever file it came from.
        names: Column name -> names of its class labels, where it has any.
    """

    columns: dict[str, list[Any]]
    content_sha256: str
    names: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def head(self, limit: int | None) -> "Rows":
        """Return the first rows only."""
        if limit is None or limit >= len(self):
            return self
        return replace(self, columns={name: it[:limit] for name, it in self.columns.items()})


def read_split(folder: Path, split: str, config: str | None = None) -> Rows:
    """Read a split.

    Args:
        folder: Root of the data set's repo.
        split: Its name.
        config: Name of the configuration.

    Raises:
        NotFound: The repo has no such configuration or split; the message names what it has.
        InvalidFormat: A file cannot be read; the message names it.
        MissingExtra: pyarrow is not installed.
    """
    require("pyarrow", extra="data")
    from reprise.data import load_dataset

    try:
        found = load_dataset(str(folder), config, split=split)
    except (InvalidFormat, NotFound):
        raise
    except InvalidInput as error:
        raise NotFound(error.message, hint=error.hint) from None
    if found.num_rows > MAX_ROWS:
        raise InvalidFormat(f"Split {split!r} has more than {MAX_ROWS:,} rows.")
    return rows_of(found)


def rows_of(found: Any) -> Rows:
    """Take all rows of a `reprise.data.Dataset`."""
    from reprise.data.content import content_id

    labels = {name: _label_names(feature) for name, feature in found.features.items()}
    named = {name: it for name, it in labels.items() if it}
    return Rows(found.to_dict(), content_id(found.to_arrow()), named)


def _label_names(feature: Any) -> tuple[str, ...]:
    """Return the names of class labels, also of those in lists."""
    return tuple(getattr(getattr(feature, "feature", feature), "names", None) or ())
