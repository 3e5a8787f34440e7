"""Attention over a memory, asked by the states themselves or by a query stream (XLNet)."""

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from reprise.models.torch.attention import Attention
from reprise.models.torch.call import Call

if TYPE_CHECKING:
    from reprise.models.torch.segmented import Relation


class SegmentedAttention(Attention):
    """Attention over the memory and the states, asked by the states or by the query stream."""

    def forward(self, x: Tensor, call: Call, layer: int) -> Tensor:
        """Attend from x [B, T, C], or from the query stream's [B, P, C].

        Projections without bias and the placing of queries are both linear, so queries are put
        where they stand before the one, and taken back after the other.
        """
        placed = call.shared.placed
        if placed is None:
            return super().forward(x, call, layer)
        return placed @ super().forward(placed.transpose(1, 2) @ x, call, layer)

    def _own(self, x: Tensor, call: Call, layer: int) -> tuple[Tensor, Tensor]:
        relation = cast("Relation", call.shared)
        if relation.placed is not None:
            return relation.keys.pop(layer)
        if relation.memory is not None:
            x = torch.cat((relation.memory, x), dim=1)
        found = super()._own(x, call, layer)
        if relation.two:
            relation.keys[layer] = found
        return found
