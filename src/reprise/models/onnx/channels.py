"""8 bits: the numbers of an output channel share a scale."""

from functools import cached_property

import numpy as np

from reprise.models.onnx.matrix import Matrix

_STEPS = 127  # with a sign, zero in the middle


class Channels:
    """A matrix in 8 bits, turned: [in, out]."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    @cached_property
    def scales(self) -> np.ndarray:
        """Scales [out]."""
        found = np.empty(self.matrix.group.out, np.float32)
        for start, rows in self.matrix.parts():
            found[start : start + len(rows)] = np.abs(rows).max(axis=1) / _STEPS
        return self.matrix.check(found)

    def numbers(self) -> np.ndarray:
        """Numbers [in, out]."""
        turned = 1 / np.where(self.scales == 0, np.float32(1), self.scales)
        found = np.empty((self.matrix.group.into, self.matrix.group.out), np.int8)
        for start, rows in self.matrix.parts():
            end = start + len(rows)
            found[:, start:end] = np.rint(rows * turned[start:end, None]).T
        return found
