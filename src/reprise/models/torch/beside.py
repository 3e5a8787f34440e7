"""The convolution that runs beside the first layer (DeBERTa-v2 xlarge)."""

from torch import Tensor, nn
from torch.nn import functional

from reprise.models import spec
from reprise.models.torch.layers import activation, make_norm, parameter


class Beside(nn.Module):
    """Convolve what layer 0 reads, add it to what layer 0 gives, normalise."""

    def __init__(self, stack: spec.Stack) -> None:
        super().__init__()
        self.groups, self.act = stack.convolution_groups, activation(stack.convolution_act)
        self.weight = parameter(stack.width, stack.width // self.groups, stack.convolution)
        self.bias = parameter(stack.width)
        self.norm = make_norm(stack.width, stack.norm)

    def forward(self, before: Tensor, after: Tensor, padding: Tensor | None) -> Tensor:
        """Join the states before and after layer 0 [B, T, C]; padding comes out as zero."""
        around = (self.weight.shape[-1] - 1) // 2
        turned = before.transpose(1, 2)
        found = functional.conv1d(
            turned, self.weight, self.bias, padding=around, groups=self.groups
        )
        found = found.transpose(1, 2)
        if padding is not None:
            found = found * padding[..., None].to(found.dtype)
        x = self.norm(after + self.act(found))
        return x if padding is None else x * padding[..., None].to(x.dtype)
