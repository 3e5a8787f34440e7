"""Spectrograms to vectors: two convolutions, the second halving time, then stored sinusoids."""

from torch import Tensor, nn
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.torch.call import Inputs
from reprise.models.torch.layers import Table, parameter


class Convolution(nn.Module):
    """Weight [C, channels, 3] over time."""

    def __init__(self, width: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight, self.bias = parameter(width, channels, 3), parameter(width)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve x [B, channels, time]."""
        return functional.conv1d(x, self.weight, self.bias, stride=self.stride, padding=1)


class FrameEmbed(nn.Module):
    """Whisper's stem."""

    def __init__(self, frames: spec.Frames, rates: spec.Dropout) -> None:
        super().__init__()
        self.spec, self.rate = frames, rates.hidden
        self.conv1 = Convolution(frames.width, frames.mels, 1)
        self.conv2 = Convolution(frames.width, frames.width, 2)
        self.positions = Table(frames.rows, frames.width)

    def forward(self, given: Inputs) -> Tensor:
        """Embed `input_features` [B, mels, 2 * rows] as [B, rows, C]."""
        features = given.input_features
        wanted = (self.spec.mels, 2 * self.spec.rows)
        if features is None or tuple(features.shape[1:]) != wanted:
            got = "nothing" if features is None else list(features.shape)
            raise InvalidInput(f"input_features must be [B, {wanted[0]}, {wanted[1]}], not {got}.")
        x = functional.gelu(self.conv1(features.to(self.conv1.weight.dtype)))
        x = functional.gelu(self.conv2(x)).transpose(1, 2)
        return functional.dropout(x + self.positions.weight, self.rate, self.training)
