"""Fill parameters that no checkpoint holds, from a seed."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reprise.models.torch.assign import assign


def initialise(model: nn.Module, names: Iterable[str], std: float,
               generator: torch.Generator, dtype: torch.dtype) -> None:  # fmt: skip
    """Draw parameters: norms start as nothing, biases at zero, matrices at a normal of `std`.

    Args:
        model: Whose parameters to fill; on the meta device until now.
        names: Canonical names, drawn in sorted order so that a seed gives one result.
        std: Standard deviation of the matrices.
        generator: Where the random numbers come from.
        dtype: Type of the new tensors.
    """
    for name in sorted(names):
        shape = model.get_parameter(name).shape
        assign(model, name, _drawn(name, shape, std, generator).to(dtype))


def _drawn(name: str, shape: torch.Size, std: float, generator: torch.Generator) -> Tensor:
    part = name.split(".")[-2] if "." in name else name
    if name.endswith("bias"):
        return torch.zeros(shape)
    if "norm" in part or part.startswith("scale"):
        return torch.ones(shape)
    return torch.empty(shape).normal_(0.0, std, generator=generator)
