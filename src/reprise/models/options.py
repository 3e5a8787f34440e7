"""How to load a model."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from reprise.models.weights import Checkpoint

_SMALL = 1 << 16  # bytes: tensors up to here go into the seed


@dataclass(frozen=True)
class Options:
    """How to load.

    Attributes:
        engine: `torch`, `onnx`, or `auto`: torch where it is installed.
        dtype: Type of the weights; None or "auto" keeps the file's.
        device: Where torch puts them.
        seed: What a new head is drawn with; None derives it from the weights.
        strict: Whether names that nobody knows are an error.
        new_head: Whether a head in the file is left aside and a new one drawn.
        more: Arguments of an engine's own.
    """

    engine: str = "auto"
    dtype: Any = None
    device: Any = "cpu"
    seed: int | None = None
    strict: bool = True
    new_head: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def seed_for(self, checkpoint: Checkpoint) -> int:
        """Return the seed; without one of the caller's, the same weights give the same."""
        return seed_of(checkpoint) if self.seed is None else self.seed


def seed_of(checkpoint: Checkpoint) -> int:
    """Derive a seed from the weights, so that a new head is the same in every run."""
    digest = hashlib.sha256()
    for name, tensor in checkpoint.items():
        digest.update(f"{name} {tensor.dtype} {tensor.shape};".encode())
        place = tensor.location
        if place is not None and place.length <= _SMALL:
            digest.update(tensor.buffer())
    return int.from_bytes(digest.digest()[:7], "big")
