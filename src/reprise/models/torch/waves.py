"""Samples of sound to vectors: convolutions, a projection, and a convolution for places."""

from torch import Tensor, nn
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.torch.call import Inputs
from reprise.models.torch.layers import Linear, activation, make_norm, parameter

_EPS = 1e-5  # of norms between convolutions, whatever the configuration says


class _Kernel(nn.Module):
    """Weight [out, in, kernel] over time."""

    def __init__(self, out: int, into: int, kernel: int, *, bias: bool) -> None:
        super().__init__()
        self.weight = parameter(out, into, kernel)
        self.bias = parameter(out) if bias else None


class _Convolution(nn.Module):
    """One convolution, a norm perhaps, and the activation."""

    def __init__(self, waves: spec.Waves, number: int) -> None:
        super().__init__()
        into = waves.channels[number - 1] if number else 1
        out = waves.channels[number]
        self.stride, self.act = waves.strides[number], activation(waves.act)
        self.conv = _Kernel(out, into, waves.kernels[number], bias=waves.bias)
        self.normed = waves.norm_of(number)
        if self.normed:
            self.norm = make_norm(out, spec.Norm(eps=_EPS))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x [B, channels, time]."""
        x = functional.conv1d(x, self.conv.weight, self.conv.bias, stride=self.stride)
        if self.normed == "group":  # each channel by itself, over time
            given = dict(self.norm.named_parameters())
            x = functional.group_norm(x, x.shape[1], given["weight"], given["bias"], _EPS)
        elif self.normed == "layer":
            x = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return self.act(x)


class _Places(nn.Module):
    """Tells where a state stands by those around it; the weight is a direction and its length."""

    def __init__(self, waves: spec.Waves) -> None:
        super().__init__()
        self.kernel, self.groups = waves.places, waves.groups
        self.act = activation(waves.act)
        self.scale = parameter(1, 1, waves.places)
        self.direction = parameter(waves.width, waves.width // waves.groups, waves.places)
        self.bias = parameter(waves.width)
        self.norm = make_norm(waves.width, waves.norm_places) if waves.norm_places else None

    def forward(self, x: Tensor) -> Tensor:
        """Add places to x [B, T, C]."""
        length = self.direction.norm(dim=(0, 1), keepdim=True)
        found = functional.conv1d(
            x.transpose(1, 2), self.direction * (self.scale / length), self.bias,
            padding=self.kernel // 2, groups=self.groups,
        )[..., : x.shape[1]]  # fmt: skip
        x = x + self.act(found).transpose(1, 2)
        return x if self.norm is None else self.norm(x)


class WaveEmbed(nn.Module):
    """The stem of wav2vec 2.0."""

    def __init__(self, waves: spec.Waves, rates: spec.Dropout) -> None:
        super().__init__()
        self.spec, self.rate = waves, rates.hidden
        self.convs = nn.ModuleList(_Convolution(waves, n) for n in range(len(waves.channels)))
        if waves.norm:
            self.norm = make_norm(waves.channels[-1], waves.norm)
        self.project = Linear(waves.width, waves.channels[-1])
        self.places = _Places(waves)

    def forward(self, given: Inputs) -> Tensor:
        """Embed `input_values` [B, N] as [B, T, C].

        Raises:
            InvalidInput: There are no samples, too few, or padding among them.
        """
        samples, mask = given.input_values, given.attention_mask
        if samples is None or samples.dim() != 2 or samples.shape[1] < self.spec.shortest:  # noqa: PLR2004
            raise InvalidInput(f"This model hears input_values [B, N] of at least "
                               f"{self.spec.shortest} samples.")  # fmt: skip
        if mask is not None and not bool(mask.all()):
            raise InvalidInput("Sound may not be padded: give sounds of one length together.")
        given.attention_mask = None  # of samples; states are fewer
        x = samples.to(self.project.weight.dtype)[:, None]
        for convolution in self.convs:
            x = convolution(x)
        x = x.transpose(1, 2)
        x = self.project(self.norm(x) if self.spec.norm else x)
        return functional.dropout(self.places(x), self.rate, self.training)
