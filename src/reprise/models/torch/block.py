"""One layer: attention, feed-forward, and norms where the placement puts them."""

from torch import Tensor, nn
from torch.nn import functional

from reprise.models import shapes, spec
from reprise.models.torch.attention import Attention
from reprise.models.torch.call import Call
from reprise.models.torch.layers import Linear, activation, make_norm, parameter


class FeedForward(nn.Module):
    """Up, activation, down; gated when the spec says so."""

    def __init__(self, width: int, ff: spec.FeedForward, rates: spec.Dropout) -> None:
        super().__init__()
        self.act, self.rate = activation(ff.act), rates.inner
        self.gate = Linear(ff.inner, width, bias=ff.bias) if ff.gated else None
        self.up = Linear(ff.inner, width, bias=ff.bias)
        self.down = Linear(width, ff.inner, bias=ff.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position of x [B, T, C]."""
        inner = self.act(self.up(x)) if self.gate is None else self.act(self.gate(x)) * self.up(x)
        return self.down(functional.dropout(inner, self.rate, self.training))


def _attention(stack: spec.Stack, number: int, rates: spec.Dropout) -> Attention:
    if isinstance(stack.attention.score_bias, spec.Segmented):
        from reprise.models.torch.two_streams import SegmentedAttention

        return SegmentedAttention(stack, number, rates, cross=False)
    return Attention(stack, number, rates, cross=False)


class Block(nn.Module):
    """One layer of a stack."""

    def __init__(self, stack: spec.Stack, number: int, rates: spec.Dropout) -> None:
        super().__init__()
        self.placement, self.rate = stack.placement, rates.hidden
        self.attn = _attention(stack, number, rates)
        if stack.cross:
            self.cross = Attention(stack, number, rates, cross=True)
            self.norm_cross = make_norm(stack.width, stack.norm)
        self.ff = FeedForward(stack.width, stack.ff, rates)
        norms = shapes.block_norms(stack, number)

        def norm(name: str) -> nn.Module:
            return make_norm(stack.width, stack.norm) if name in norms else nn.Identity()

        self.norm_attn, self.norm_ff = norm("norm_attn"), norm("norm_ff")
        self.norm_attn_out, self.norm_ff_out = norm("norm_attn_out"), norm("norm_ff_out")
        self.scale_attn = parameter(stack.width) if stack.layer_scale else None
        self.scale_ff = parameter(stack.width) if stack.layer_scale else None
        self.has_cross = stack.cross is not None

    def forward(self, x: Tensor, call: Call, layer: int) -> Tensor:
        """Run the layer on x [B, T, C]."""
        if self.placement == "post":
            return self._post(x, call, layer)
        if self.placement in {"parallel", "parallel_shared"}:
            return self._parallel(x, call, layer)
        x = x + self._branch(self.norm_attn_out(self.attn(self.norm_attn(x), call, layer)), "attn")
        if self.has_cross and call.crosses(layer):
            x = x + self._branch(self.cross(self.norm_cross(x), call, layer))
        return x + self._branch(self.norm_ff_out(self.ff(self.norm_ff(x))), "ff")

    def _post(self, x: Tensor, call: Call, layer: int) -> Tensor:
        x = self.norm_attn(x + self._branch(self.attn(x, call, layer)))
        if self.has_cross and call.crosses(layer):
            x = self.norm_cross(x + self._branch(self.cross(x, call, layer)))
        return self.norm_ff(x + self._branch(self.ff(x)))

    def _parallel(self, x: Tensor, call: Call, layer: int) -> Tensor:
        normed = self.norm_attn(x)
        attended = self._branch(self.attn(normed, call, layer))
        fed = self.ff(normed if self.placement == "parallel_shared" else self.norm_ff(x))
        return x + attended + self._branch(fed)

    def _branch(self, x: Tensor, name: str = "") -> Tensor:
        """Scale what a branch adds (DINOv2), and drop some of it in training."""
        scale = getattr(self, f"scale_{name}", None) if name else None
        x = x if scale is None else x * scale
        return functional.dropout(x, self.rate, self.training)
