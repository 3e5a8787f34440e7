"""Numbers in 8 or 4 bits made from a model's weights, one matrix in memory at a time."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models import names
from reprise.models.onnx.groups import BLOCK, Group, groups
from reprise.models.plan import Plan
from reprise.models.weights.save import save_safetensors
from reprise.models.weights.stored import StoredTensor

Advance = Callable[[int], None]
Content = tuple[str, str, tuple[int, ...], Callable[[], memoryview]]
_ROWS = 4096  # made at once: what is in between takes little memory


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
        parts = []
        for part in self._parts():
            apart = _in_blocks(part)
            high, low = apart.max(axis=2), apart.min(axis=2)
            parts.append(np.where(high > -low, high, low) / -self._middle)
        found: np.ndarray = np.concatenate(parts).astype(np.float32)
        if not np.isfinite(found).all():
            raise InvalidInput(f"{self.group.name} holds numbers that are not finite.",
                               hint="Ask for another commit of this model.")  # fmt: skip
        return found

    def numbers(self) -> np.ndarray:
        """Numbers [out, blocks, bytes]."""
        scales, start, found = np.where(self.scales == 0, 1, self.scales), 0, []
        for part in self._parts():
            end = start + len(part)
            steps = _in_blocks(part) / scales[start:end, :, None]
            np.rint(steps, out=steps)
            steps += self._middle
            np.clip(steps, 0, 2 * self._middle - 1, out=steps)
            found.append(_packed(steps.astype(np.uint8), self._middle))
            start = end
        return np.concatenate(found)

    def bias(self) -> np.ndarray:
        """Biases [out]."""
        pairs = zip(self.group.modules, self.group.rows, strict=True)
        return np.concatenate([self._canonical(f"{module}.bias") if f"{module}.bias"
                               in self._plan.shapes else np.zeros(rows, np.float32)
                               for module, rows in pairs])  # fmt: skip

    def _parts(self) -> Iterator[np.ndarray]:
        for module in self.group.modules:
            whole = self._canonical(f"{module}.weight").reshape(-1, self.group.into)
            for start in range(0, len(whole), _ROWS):
                yield whole[start : start + _ROWS]

    def _canonical(self, name: str) -> np.ndarray:
        place = self._plan.places[name]
        stored = self._tensors[place.stored].numpy(widen=True)
        found: np.ndarray = names.split(place, stored, self._plan.shapes)[name]
        return found.astype(np.float32, copy=False)


def _in_blocks(rows: np.ndarray) -> np.ndarray:
    lacking = -rows.shape[1] % BLOCK
    padded = np.pad(rows, ((0, 0), (0, lacking))) if lacking else np.ascontiguousarray(rows)
    return padded.reshape(len(rows), -1, BLOCK)


def _packed(steps: np.ndarray, middle: int) -> np.ndarray:
    return steps if middle > 8 else steps[..., 0::2] | (steps[..., 1::2] << 4)  # noqa: PLR2004


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
    for group in groups(plan):
        matrix = Matrix(plan, tensors, group, bits)
        for name, (dtype, shape) in group.shapes(bits).items():
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
