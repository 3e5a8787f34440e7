"""DeBERTa's scores: content to position and position to content, from one relative table."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from reprise.models import spec
from reprise.models.torch.call import Call
from reprise.models.torch.layers import Linear


def log_bucket(distance: Tensor, buckets: int, longest: int) -> Tensor:
    """Keep near distances, put far ones in logarithmic buckets, with their sign."""
    middle = buckets // 2
    near = (distance < middle) & (distance > -middle)
    size = torch.where(near, middle - 1, distance.abs()).to(torch.float32)
    far = torch.ceil(
        torch.log(size / middle) / math.log((longest - 1) / middle) * (middle - 1)
    ) + middle  # fmt: skip
    return torch.where(size <= middle, distance.to(far.dtype), far * distance.sign()).to(
        torch.int64
    )


def distances(queries: int, keys: int, bias: spec.Disentangled, device: torch.device) -> Tensor:
    """Query minus key [T, S], in buckets when the spec has them."""
    rows = torch.arange(keys - queries, keys, device=device)[:, None]
    apart = rows - torch.arange(keys, device=device)[None, :]
    return log_bucket(apart, bias.buckets, bias.distance) if bias.buckets else apart


class RelativeKeys(nn.Module):
    """One layer's scores of relative positions."""

    def __init__(self, attention: spec.Attention, width: int, layer: int) -> None:
        super().__init__()
        bias = attention.score_bias
        assert isinstance(bias, spec.Disentangled)
        self.spec = bias
        inner = len(attention.kept(layer)) * attention.width
        # Shared projections are the attention's own.
        self.k = (
            Linear(inner, width, bias=not bias.legacy) if bias.c2p and not bias.shared else None
        )
        self.q = Linear(inner, width) if bias.p2c and not bias.shared else None

    def forward(self, q: Tensor, k: Tensor, owner: Any, call: Call) -> tuple[Tensor, Tensor]:
        """Score positions: the queries unchanged, and a bias [B, H, T, S]."""
        span, scale = self.spec.span, owner.spec.scale_of(owner.layer)
        apart = distances(q.shape[2], k.shape[2], self.spec, q.device)
        shape = (*q.shape[:2], q.shape[2], k.shape[2])
        places = (apart + span).clamp(0, 2 * span - 1)
        scores = q.new_zeros(())
        if self.spec.c2p:
            keys = owner.heads_of((self.k or owner.k)(call.shared)[None])
            scores = scores + (q @ keys.transpose(-1, -2)).gather(-1, places.expand(shape))
        if self.spec.p2c:
            queries = owner.heads_of((self.q or owner.q)(call.shared)[None])
            turned = places.T.expand(*shape[:2], shape[3], shape[2])
            found = (k @ queries.transpose(-1, -2)).gather(-1, turned)
            scores = scores + found.transpose(-1, -2)
        return q, scores * scale
