"""Relative sinusoids with learned biases (Transformer-XL), and same-segment scores (XLNet)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reprise.models import spec
from reprise.models.torch.call import Call
from reprise.models.torch.layers import Linear, parameter


@dataclass(frozen=True)
class Relation:
    """What all layers share: sinusoids [R, C] of the distances, and who is in whose segment."""

    positions: Tensor
    apart: Tensor | None = None  # [B, T, S], 1 where query and key are of different segments


def shift(scores: Tensor, keys: int) -> Tensor:
    """Turn scores by distance [B, H, T, R] into scores by key [B, H, T, S] (Dai et al., 2019)."""
    batch, heads, queries, reach = scores.shape
    padded = torch.cat((scores.new_zeros(batch, heads, queries, 1), scores), dim=-1)
    turned = padded.view(batch, heads, reach + 1, queries)[:, :, 1:]
    return turned.reshape(batch, heads, queries, reach)[..., :keys]


class RelativeSinusoids(nn.Module):
    """One layer's projection of the distances, and its biases [H, D]."""

    def __init__(self, attention: spec.Attention, width: int, layer: int) -> None:
        super().__init__()
        bias = attention.score_bias
        assert isinstance(bias, spec.Segmented)
        self.spec, shape = bias, (len(attention.kept(layer)), attention.width)
        self.r = Linear(shape[0] * shape[1], width, bias=False)
        self.content, self.position = parameter(*shape), parameter(*shape)
        if bias.segments:
            self.segment, self.segments = parameter(*shape), parameter(2, *shape)

    def forward(self, q: Tensor, k: Tensor, owner: Any, call: Call) -> tuple[Tensor, Tensor]:
        """Bias the queries [B, H, T, D] for content; score distances and segments [B, H, T, S]."""
        relation: Relation = call.shared
        r = owner.heads_of(self.r(relation.positions)[None])
        by_distance = (q + self.position[:, None]) @ r.transpose(-1, -2)
        scores = shift(by_distance, k.shape[2])
        if relation.apart is not None and self.spec.segments:
            both = torch.einsum("bhtd,shd->bhts", q + self.segment[:, None], self.segments)
            apart = relation.apart[:, None]
            scores = scores + both[..., :1] * (1 - apart) + both[..., 1:] * apart
        return q + self.content[:, None], scores * owner.spec.scale_of(owner.layer)
