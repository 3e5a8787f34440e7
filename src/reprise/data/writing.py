"""The `to_…` half of a data set: files, other libraries, a hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.data import saving
from reprise.data.frame import Frame

if TYPE_CHECKING:
    from reprise.data.iterable import IterableDataset


class Writes:
    """Ways to write a data set down."""

    _frame: Frame

    def to_csv(self, path: str | Path, *, sep: str = ",") -> int:
        """Write a CSV file and return its bytes. Lists and structs are written as JSON."""
        return saving.write_csv(self._frame, Path(path), sep=sep)

    def to_json(self, path: str | Path) -> int:
        """Write JSON Lines and return the bytes."""
        return saving.write_json(self._frame, Path(path))

    def to_parquet(self, path: str | Path) -> int:
        """Write a Parquet file with the `huggingface` metadata and return its bytes."""
        return saving.write_parquet(self._frame, Path(path))

    def save_to_disk(self, dataset_path: str | Path, *, max_shard_rows: int = 1 << 20) -> None:
        """Write a folder that `load_from_disk`, here and in `datasets`, reads."""
        split = getattr(self, "split", None)
        saving.save(self._frame, Path(dataset_path), split=split, max_shard_rows=max_shard_rows)

    def push_to_hub(
        self,
        repo_id: str,
        config_name: str = "default",
        *,
        split: str | None = None,
        **options: Any,
    ) -> Any:
        """Publish as a data set repo: Parquet files and a card, in one commit.

        Args:
            repo_id: `owner/name`.
            config_name: The subset.
            split: The split; its own, or "train".
            **options: `private`, `message`, `branch`, `endpoint`, `token`, as for
                `reprise.publish`; `max_shard_rows`.
        """
        from reprise.data.publishing import push

        name = split or getattr(self, "split", None) or "train"
        return push({name: self._frame}, repo_id, config_name=config_name, **options)

    def to_hf(self) -> Any:
        """Return the same rows as a data set of the library `datasets`, which must be installed."""
        from reprise.data.foreign import to_hf

        return to_hf(self._frame)

    def to_iterable_dataset(self, num_shards: int = 1) -> "IterableDataset":
        """Return the rows as a stream that remembers where it is."""
        from reprise.data.iterable import stream_of

        return stream_of(self._frame, num_shards)
