"""Images to vectors: patches through one convolution, special tokens first, positions added."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.torch.call import Inputs
from reprise.models.torch.layers import Table, make_norm, parameter


class Convolution(nn.Module):
    """One vector per patch: weight [C, channels, height, width]."""

    def __init__(self, patches: spec.Patches) -> None:
        super().__init__()
        self.stride = patches.patch
        self.weight = parameter(patches.width, patches.channels, *patches.patch)
        self.bias = parameter(patches.width) if patches.bias else None

    def forward(self, pixels: Tensor) -> Tensor:
        """Turn pixels [B, channels, height, width] into a grid [B, C, rows, columns]."""
        return functional.conv2d(pixels, self.weight, self.bias, stride=self.stride)


class PatchEmbed(nn.Module):
    """Patches in reading order behind the special tokens."""

    def __init__(self, patches: spec.Patches, rates: spec.Dropout) -> None:
        super().__init__()
        self.spec, self.rate = patches, rates.hidden
        self.patches = Convolution(patches)
        self.first = parameter(patches.width)
        self.second = parameter(patches.width) if patches.tokens > 1 else None
        self.positions = Table(patches.count + patches.tokens, patches.width)
        if patches.mask_token:
            self.masked = parameter(patches.width)
        if patches.norm:
            self.norm = make_norm(patches.width, patches.norm)

    def forward(self, given: Inputs) -> Tensor:
        """Embed `pixel_values` [B, channels, height, width] as [B, tokens + patches, C]."""
        pixels = given.pixel_values
        if pixels is None:
            raise InvalidInput("An image model needs pixel_values [B, channels, height, width].")
        self._check(pixels, interpolates=given.interpolate_pos_encoding)
        grid = self.patches(pixels.to(self.first.dtype))
        x = grid.flatten(2).transpose(1, 2)
        if given.bool_masked_pos is not None:
            x = torch.where(given.bool_masked_pos.bool()[..., None], self.masked.to(x.dtype), x)
        special: list[Tensor] = [t for t in (self.first, self.second) if t is not None]
        x = torch.cat((torch.stack(special).expand(x.shape[0], -1, -1), x), dim=1)
        x = x + self._positions((grid.shape[2], grid.shape[3]))
        x = self.norm(x) if self.spec.norm else x
        return functional.dropout(x, self.rate, self.training)

    def _check(self, pixels: Tensor, *, interpolates: bool) -> None:
        if pixels.dim() != len("BCHW") or pixels.shape[1] != self.spec.channels:
            raise InvalidInput(
                f"pixel_values must be [B, {self.spec.channels}, height, width], "
                f"not {list(pixels.shape)}."
            )
        size = tuple(pixels.shape[2:])
        if size != self.spec.image and not (self.spec.interpolate or interpolates):
            raise InvalidInput(
                f"This model reads images of {self.spec.image[0]} x {self.spec.image[1]}, not "
                f"{size[0]} x {size[1]}. Resize them, or pass interpolate_pos_encoding=True."
            )

    def _positions(self, grid: tuple[int, int]) -> Tensor:
        """Positions [1, tokens + patches, C] for a grid; stretched when it is another size."""
        table, tokens = self.positions.weight, self.spec.tokens
        seen = (self.spec.image[0] // self.spec.patch[0], self.spec.image[1] // self.spec.patch[1])
        if grid == seen:
            return table[None]
        square = table[tokens:].float().view(1, *seen, -1).permute(0, 3, 1, 2)
        stretched = functional.interpolate(square, size=grid, mode="bicubic", align_corners=False)
        rows = stretched.permute(0, 2, 3, 1).flatten(1, 2).to(table.dtype)
        return torch.cat((table[None, :tokens], rows), dim=1)
