"""Put a tensor in the place of a parameter."""

from torch import Tensor, nn


def assign(model: nn.Module, name: str, tensor: Tensor) -> None:
    """Make a tensor the parameter of that canonical name, without copying."""
    owner, _, leaf = name.rpartition(".")
    module = model.get_submodule(owner)
    setattr(module, leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
