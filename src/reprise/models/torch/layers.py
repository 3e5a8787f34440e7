"""Layers that take their weights from a file: none is ever initialised by being made.

`torch.nn`'s own layers fill their weights with random numbers at once, which costs a second for
an embedding on the meta device and is thrown away on load. These leave their memory untouched;
`initialise.py` fills what a checkpoint does not hold.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec

META = torch.device("meta")
# Seen with 2 to 16 threads of MKL: sums of 1,024 products are cut among them where there are few
# rows, those of 512 are not. With fewer than 16 rows it computes in another way anyhow.
_WHOLE_SUM, _PART, _FEWEST_ROWS = 768, 512, 16


class Linear(nn.Linear):
    """Weight [out, in]; made without memory."""

    def __init__(self, out: int, into: int, *, bias: bool = True) -> None:
        super().__init__(into, out, bias=bias, device=META)

    def reset_parameters(self) -> None:
        """Leave the weights to the loader."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply x [..., in] by the weight."""
        if self.in_features > _WHOLE_SUM and _sums_are_shared(x):
            return _in_parts(x, self.weight, self.bias)
        return functional.linear(x, self.weight, self.bias)


def _sums_are_shared(x: Tensor) -> bool:
    """Tell whether MKL would cut sums among threads, and where depends on the number of rows."""
    return (
        torch.is_inference_mode_enabled()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and torch.get_num_threads() > 1
        and x.numel() >= _FEWEST_ROWS * x.shape[-1]
    )


def _in_parts(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Add up sums so short that MKL leaves each of them to one thread."""
    flat = x.reshape(-1, x.shape[-1])
    found = functional.linear(flat[:, :_PART], weight[:, :_PART], bias)
    for start in range(_PART, flat.shape[1], _PART):
        part = slice(start, start + _PART)
        found.addmm_(flat[:, part], weight[:, part].T)
    return found.view(*x.shape[:-1], -1)


class Table(nn.Module):
    """Rows to look up: weight [rows, width]."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(rows, width, device=META))

    def forward(self, ids: Tensor) -> Tensor:
        """Look up ids [...]; returns [..., width]."""
        return functional.embedding(ids, self.weight)


def parameter(*shape: int) -> nn.Parameter:
    """Make one tensor without memory."""
    return nn.Parameter(torch.empty(shape, device=META))


class LayerNorm(nn.Module):
    """Layer norm over the last side, with or without bias."""

    def __init__(self, width: int, norm: spec.Norm) -> None:
        super().__init__()
        self.eps, self.shape = norm.eps, (width,)
        self.weight = parameter(width) if norm.affine else None
        self.bias = parameter(width) if norm.affine and norm.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x [..., C]."""
        return functional.layer_norm(x, self.shape, self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """Root mean square norm in float32, cast back before the weight (Llama) or after (Gemma)."""

    def __init__(self, width: int, norm: spec.Norm) -> None:
        super().__init__()
        self.eps, self.plus_one = norm.eps, norm.kind == "rms1p"
        self.weight = parameter(width)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x [..., C]."""
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        if self.plus_one:
            return (wide * (1.0 + self.weight.float())).type_as(x)
        return self.weight * wide.to(x.dtype)


def make_norm(width: int, norm: spec.Norm) -> nn.Module:
    """Make the module of a norm."""
    return LayerNorm(width, norm) if norm.kind == "layer" else RMSNorm(width, norm)


def _tanh_gelu(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "": lambda x: x, "linear": lambda x: x, "gelu": functional.gelu, "gelu_new": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu, "gelu_fast": _tanh_gelu, "relu": functional.relu,
    "silu": functional.silu, "swish": functional.silu, "tanh": torch.tanh,
    "sigmoid": torch.sigmoid, "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "relu2": lambda x: functional.relu(x).square(),
}  # fmt: skip


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """Find an activation by the name configurations use.

    Raises:
        InvalidInput: None has that name.
    """
    if name not in ACTIVATIONS:
        raise InvalidInput(f"Activation {name!r} is not known; known: {', '.join(ACTIVATIONS)}.")
    return ACTIVATIONS[name]
