"""Numbers in 8 or 4 bits made from a model's weights, one matrix in memory at a time."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models import names
from reprise.models.onnx.groups import Group, groups
from reprise.models.plan import Plan
from reprise.models.weights.save import save_safetensors
from reprise.models.weights.stored import StoredTensor

Advance = Callable[[int], None]
Content = tuple[str, str, tuple[int, ...], Callable[[], memoryview]]
_CHUNK = 1 << 17  # numbers made at once: what is in between stays in the processor's cache


class Matrix:
    """One group's numbers, made when they are asked for.

    Args:
        plan: Whose.
        tensors: Stored name (of the plan) to tensor.
        group: Which.
        bits: Of a number.
    """

    def __init__(self, plan: Plan, tensors: Mapping[str, StoredTensor], group: Group,
                 bits: int) -> None:  # fmt: skip
        self._plan, self._tensors, self.group, self._middle = plan, tensors, group, 1 << (bits - 1)

    @cached_property
    def scales(self) -> np.ndarray:
        """Scales [out, blocks]: the number furthest from zero is the lowest, exactly."""
        found = np.empty((self.group.out, self.group.blocks), np.float32)
        for start, part in self.parts():
            high, low = part.max(axis=2), part.min(axis=2)
            found[start : start + len(part)] = np.where(high > -low, high, low) / -self._middle
        if not np.isfinite(found).all():
            raise InvalidInput(
                f"{self.group.name} holds numbers that are not finite.",
                hint="Ask for another commit of this model.",
            )
        return found

    def numbers(self) -> np.ndarray:
        """Numbers [out, blocks, bytes]."""
        turned = 1 / np.where(self.scales == 0, np.float32(1), self.scales)
        bits = self._middle.bit_length()
        found = np.empty((*self.scales.shape, self.group.block * bits // 8), np.uint8)
        for start, part in self.parts():
            end = start + len(part)
            steps = part * turned[start:end, :, None]
            steps += self._middle + 0.5  # what is cut off then is less than half
            np.minimum(steps, 2 * self._middle - 1, out=steps)
            found[start:end] = _packed(steps.astype(np.uint8), bits)
        return found

    def bias(self) -> np.ndarray:
        """Biases [out]."""
        pairs = zip(self.group.modules, self.group.rows, strict=True)
        return np.concatenate([self._canonical(f"{module}.bias") if f"{module}.bias"
                               in self._plan.shapes else np.zeros(rows, np.float32)
                               for module, rows in pairs])  # fmt: skip

    def parts(self) -> Iterator[tuple[int, np.ndarray]]:
        """Give blocks [rows, blocks, block] of a few rows at a time, and the first row's number."""
        start, step = 0, max(1, _CHUNK // self.group.into)
        for module in self.group.modules:
            whole = self._canonical(f"{module}.weight").reshape(-1, self.group.into)
            for row in range(0, len(whole), step):
                part = whole[row : row + step]
                yield start + row, _apart(part, self.group.block)
            start += len(whole)

    def _canonical(self, name: str) -> np.ndarray:
        place = self._plan.places[name]
        stored = self._tensors[place.stored].numpy(widen=True)
        found: np.ndarray = names.split(place, stored, self._plan.shapes)[name]
        return found.astype(np.float32, copy=False)


def _apart(rows: np.ndarray, block: int) -> np.ndarray:
    lacking = -rows.shape[1] % block
    padded = np.pad(rows, ((0, 0), (0, lacking))) if lacking else np.ascontiguousarray(rows)
    return padded.reshape(len(rows), -1, block)


def _packed(steps: np.ndarray, bits: int) -> np.ndarray:
    return steps if bits == 8 else steps[..., 0::2] | (steps[..., 1::2] << 4)  # noqa: PLR2004


def tensors_of(plan: Plan, tensors: Mapping[str, StoredTensor], bits: int,
               advance: Advance = lambda _: None) -> list[Content]:  # fmt: skip
    """Describe a plan's matrices in blocks, as `save_safetensors` takes them.

    Args:
        plan: Whose.
        tensors: Stored name (of the plan) to tensor.
        bits: Of a number: 8 or 4.
        advance: Called with how many numbers have been made.
    """
    found: list[Content] = []
    for group in groups(plan, bits):
        matrix = Matrix(plan, tensors, group, bits)
        for name, (dtype, shape) in group.shapes().items():
            made = partial(_made, matrix, name.rpartition(".")[2], advance)
            found.append((name, dtype, shape, made))
    return found


def _made(matrix: Matrix, which: str, advance: Advance) -> memoryview:
    if which == "scales":
        return np.ascontiguousarray(matrix.scales, "<f4").data
    if which == "bias":
        return np.ascontiguousarray(matrix.bias(), "<f4").data
    numbers = matrix.numbers()
    advance(matrix.group.out * matrix.group.into)
    return np.ascontiguousarray(numbers).data


def write(plan: Plan, tensors: Mapping[str, StoredTensor], bits: int, folder: Path) -> None:
    """Write a plan's matrices in blocks into a folder, as `model.safetensors`.

    Raises:
        InvalidInput: It cannot be written, or a number is not finite.
    """
    try:
        save_safetensors(folder, tensors_of(plan, tensors, bits), max_shard_bytes=1 << 62)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error}.",
                           hint="Name another folder: cache_dir=…") from None  # fmt: skip
