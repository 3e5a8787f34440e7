"""The onnx engine's side of generation."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.models.generate.seam import Array
from reprise.models.onnx.cache import Cache
from reprise.models.onnx.fast import BufferedSteps, fits
from reprise.models.outputs import Output


class OnnxRunner:
    """A model of this engine at work for one call of `generate`."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def arrays(self, given: Any) -> Array:
        """Read an argument as an array."""
        return np.asarray(given)

    def native(self, ids: Array) -> Array:
        """Give an array as it is."""
        return ids

    def encode(self, given: Mapping[str, Any]) -> Any:
        """Run the encoder."""
        from reprise.models.onnx import arguments

        quiet = {"output_hidden_states": False, "output_attentions": False}
        return self.model.encode(arguments.arrays(given) | quiet)

    def new_cache(self) -> Cache:
        """Start a cache."""
        return Cache()

    def steps(self, new: int) -> BufferedSteps | None:
        """Start on nothing yet, with buffers; None where the model cannot decode so."""
        return BufferedSteps(self.model, new) if fits(self.model.plan) else None

    def scores(self, feeds: Mapping[str, Any], cache: Any, keep: int) -> Array:
        """Run the decoder: scores [R, keep, V] of the last tokens, float32."""
        output = self.model(**feeds, past_key_values=cache, use_cache=True, logits_to_keep=keep,
                            output_hidden_states=False, output_attentions=False)  # fmt: skip
        found: Array = output.logits[:, -keep:]
        return found

    def remembered(self, feeds: Mapping[str, Any]) -> tuple[Array, Any]:
        """Run a model that reads the whole text each time: scores [1, T, V], and no memory."""
        return self.model(**feeds).logits, None

    def reorder(self, cache: Cache, rows: Sequence[int]) -> None:
        """Keep these rows of a cache, in this order."""
        cache.reorder(np.asarray(rows))

    def join(self, cache: Cache, other: Cache) -> None:
        """Put the rows of another cache below those of the first; both end together."""
        cache.join(other)

    def pick(self, memory: Any, rows: Sequence[int]) -> Any:
        """Keep these rows of what the encoder gave, or of a mask."""
        if isinstance(memory, np.ndarray):
            return memory[list(rows)]
        return Output(last_hidden_state=np.asarray(memory[0])[list(rows)])

    def random_seed(self) -> int:
        """Draw a seed."""
        return secrets.randbits(62)
