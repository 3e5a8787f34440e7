"""`config.json` as an open mapping: what a family needs is read, everything else is kept."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from reprise.base.errors import EntryNotFound, InvalidFormat
from reprise.base.files import write_bytes

FILE_NAME = "config.json"
_MAX_BYTES = 16 << 20  # label tables of real models stay under 2 MB
# Fields that every model has, unless the file says otherwise.
_COMMON: dict[str, Any] = {"output_hidden_states": False, "output_attentions": False}


class Config(Mapping[str, Any]):
    """A configuration: the file's own keys over a family's defaults.

    Keys read as items or as attributes. Keys that nobody knows are kept and written back.
    `replace` gives a changed copy; nothing changes in place.
    """

    def __init__(self, data: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> None:
        self._data = dict(data)
        self._defaults = _COMMON | dict(defaults or {})

    def __getitem__(self, key: str) -> Any:
        if key in self._data:
            return self._data[key]
        return self._defaults[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._defaults | self._data)

    def __len__(self) -> int:
        return len(self._defaults | self._data)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"The configuration has no {key!r}.") from None

    def __repr__(self) -> str:
        return f"Config({self._data!r})"

    @property
    def model_type(self) -> str:
        """The family's word for the architecture, as in the file."""
        return str(self.get("model_type", ""))

    @property
    def num_labels(self) -> int:
        """How many labels a classifying head has."""
        labels = self.get("id2label")
        if isinstance(labels, Mapping) and labels:
            return len(labels)
        return int(self.get("_num_labels") or 2)

    @property
    def id2label(self) -> dict[int, str]:
        """Label names by number."""
        labels = self.get("id2label")
        if labels:
            return _label_names(labels)
        return {number: f"LABEL_{number}" for number in range(self.num_labels)}

    @property
    def label2id(self) -> dict[str, int]:
        """Label numbers by name."""
        return {name: number for number, name in self.id2label.items()}

    def replace(self, **changes: Any) -> Self:
        """Copy it with some keys changed; `num_labels` makes new label names."""
        data = dict(self._data)
        if "num_labels" in changes and changes["num_labels"] != self.num_labels:
            names = {str(n): f"LABEL_{n}" for n in range(changes["num_labels"])}
            data |= {"id2label": names, "label2id": {name: int(n) for n, name in names.items()}}
        data |= {key: value for key, value in changes.items() if key != "num_labels"}
        return type(self)(data, self._defaults)

    def over(self, defaults: Mapping[str, Any]) -> Self:
        """Copy it over a family's defaults."""
        return type(self)(self._data, defaults)

    def to_dict(self) -> dict[str, Any]:
        """Return the keys the file holds, and no defaults."""
        return dict(self._data)

    def save(self, folder: Path) -> Path:
        """Write `config.json` into a folder, atomically."""
        path = folder / FILE_NAME
        text = json.dumps(self._data, indent=2, sort_keys=True, ensure_ascii=False)
        write_bytes(path, (text + "\n").encode())
        return path


def _label_names(labels: Any) -> dict[int, str]:
    try:
        return {int(number): str(name) for number, name in labels.items()}
    except (AttributeError, TypeError, ValueError):
        raise InvalidFormat(
            f"id2label must map numbers to names, unlike {labels!r:.100}."
        ) from None


def read_config(folder: Path) -> Config:
    """Read `config.json` of a folder.

    Raises:
        EntryNotFound: There is none.
        InvalidFormat: It is not a JSON object, or far too large.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise EntryNotFound(f"{folder} holds no {FILE_NAME}, so it is no model to load.")
    if path.stat().st_size > _MAX_BYTES:
        raise InvalidFormat(f"{path} is larger than {_MAX_BYTES >> 20} MiB: no configuration is.")
    return parse_config(path.read_bytes(), str(path))


def parse_config(text: bytes, origin: str = FILE_NAME) -> Config:
    """Parse the bytes of a `config.json`.

    Raises:
        InvalidFormat: It is not a JSON object.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFormat(f"{origin} is not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise InvalidFormat(f"{origin} must hold a JSON object, not {type(data).__name__}.")
    return Config(data)
