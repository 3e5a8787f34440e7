"""The torch engine's side of generation."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reprise.models.generate.seam import Array
from reprise.models.outputs import Output
from reprise.models.torch.cache import Cache


@contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    """Compute as in use, and leave a model that is in training so."""
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


class TorchRunner:
    """A model of this engine at work for one call of `generate`."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._device = model.device

    def arrays(self, given: Any) -> Array:
        """Read an argument as an array of NumPy."""
        if isinstance(given, Tensor):
            given = given.detach().cpu()
            return (given.float() if given.dtype == torch.bfloat16 else given).numpy()
        return np.asarray(given)

    def native(self, ids: Array) -> Tensor:
        """Give an array as a tensor where the model is."""
        return torch.from_numpy(np.ascontiguousarray(ids)).to(self._device)

    def _tensors(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in feeds.items():
            made[name] = value
            if isinstance(value, np.ndarray):
                tensor = self.native(value)
                made[name] = tensor.to(self.model.dtype) if tensor.is_floating_point() else tensor
        return made

    @torch.inference_mode()
    def encode(self, given: Mapping[str, Any]) -> Any:
        """Run the encoder."""
        feeds = self._tensors(given) | {"output_hidden_states": False, "output_attentions": False}
        with _without_dropout(self.model):
            return self.model.encode(feeds)

    def new_cache(self) -> Cache:
        """Start a cache."""
        return Cache()

    def steps(self, new: int) -> None:
        """Start in no way of its own."""

    @torch.inference_mode()
    def scores(self, feeds: Mapping[str, Any], cache: Any, keep: int) -> Array:
        """Run the decoder: scores [R, keep, V] of the last tokens, float32."""
        with _without_dropout(self.model):
            output = self.model(**self._tensors(feeds), past_key_values=cache, use_cache=True,
                                logits_to_keep=keep, output_hidden_states=False,
                                output_attentions=False)  # fmt: skip
        found: Array = output.logits[:, -keep:].float().cpu().numpy()
        return found

    @torch.inference_mode()
    def remembered(self, feeds: Mapping[str, Any]) -> tuple[Array, Any]:
        """Run a model that keeps a memory of states: scores [1, T, V] and the memory."""
        with _without_dropout(self.model):
            output = self.model(**self._tensors(feeds))
        scores: Array = output.logits.float().cpu().numpy()
        return scores, output.get("mems")

    @torch.inference_mode()
    def reorder(self, cache: Cache, rows: Sequence[int]) -> None:
        """Keep these rows of a cache, in this order."""
        cache.reorder(torch.tensor(rows, device=self._device))

    @torch.inference_mode()
    def join(self, cache: Cache, other: Cache) -> None:
        """Put the rows of another cache below those of the first; both end together."""
        cache.join(other)

    @torch.inference_mode()
    def pick(self, memory: Any, rows: Sequence[int]) -> Any:
        """Keep these rows of what the encoder gave, or of a mask."""
        if isinstance(memory, np.ndarray):
            return memory[list(rows)]
        first = memory[0]
        tensor = first if isinstance(first, Tensor) else self.native(np.asarray(first))
        return Output(last_hidden_state=tensor[torch.tensor(rows, device=tensor.device)])

    def random_seed(self) -> int:
        """Draw a seed from torch's own chance, so that `torch.manual_seed` decides."""
        return int(torch.randint(1 << 62, (1,)))
