"""The weights of layers that are one matrix, a few rows in memory at a time."""

from collections.abc import Iterator, Mapping

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models import names
from reprise.models.onnx.groups import Group
from reprise.models.plan import Plan
from reprise.models.weights.stored import StoredTensor

_CHUNK = 1 << 17  # numbers made at once: what is in between stays in the processor's cache


class Matrix:
    """One group's weights, a few rows of them at a time.

    Args:
        plan: Whose.
        tensors: Stored name (of the plan) to tensor.
        group: Which.
    """

    def __init__(self, plan: Plan, tensors: Mapping[str, StoredTensor], group: Group) -> None:
        self._plan, self._tensors, self.group = plan, tensors, group

    def parts(self) -> Iterator[tuple[int, np.ndarray]]:
        """Give a few rows [rows, in] at a time, and the first row's number."""
        start, step = 0, max(1, _CHUNK // self.group.into)
        for module in self.group.modules:
            whole = self._canonical(f"{module}.weight").reshape(-1, self.group.into)
            for row in range(0, len(whole), step):
                yield start + row, whole[row : row + step]
            start += len(whole)

    def bias(self) -> np.ndarray:
        """Biases [out]."""
        pairs = zip(self.group.modules, self.group.rows, strict=True)
        return np.concatenate([self._canonical(f"{module}.bias") if f"{module}.bias"
                               in self._plan.shapes else np.zeros(rows, np.float32)
                               for module, rows in pairs])  # fmt: skip

    def check(self, scales: np.ndarray) -> np.ndarray:
        """Give scales back if they are numbers.

        Raises:
            InvalidInput: A weight is not finite.
        """
        if not np.isfinite(scales).all():
            raise InvalidInput(
                f"{self.group.name} holds numbers that are not finite.",
                hint="Ask for another commit of this model.",
            )
        return scales

    def _canonical(self, name: str) -> np.ndarray:
        place = self._plan.places[name]
        stored = self._tensors[place.stored].numpy(widen=True)
        found: np.ndarray = names.split(place, stored, self._plan.shapes)[name]
        return found.astype(np.float32, copy=False)
