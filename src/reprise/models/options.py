"""How to load a model."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.weights import Checkpoint

_SMALL = 1 << 16  # bytes: tensors up to here go into the seed
_OTHER_NAMES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_OF_ONNX = ("auto", "float32", "int8", "int4")
_MOST_THREADS = 1024


def usual_dtype(given: Any) -> Any:
    """Give a type by its usual name: `bfloat16` for `bf16`."""
    return _OTHER_NAMES.get(given, given) if isinstance(given, str) else given


def usual_device(given: Any) -> Any:
    """Give a device by its usual name: transformers calls the CPU -1, and GPUs by number."""
    if isinstance(given, bool) or not isinstance(given, int):
        return given
    return "cpu" if given == -1 else f"cuda:{given}"


def check_onnx(dtype: Any, device: Any) -> None:
    """Look whether the onnx engine computes so.

    Raises:
        InvalidInput: It does not.
    """
    name = str(dtype or "auto").removeprefix("torch.")
    if name not in _OF_ONNX:
        raise InvalidInput(f"The onnx engine computes in float32, int8 or int4, not in {name}.",
                           hint="Say engine='torch', or leave dtype out.")  # fmt: skip
    if str(device or "cpu") != "cpu":
        raise InvalidInput(f"The onnx engine computes on the CPU, not on {device}.",
                           hint="Say engine='torch', or leave device out.")  # fmt: skip


def check_threads(given: Any) -> None:
    """Accept a number of threads; 0 and None leave it to the engine.

    Raises:
        InvalidInput: It is none.
    """
    whole = isinstance(given, int) and not isinstance(given, bool)
    if given is not None and not (whole and 0 <= given <= _MOST_THREADS):
        raise InvalidInput(f"threads is {given!r}; it must be a whole number up to "
                           f"{_MOST_THREADS}.")  # fmt: skip


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
