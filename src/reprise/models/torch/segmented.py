"""Relative sinusoids with learned biases (Transformer-XL), and same-segment scores (XLNet)."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from reprise.models import spec
from reprise.models.torch.call import Call
from reprise.models.torch.layers import Linear, parameter


@dataclass
class Relation:
    """What all layers share: the distances, the segments, and what the two streams exchange."""

    positions: Tensor  # sinusoids of the distances, [R, C] or [B, R, C]
    apart: Tensor | None = None  # [B, T, S], 1 where query and key are of different segments
    biases: Any = None  # of content and position (`Biases`), when all layers have the same
    memory: Tensor | None = None  # states before the layer being run, [B, M, C]
    placed: Tensor | None = None  # [B, P, T]: where the queries of the query stream stand
    two: bool = False  # a query stream follows the content stream, layer by layer
    keys: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # for it, by layer


def shift(scores: Tensor, keys: int) -> Tensor:
    """Turn scores by distance [B, H, T, R] into scores by key [B, H, T, S] (Dai et al., 2019).

    Column 0 is the distance S - 1; those of keys that a query cannot see are of no meaning.
    """
    batch, heads, queries, reach = scores.shape
    padded = torch.cat((scores.new_zeros(batch, heads, queries, 1), scores), dim=-1)
    turned = padded.view(batch, heads, reach + 1, queries)[:, :, 1:]
    return turned.reshape(batch, heads, queries, reach)[..., :keys]


class Biases(nn.Module):
    """Content and position biases [H, D]."""

    def __init__(self, heads: int, width: int) -> None:
        super().__init__()
        self.content, self.position = parameter(heads, width), parameter(heads, width)


class RelativeSinusoids(Biases):
    """One layer's projection of the distances, and its biases unless all layers share them."""

    def __init__(self, attention: spec.Attention, width: int, layer: int) -> None:
        bias = attention.score_bias
        assert isinstance(bias, spec.Segmented)
        kept = attention.kept(layer)
        shape = (len(kept), attention.width)
        super().__init__(*shape)
        self.spec, self.kept = bias, list(kept)
        self.r = Linear(shape[0] * shape[1], width, bias=False)
        if bias.shared:
            del self.content, self.position
        if bias.segments:
            self.segment, self.segments = parameter(*shape), parameter(2, *shape)

    def forward(self, q: Tensor, k: Tensor, owner: Any, call: Call) -> tuple[Tensor, Tensor]:
        """Bias the queries [B, H, T, D] for content; score distances and segments [B, H, T, S]."""
        relation: Relation = call.shared
        content, position = self._biases(relation)
        r = self.r(relation.positions)
        r = owner.heads_of(r if r.dim() == q.dim() - 1 else r[None])
        scores = shift((q + position[:, None]) @ r.transpose(-1, -2), k.shape[2])
        if relation.apart is not None and self.spec.segments:
            both = torch.einsum("bhtd,shd->bhts", q + self.segment[:, None], self.segments)
            apart = relation.apart[:, None]
            scores = scores + both[..., :1] * (1 - apart) + both[..., 1:] * apart
        return q + content[:, None], scores * owner.spec.scale_of(owner.layer)

    def _biases(self, relation: Relation) -> tuple[Tensor, Tensor]:
        if relation.biases is None:
            return self.content, self.position
        return relation.biases.content[self.kept], relation.biases.position[self.kept]
