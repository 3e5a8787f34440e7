"""Several splits under their names; whatever a data set can do is done to each."""

from collections.abc import Callable
from typing import Any

from reprise.base.errors import InvalidInput

_EACH = frozenset(
    """
map filter sort shuffle rename_column rename_columns remove_columns select_columns cast cast_column
class_encode_column flatten with_format with_transform align_labels_with_mapping flatten_indices
batch take skip
""".split()
)
_BY_SPLIT = frozenset("num_rows num_columns column_names shape features".split())


class DatasetDict(dict[str, Any]):
    """Split name -> data set. `splits.map(…)` maps every split."""

    def __getattr__(self, name: str) -> Any:
        """Return what does something to every split, or a fact of every split."""
        if name in _EACH:
            return self._each(name)
        if name in _BY_SPLIT:
            return {split: getattr(data, name) for split, data in self.items()}
        raise AttributeError(f"A DatasetDict has no {name!r}.")

    def __getitem__(self, split: str) -> Any:
        """Return a split.

        Raises:
            KeyError: There is none by that name; the message lists those there are.
        """
        if split not in self:
            raise KeyError(f"There is no split {split!r}; there are: {', '.join(map(str, self))}.")
        return super().__getitem__(split)

    def unique(self, column: str) -> dict[str, list[Any]]:
        """Return the distinct values of a column in each split."""
        return {split: data.unique(column) for split, data in self.items()}

    def save_to_disk(self, dataset_dict_path: Any, **options: Any) -> None:
        """Write every split into a folder that `load_from_disk` reads."""
        from reprise.data.saving import save_splits

        save_splits(
            {split: data.frame for split, data in self.items()}, dataset_dict_path, **options
        )

    def push_to_hub(self, repo_id: str, config_name: str = "default", **options: Any) -> Any:
        """Publish every split as one data set repo, see `Dataset.push_to_hub`."""
        from reprise.data.publishing import push

        frames = {split: data.frame for split, data in self.items()}
        return push(frames, repo_id, config_name=config_name, **options)

    def __repr__(self) -> str:
        lines = [line for split, data in self.items() for line in f"{split}: {data!r}".split("\n")]
        return "\n".join(["DatasetDict({", *(f"    {line}" for line in lines), "})"])

    def _each(self, name: str) -> Callable[..., "DatasetDict"]:
        def act(*arguments: Any, **options: Any) -> "DatasetDict":
            found = DatasetDict()
            for split, data in self.items():
                try:
                    found[split] = getattr(data, name)(*arguments, **options)
                except InvalidInput as error:
                    error.add_note(f"in split {split!r}")
                    raise
            return found

        act.__name__ = name
        act.__doc__ = f"As `Dataset.{name}`, for every split."
        return act
