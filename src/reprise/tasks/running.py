"""Rows on an engine: NumPy arrays in and out, whichever it is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.parts import positions
from reprise.tasks.rows import Array, Pad, Row, stack, unstack
from reprise.tasks.schedule import ON_CPU, ON_GPU, Room

# Torch's kernels add up the same numbers in the same order for any number of tokens, and of rows,
# once these are padded to whole vectors of the processor (16 numbers of 4 bytes, 512 bits).
_STEP = 16
# Heads that find a row's last token by the id of the padding.
_BY_PADDING = "last_unpadded"


class Stopped(KeyboardInterrupt):
    """Somebody pressed Ctrl-C; what was done until then is kept.

    It is a KeyboardInterrupt, so that it ends a program as that does.

    Attributes:
        results: One per input, in order; None where nothing was done. Of a call that gave an
            iterator: for the inputs behind those whose results were given.
    """

    def __init__(self, results: list[Any]) -> None:
        done = sum(result is not None for result in results)
        super().__init__(f"Stopped after {done} of {len(results)} inputs.")
        self.results = results


class Runner:
    """Runs rows on one model.

    Args:
        model: A model of either engine.
        pad: How rows get one length.
    """

    def __init__(self, model: Any, pad: Pad) -> None:
        self.model, self.pad, self.positions = model, pad, positions(model)
        head = model.plan.head
        by_padding = head is not None and head.pool == _BY_PADDING
        # Without a padding token rows of different lengths must not meet.
        self.alike = pad.ids is None or (by_padding and model.config.get("pad_token_id") is None)

    @property
    def room(self) -> Room:
        """What suits the device."""
        if _on_gpu(self.model):
            return ON_GPU
        pads = self.model.engine == "torch" and not self.alike
        return replace(ON_CPU, step=_STEP) if pads else ON_CPU

    def run(self, rows: Sequence[Row], fields: Sequence[str],
            *, by_token: bool = False) -> list[dict[str, Array]]:  # fmt: skip
        """Run rows as one batch.

        Args:
            rows: What to run.
            fields: Which fields of the answer are wanted; those that are absent are left out.
            by_token: Whether they have a side for tokens, [B, T, ...].

        Returns:
            One mapping per row, without what stands at padding.
        """
        width = self._width(rows)
        answer = self.call(stack(rows, self.pad, width))
        kept = {name: answer[name] for name in fields if answer.get(name) is not None}
        arrays = {name: as_numpy(value) for name, value in kept.items()}
        return unstack(arrays, rows, self.pad, by_token=by_token, width=width)

    def _width(self, rows: Sequence[Row]) -> int:
        """Choose the width of a batch of texts: a multiple of the step, where positions reach."""
        longest = max(len(row.features.get("input_ids", ())) for row in rows)
        return max(longest, min(self.room.width(longest), self.positions)) if longest else 0

    def call(self, features: Mapping[str, Any], method: str = "__call__") -> Any:
        """Call the model, or a method of it, with arrays; torch learns nothing from it."""
        function = getattr(self.model, method)
        if self.model.engine == "onnx":
            return function(**features)
        import torch

        device, dtype = self.model.device, self.model.dtype
        with torch.inference_mode():
            return function(**{n: _tensor(v, device, dtype) for n, v in features.items()})


def _tensor(value: Any, device: Any, dtype: Any) -> Any:
    import torch

    if not isinstance(value, np.ndarray):
        return value
    tensor = torch.from_numpy(np.ascontiguousarray(value))
    kind = {"dtype": dtype} if tensor.is_floating_point() else {}
    return tensor.to(device, **kind)


def as_numpy(value: Any) -> Array:
    """Turn what an engine gives into an array of NumPy.

    Raises:
        InvalidInput: It holds numbers that are not finite.
    """
    found = value if isinstance(value, np.ndarray) else value.detach().float().cpu().numpy()
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise InvalidInput(
            "The model answered with numbers that are not finite.",
            hint="Look for NaN or infinity in the inputs; in half precision try dtype='float32'.",
        )
    return np.asarray(found)


def _on_gpu(model: Any) -> bool:
    return bool(model.engine == "torch" and model.device.type != "cpu")
