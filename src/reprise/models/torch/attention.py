"""Attention on the fused kernel; explicit scores only where somebody asked to see them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.models import spec
from reprise.models.torch.bias import make_relative
from reprise.models.torch.call import Call
from reprise.models.torch.layers import Linear, make_norm
from reprise.models.torch.positions import rotate


class Attention(nn.Module):
    """Queries of the states over keys and values of the same states, or of the encoder's."""

    def __init__(self, stack: spec.Stack, layer: int, rates: spec.Dropout, *, cross: bool) -> None:
        super().__init__()
        chosen = stack.cross if cross else stack.attention
        assert chosen is not None
        self.spec, self.layer, self.cross, self.rate = chosen, layer, cross, rates.attention
        self.heads, self.groups = len(chosen.kept(layer)), chosen.groups_of(layer)
        inner, shared = self.heads * chosen.width, self.groups * chosen.width
        self.q = Linear(inner, stack.width, bias="q" in chosen.bias)
        read = chosen.memory or stack.width
        self.k = Linear(shared, read, bias="k" in chosen.bias)
        self.v = Linear(shared, read, bias="v" in chosen.bias)
        self.o = Linear(stack.width, inner, bias="o" in chosen.bias)
        if chosen.head_norm:
            self.q_norm = make_norm(chosen.width, chosen.head_norm)
            self.k_norm = make_norm(chosen.width, chosen.head_norm)
        self.relative = make_relative(chosen, stack.width, layer)

    def forward(self, x: Tensor, call: Call, layer: int) -> Tensor:
        """Attend from x [B, T, C]; `layer` is the one being run (ALBERT shares weights)."""
        q = self._heads(self.q(x), self.heads)
        k, v = self._memory(call, layer) if self.cross else self._own(x, call, layer)
        mask = call.memory_mask if self.cross else call.masks[self.spec.window_of(layer)]
        if mask is not None and self.spec.pruned and mask.shape[1] > 1:
            mask = mask[:, self.spec.kept(layer)]
        if self.spec.head_norm:
            q = self.q_norm(q)
        rope = None if self.cross else self.spec.rope_of(layer)
        if rope is not None:
            q = rotate(q, call.rotations[rope])
        if self.relative is not None:
            q, bias = self.relative(q, k, self, call)
            mask = bias if mask is None else mask + bias
        context = self._mix((q, k, v), mask, call, layer)
        return self.o(self._gated(context, call, layer).transpose(1, 2).flatten(2))

    def _own(self, x: Tensor, call: Call, layer: int) -> tuple[Tensor, Tensor]:
        k, v = self._heads(self.k(x), self.groups), self._heads(self.v(x), self.groups)
        if self.spec.head_norm:
            k = self.k_norm(k)
        rope = self.spec.rope_of(layer)
        if rope is not None:
            k = rotate(k, call.rotations[rope])
        return (k, v) if call.cache is None else call.cache.append(layer, k, v)

    def _memory(self, call: Call, layer: int) -> tuple[Tensor, Tensor]:
        if call.cache is not None and layer in call.cache.cross:
            return call.cache.cross[layer]
        assert call.memory is not None
        k = self._heads(self.k(call.memory), self.groups)
        v = self._heads(self.v(call.memory), self.groups)
        if call.cache is not None:
            call.cache.cross[layer] = (k, v)
        return k, v

    def heads_of(self, x: Tensor) -> Tensor:
        """Split a projection [B, T, H * D] of the queries' kind into [B, H, T, D]."""
        return self._heads(x, self.heads)

    def _heads(self, x: Tensor, heads: int) -> Tensor:
        """Split [B, T, H * D] into [B, H, T, D]."""
        return x.unflatten(-1, (heads, self.spec.width)).transpose(1, 2)

    def _mix(self, projected: tuple[Tensor, Tensor, Tensor], mask: Tensor | None, call: Call,
             layer: int) -> Tensor:  # fmt: skip
        """Weigh the values: [B, H, T, D]."""
        q, k, v = projected
        scale, rate = self.spec.scale_of(layer), self.rate if self.training else 0.0
        grouped = self.groups != self.heads
        if layer not in call.recorded and not self.spec.softcap:
            return functional.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, dropout_p=rate, scale=scale, enable_gqa=grouped
            )
        if grouped:
            k, v = (t.repeat_interleave(self.heads // self.groups, dim=1) for t in (k, v))
        scores = q @ k.transpose(-1, -2) * scale
        if self.spec.softcap:
            scores = self.spec.softcap * torch.tanh(scores / self.spec.softcap)
        scores = scores if mask is None else scores + mask
        weights = scores.softmax(-1, dtype=torch.float32).to(q.dtype)
        if layer in call.recorded:
            (call.cross_attentions if self.cross else call.attentions)[layer] = weights
        return functional.dropout(weights, rate) @ v

    def _gated(self, context: Tensor, call: Call, layer: int) -> Tensor:
        """Multiply each head's context by its gate: the same as gating its weights."""
        gates = call.cross_gates if self.cross else call.gates
        if gates is None:
            return context
        kept = gates[layer]
        if self.spec.pruned and len(kept) != self.heads:
            kept = kept[list(self.spec.kept(layer))]
        return context * kept.view(1, -1, 1, 1).to(context.dtype)
