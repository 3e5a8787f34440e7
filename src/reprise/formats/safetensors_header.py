"""The header of a safetensors file: which tensors, what type, what shape, where.

Layout: 8 bytes little-endian length, that many bytes of JSON, then the tensors' bytes.
"""

import json
from dataclasses import dataclass
from math import prod
from typing import Any

from reprise.base.errors import InvalidFormat

LENGTH_SIZE = 8  # bytes before the JSON
_SHORTEST = len("{}")
MAX_HEADER = 32 << 20  # bytes; the format allows 100 MB, real files stay far below
_METADATA = "__metadata__"
_MAX_DIMENSIONS = 64
_MAX_ELEMENTS = 1 << 62


@dataclass(frozen=True)
class TensorInfo:
    """One tensor. `start` and `end` are byte offsets behind the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def header_length(first: bytes) -> int:
    """Read the length of the JSON from a file's first 8 bytes.

    Raises:
        InvalidFormat: Too short a file, or a length no honest file has.
    """
    length = int.from_bytes(first[:LENGTH_SIZE], "little")
    if len(first) < LENGTH_SIZE or not _SHORTEST <= length <= MAX_HEADER:
        raise InvalidFormat("This is not a safetensors file: its first 8 bytes are no length.")
    return length


def parse_header(text: bytes) -> dict[str, TensorInfo]:
    """Parse the JSON of a header into tensors by name.

    Raises:
        InvalidFormat: Not JSON, or a tensor without type, shape or offsets.
    """
    return parse_whole_header(text)[0]


def parse_whole_header(text: bytes) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    """Parse the JSON of a header into tensors by name, and the texts stored beside them.

    Raises:
        InvalidFormat: Not JSON, or a tensor without type, shape or offsets.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidFormat("The safetensors header is not valid JSON.") from None
    if not isinstance(value, dict):
        raise InvalidFormat("The safetensors header must be a JSON object.")
    extra = value.pop(_METADATA, None) or {}
    if not isinstance(extra, dict):
        raise InvalidFormat("The metadata of a safetensors header must be a JSON object.")
    texts = {key: item for key, item in extra.items() if isinstance(item, str)}
    return {name: _tensor(name, item) for name, item in value.items()}, texts


def count_parameters(tensors: dict[str, TensorInfo]) -> dict[str, int]:
    """Count numbers by type: `{"F32": 66955010}`."""
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.elements
    return counts


def _tensor(name: str, item: Any) -> TensorInfo:
    fields: dict[str, Any] = item if isinstance(item, dict) else {}
    dtype: Any
    shape: Any
    offsets: Any
    dtype, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    fits = (
        isinstance(dtype, str)
        and _are_counts(shape, _MAX_DIMENSIONS)
        and _are_counts(offsets, len(("start", "end")))
        and offsets == sorted(offsets)
        and len(offsets) > 1
        and prod(shape) <= _MAX_ELEMENTS
    )
    if not fits:
        raise InvalidFormat(f"The safetensors header describes {name[:80]!r} wrongly.")
    return TensorInfo(dtype, tuple(shape), offsets[0], offsets[1])


def _are_counts(value: Any, most: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(item) is int and 0 <= item <= _MAX_ELEMENTS for item in value)
    )
