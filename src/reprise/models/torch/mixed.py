"""A text and an image as one row: tokens first, then the patches, each marked as what it is."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.torch.call import Inputs
from reprise.models.torch.embed import Embed
from reprise.models.torch.layers import Table
from reprise.models.torch.patches import PatchEmbed


class _Image(PatchEmbed):
    """Patches of an image of any size: positions are stretched to its grid, corner to corner."""

    def _positions(self, grid: tuple[int, int]) -> Tensor:
        table, tokens = self.positions.weight, self.spec.tokens
        sides = zip(self.spec.image, self.spec.patch, strict=True)
        seen = tuple(image // patch for image, patch in sides)
        square = table[tokens:].view(1, *seen, -1).permute(0, 3, 1, 2)
        stretched = functional.interpolate(square, size=grid, mode="bilinear", align_corners=True)
        return torch.cat((table[None, :tokens], stretched.flatten(2).transpose(1, 2)), dim=1)


class MixedEmbed(nn.Module):
    """Embeds tokens and patches."""

    def __init__(self, mixed: spec.Mixed, rates: spec.Dropout) -> None:
        super().__init__()
        self.text, self.image = Embed(mixed.text, rates), _Image(mixed.image, rates)
        self.kinds = Table(mixed.kinds, mixed.text.width)

    def forward(self, given: Inputs) -> Tensor:
        """Embed ids [B, T] and pixels as [B, T + patches, C]; the mask grows by the patches.

        Raises:
            InvalidInput: Something is missing, or images are padded.
        """
        first = given.input_ids if given.inputs_embeds is None else given.inputs_embeds
        if first is None or given.pixel_values is None:
            raise InvalidInput("This model needs input_ids [B, T] and pixel_values of B images.")
        if given.pixel_mask is not None and not bool(given.pixel_mask.all()):
            raise InvalidInput("Images may not be padded: give those of one size together.")
        text = self.text(
            given.input_ids, table=self.text.tokens, vectors=given.inputs_embeds,
            types=given.token_type_ids, positions=given.position_ids,
        )  # fmt: skip
        image = self.image(given)
        kinds = self.kinds.weight
        if given.attention_mask is not None:
            beside = given.attention_mask.new_ones(image.shape[:2])
            given.attention_mask = torch.cat((given.attention_mask, beside), dim=1)
        return torch.cat((text + kinds[0], image + kinds[1]), dim=1)
