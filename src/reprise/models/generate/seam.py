"""What an engine gives the loop: a model that turns tokens into scores, with a cache of its own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, Any]


class Runner(Protocol):
    """One model at work for one call of `generate`.

    Caches are the engine's own; the loop only hands them back.
    """

    model: Any  # its plan, config and source are read

    def arrays(self, given: Any) -> Array:
        """Read an argument as an array of NumPy."""

    def native(self, ids: Array) -> Any:
        """Give an array as callers of this engine expect it."""

    def encode(self, given: Mapping[str, Any]) -> Any:
        """Run the encoder: what goes back in as `encoder_outputs`, first item [B, S, C]."""

    def new_cache(self) -> Any:
        """Start a cache."""

    def steps(self, new: int) -> Any:
        """Start on nothing yet (`steps.Steps`) in a way of the engine's own; None: it has none.

        Args:
            new: Most tokens that a row will take.
        """

    def scores(self, feeds: Mapping[str, Any], cache: Any, keep: int) -> Array:
        """Run the decoder: scores [R, keep, V] of the last tokens, float32."""

    def remembered(self, feeds: Mapping[str, Any]) -> tuple[Array, Any]:
        """Run a model that keeps a memory of states: scores [1, T, V] and the memory."""

    def reorder(self, cache: Any, rows: Sequence[int]) -> None:
        """Keep these rows of a cache, in this order."""

    def join(self, cache: Any, other: Any) -> None:
        """Put the rows of another cache below those of the first; both end together."""

    def pick(self, memory: Any, rows: Sequence[int]) -> Any:
        """Keep these rows of what the encoder gave."""

    def random_seed(self) -> int:
        """Draw a seed for a call that names none."""
