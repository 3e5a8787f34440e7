"""Position schemes that are a bias on the attention scores.

Each has two moments: `shared` computes once per pass what all layers use, `scores` gives one
layer's addition to the scores. Transformer-XL's and DeBERTa's live in files of their own.
"""

import math

import torch
from torch import Tensor, nn

from reprise.models.spec import Attention, Buckets, Disentangled, Segmented
from reprise.models.torch.layers import Table


def bucket(distance: Tensor, spec: Buckets) -> Tensor:
    """Put distances (key - query) into buckets: exact when near, logarithmic when far (T5)."""
    count, base = spec.count, torch.zeros_like(distance)
    if spec.both_ways:
        count //= 2
        base = (distance > 0).to(torch.int64) * count
        distance = distance.abs()
    else:
        distance = (-distance).clamp_min(0)
    exact = count // 2
    scale = (count - exact) / math.log(spec.distance / exact)
    far = exact + (torch.log(distance.float().clamp_min(1) / exact) * scale).to(torch.int64)
    return base + torch.where(distance < exact, distance, far.clamp_max(count - 1))


class BucketTable(nn.Module):
    """One learned number per bucket and head: weight [buckets, H]."""

    def __init__(self, spec: Buckets, heads: int) -> None:
        super().__init__()
        self.spec = spec
        self.weight = Table(spec.count, heads).weight

    def forward(self, queries: int, keys: int) -> Tensor:
        """Give the bias [1, H, T, S]; the queries are the last keys."""
        device = self.weight.device
        rows = torch.arange(keys - queries, keys, device=device)[:, None]
        distance = torch.arange(keys, device=device)[None, :] - rows
        return self.weight[bucket(distance, self.spec)].permute(2, 0, 1)[None]

    def placed(self, places: Tensor, queries: int) -> Tensor:
        """Give the bias [B, H, T, S] of keys that stand at places [B, S] of their rows."""
        distance = places[:, None, :] - places[:, -queries:, None]
        return self.weight[bucket(distance, self.spec)].permute(0, 3, 1, 2)


def slopes(heads: int) -> list[float]:
    """Slopes of ALiBi's heads; the odd ones of the next power of two fill up the rest."""
    whole = 2 ** math.floor(math.log2(heads))
    base = 2 ** (-(2 ** -(math.log2(whole) - 3)))
    found = [base**power for power in range(1, whole + 1)]
    if whole < heads:
        extra = 2 ** (-(2 ** -(math.log2(2 * whole) - 3)))
        found += [extra**power for power in range(1, 2 * (heads - whole), 2)]
    return found


def alibi(spec: Attention, place: Tensor, dtype: torch.dtype) -> Tensor:
    """Give ALiBi's bias [B or 1, H, 1, S]: slope times the key's place [B or 1, S]."""
    slope = torch.tensor(slopes(spec.heads), dtype=torch.float32, device=place.device)
    return (slope[:, None] * place[:, None, :]).to(dtype)[:, :, None]


def counted(padding: Tensor | None, keys: int, device: torch.device) -> Tensor:
    """Number the keys [B or 1, S] of a row that are not padding, from 0."""
    if padding is None or padding.dim() > len("BS"):
        return torch.arange(keys, device=device)[None]
    there = padding.to(torch.int64)
    return (there.cumsum(-1) - 1) * there


def make_relative(spec: Attention, width: int, layer: int) -> nn.Module | None:
    """Make what a layer needs to score relative positions from its own queries and keys."""
    match spec.score_bias:
        case Segmented():
            from reprise.models.torch.segmented import RelativeSinusoids

            return RelativeSinusoids(spec, width, layer)
        case Disentangled():
            from reprise.models.torch.disentangled import RelativeKeys

            return RelativeKeys(spec, width, layer)
        case _:
            return None
