"""Write a model as other libraries read it."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reprise.models.weights import save_safetensors
from reprise.models.weights.dtypes import TORCH
from reprise.models.weights.save import MAX_SHARD

log = logging.getLogger(__name__)
_SPELLED = {name: ours for ours, name in TORCH.items()}


def save(model: Any, folder: Path, *, max_shard_bytes: int = MAX_SHARD) -> list[Path]:
    """Write `config.json` and the weights as safetensors, in shards where they are big.

    Names and layouts are those of the reference, tied tensors are written once, and each file
    appears whole or not at all.

    Args:
        model: A model of this engine.
        folder: Made when it is absent.
        max_shard_bytes: Where to cut.

    Returns:
        The files, the configuration first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{model.family.prefix}{model.plan.head_name}"
    config = model.config.replace(
        architectures=[name], dtype=str(model.dtype).removeprefix("torch."),
        model_type=model.family.model_type,
    )  # fmt: skip
    tensors = ((stored, *_described(tensor)) for stored, tensor in model.stored_state().items())
    weights = save_safetensors(
        folder, tensors, max_shard_bytes=max_shard_bytes, metadata={"format": "pt"}
    )
    return [config.save(folder), *weights]


def _described(tensor: Tensor) -> tuple[str, tuple[int, ...], memoryview]:
    whole = tensor.detach().to("cpu").contiguous()
    raw = whole.reshape(-1).view(torch.uint8).numpy() if whole.numel() else whole.numpy()
    return _spelled(tensor.dtype), tuple(tensor.shape), memoryview(raw)  # type: ignore[arg-type]


def _spelled(dtype: torch.dtype) -> str:
    return _SPELLED[str(dtype).removeprefix("torch.")]
