"""Which attention heads matter (Michel et al., 2019); `prune_heads` of a model takes them out."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor


def head_importance(model: Any, batches: Iterable[Mapping[str, Any]]) -> "Tensor":
    """Measure how much the loss moves with each head's gate: [layers, heads], not negative.

    The mean over the batches of the absolute gradient of the loss by a gate of 1 on each head's
    output, weighted by the number of rows. The model's weights are not touched.

    Args:
        model: A model with a head, on the torch engine.
        batches: Arguments of its call, with labels.

    Raises:
        InvalidInput: There is no batch, or a call gives no loss.
    """
    import torch

    attention = model.tower.stack.attention
    gates = torch.ones(model.tower.stack.layers, attention.heads, device=model.device)
    gates.requires_grad_()
    total, rows = torch.zeros_like(gates), 0
    for batch in batches:
        output = model(**batch, head_mask=gates)
        if output.loss is None:
            raise InvalidInput("Head importance needs a loss: give labels with every batch.")
        (moved,) = torch.autograd.grad(output.loss, gates)
        size = len(next(iter(batch.values())))
        total, rows = total + moved.abs() * size, rows + size
    if not rows:
        raise InvalidInput("Head importance needs at least one batch.")
    return (total / rows).detach()
