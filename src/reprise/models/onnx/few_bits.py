"""A model's matrices in 8 or 4 bits, made one at a time."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.onnx.blocks import Blocks
from reprise.models.onnx.channels import Channels
from reprise.models.onnx.groups import groups
from reprise.models.onnx.matrix import Matrix
from reprise.models.plan import Plan
from reprise.models.weights.save import save_safetensors
from reprise.models.weights.stored import StoredTensor

Advance = Callable[[int], None]
Content = tuple[str, str, tuple[int, ...], Callable[[], memoryview]]


class Rounding(Protocol):
    """A matrix in few bits."""

    matrix: Matrix

    @property
    def scales(self) -> np.ndarray:
        """What numbers are multiplied by."""

    def numbers(self) -> np.ndarray:
        """Numbers, as they are stored."""


_KINDS: Mapping[int, Callable[[Matrix], Rounding]] = {8: Channels, 4: Blocks}


def tensors_of(plan: Plan, tensors: Mapping[str, StoredTensor], bits: int,
               advance: Advance = lambda _: None) -> list[Content]:  # fmt: skip
    """Describe a plan's matrices in few bits, as `save_safetensors` takes them.

    Args:
        plan: Whose.
        tensors: Stored name (of the plan) to tensor.
        bits: Of a number: 8 or 4.
        advance: Called with how many numbers have been made.
    """
    found: list[Content] = []
    for group in groups(plan, bits):
        rounded = _KINDS[bits](Matrix(plan, tensors, group))
        for name, (dtype, shape) in group.shapes().items():
            made = partial(_made, rounded, name.rpartition(".")[2], advance)
            found.append((name, dtype, shape, made))
    return found


def _made(rounded: Rounding, which: str, advance: Advance) -> memoryview:
    if which == "scales":
        return np.ascontiguousarray(rounded.scales, "<f4").data
    if which == "bias":
        return np.ascontiguousarray(rounded.matrix.bias(), "<f4").data
    numbers = rounded.numbers()
    advance(rounded.matrix.group.out * rounded.matrix.group.into)
    return np.ascontiguousarray(numbers).data


def write(plan: Plan, tensors: Mapping[str, StoredTensor], bits: int, folder: Path) -> None:
    """Write a plan's matrices in few bits into a folder, as `model.safetensors`.

    Raises:
        InvalidInput: It cannot be written, or a number is not finite.
    """
    try:
        save_safetensors(folder, tensors_of(plan, tensors, bits), max_shard_bytes=1 << 62)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error}.",
                           hint="Name another folder: cache_dir=…") from None  # fmt: skip
