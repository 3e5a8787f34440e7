"""4 bits: runs of numbers that share a scale."""

from functools import cached_property

import numpy as np

from reprise.models.onnx.groups import BLOCK
from reprise.models.onnx.matrix import Matrix

_MIDDLE = 8  # what stands for zero


class Blocks:
    """A matrix in 4 bits."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    @cached_property
    def scales(self) -> np.ndarray:
        """Scales [out, blocks]: the number furthest from zero is the lowest, exactly."""
        found = np.empty((self.matrix.group.out, self.matrix.group.blocks), np.float32)
        for start, rows in self.matrix.parts():
            part = _apart(rows)
            high, low = part.max(axis=2), part.min(axis=2)
            found[start : start + len(part)] = np.where(high > -low, high, low) / -_MIDDLE
        return self.matrix.check(found)

    def numbers(self) -> np.ndarray:
        """Numbers [out, blocks, bytes], two in a byte."""
        turned = 1 / np.where(self.scales == 0, np.float32(1), self.scales)
        found = np.empty((*self.scales.shape, BLOCK // 2), np.uint8)
        for start, rows in self.matrix.parts():
            part = _apart(rows)
            end = start + len(part)
            steps = part * turned[start:end, :, None]
            steps += _MIDDLE + 0.5  # what is cut off then is less than half
            np.minimum(steps, 2 * _MIDDLE - 1, out=steps)
            found[start:end] = _packed(steps.astype(np.uint8))
        return found


def _apart(rows: np.ndarray) -> np.ndarray:
    """Cut rows [rows, in] into blocks, the last one filled with zeros."""
    lacking = -rows.shape[1] % BLOCK
    padded = np.pad(rows, ((0, 0), (0, lacking))) if lacking else np.ascontiguousarray(rows)
    return padded.reshape(len(rows), -1, BLOCK)


def _packed(steps: np.ndarray) -> np.ndarray:
    return np.asarray(steps[..., 0::2] | (steps[..., 1::2] << 4))
