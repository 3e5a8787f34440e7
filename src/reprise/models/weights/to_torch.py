"""Stored tensors as torch tensors, without a copy where the file's layout allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.models.weights.dtypes import TORCH, byte_count

if TYPE_CHECKING:
    import torch

    from reprise.models.weights.stored import StoredTensor


def to_torch(tensor: StoredTensor) -> torch.Tensor:
    """Return a tensor over the file's own memory: writing into it changes memory, never the file.

    Strided views and tied tensors come out as such: two names of one tensor share their memory.
    What does not lie in the file as it is (unpacked, unaligned) is copied.

    Raises:
        InvalidInput: torch has no such type.
        MissingExtra: torch is not installed.
    """
    torch = require("torch", extra="torch")
    dtype = getattr(torch, TORCH.get(tensor.dtype, ""), None)
    item = byte_count(tensor.dtype, 1)
    if dtype is None or item is None:
        raise InvalidInput(f"torch has no type for {tensor.dtype} of {tensor.name!r}.")
    if not tensor.elements:
        return torch.empty(tensor.shape, dtype=dtype)  # type: ignore[no-any-return]
    place = tensor.place
    if place is None or place.offset % item:
        copied = bytearray(tensor.buffer())
        return torch.frombuffer(copied, dtype=dtype).view(tensor.shape)  # type: ignore[no-any-return]
    tensor.check_carefully()
    storage: Any = torch.frombuffer(
        place.file.private, dtype=dtype, count=place.length // item, offset=place.offset
    )
    if place.strides is not None:
        return storage.as_strided(tensor.shape, place.strides, place.start)  # type: ignore[no-any-return]
    return storage[place.start : place.start + tensor.elements].view(tensor.shape)  # type: ignore[no-any-return]
