"""What a model returns: fields by name, by item, and in order, as transformers' outputs do."""

from collections.abc import Iterator
from typing import Any


class Output(dict[str, Any]):
    """Fields of a model's answer; those that were not computed are absent.

    `output.logits`, `output["logits"]` and `output[0]` all work; a field that was not computed
    reads as None by attribute.
    """

    def __init__(self, **fields: Any) -> None:
        super().__init__({name: value for name, value in fields.items() if value is not None})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        return self.to_tuple()[key]

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def to_tuple(self) -> tuple[Any, ...]:
        """Return the values in order."""
        return tuple(self.values())
