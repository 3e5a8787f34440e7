"""One layer: attention, feed-forward, and norms where the placement puts them."""

from reprise.models import shapes, spec
from reprise.models.onnx.attention import Attention
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate, linear, norm


def feed_forward(g: Graph, x: str, name: str, ff: spec.FeedForward) -> str:
    """Up, activation, down; gated when the spec says so."""
    if ff.gated:
        gate, up = linear(g, x, f"{name}.gate", f"{name}.up")
        inner = g.mul(activate(g, gate, ff.act), up)
    else:
        inner = activate(g, linear(g, x, f"{name}.up")[0], ff.act)
    return linear(g, inner, f"{name}.down")[0]


class Block:
    """One layer of a stack."""

    def __init__(self, g: Graph, stack: spec.Stack, prefix: str, layer: int) -> None:
        self.g, self.stack = g, stack
        number = stack.set_of(layer)
        self.name = f"{prefix}layers.{number}"
        self.norms = shapes.block_norms(stack, number)
        self.attn = Attention(g, stack, f"{self.name}.attn", layer, cross=False)
        self.has_cross = stack.cross is not None
        if self.has_cross:
            self.cross = Attention(g, stack, f"{self.name}.cross", layer, cross=True)

    def emit(self, x: str, call: Call) -> str:
        """Run the layer on x [B, T, C]."""
        if self.stack.placement == "post":
            return self._post(x, call)
        if self.stack.placement in {"parallel", "parallel_shared"}:
            return self._parallel(x, call)
        attended = self._norm(self.attn.emit(self._norm(x, "norm_attn"), call), "norm_attn_out")
        x = self.g.add(x, self._branch(attended, "attn"))
        if self.has_cross and call.crosses:
            x = self.g.add(x, self.cross.emit(self._norm(x, "norm_cross"), call))
        fed = self._norm(self._fed(self._norm(x, "norm_ff")), "norm_ff_out")
        return self.g.add(x, self._branch(fed, "ff"))

    def _post(self, x: str, call: Call) -> str:
        attended = self._branch(self.attn.emit(x, call), "attn")
        x = self._norm(self.g.add(x, attended), "norm_attn")
        if self.has_cross and call.crosses:
            x = self._norm(self.g.add(x, self.cross.emit(x, call)), "norm_cross")
        return self._norm(self.g.add(x, self._branch(self._fed(x), "ff")), "norm_ff")

    def _parallel(self, x: str, call: Call) -> str:
        normed = self._norm(x, "norm_attn")
        attended = self._branch(self.attn.emit(normed, call), "attn")
        shared = self.stack.placement == "parallel_shared"
        fed = self._fed(normed if shared else self._norm(x, "norm_ff"))
        return self.g.add(self.g.add(x, attended), fed)

    def _fed(self, x: str) -> str:
        return feed_forward(self.g, x, f"{self.name}.ff", self.stack.ff)

    def _norm(self, x: str, name: str) -> str:
        if name not in (*self.norms, "norm_cross"):
            return x
        return norm(self.g, x, f"{self.name}.{name}", self.stack.norm, self.stack.width)

    def _branch(self, x: str, name: str) -> str:
        """Scale what a branch adds (DINOv2)."""
        if not self.stack.layer_scale:
            return x
        return self.g.mul(x, self.g.weight(f"{self.name}.scale_{name}"))
