"""Attention on the fused operation; explicit scores only where somebody asked to see them."""

from typing import Any

from reprise.models import spec
from reprise.models.onnx import disentangled
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import linear, norm
from reprise.models.onnx.positions import rotate
from reprise.models.onnx.proto import CONTRIB

KeysValues = tuple[str, str]


class Attention:
    """Queries of the states over keys and values of the same states, or of the encoder's."""

    def __init__(self, g: Graph, stack: spec.Stack, name: str, layer: int, *, cross: bool) -> None:
        chosen = stack.cross if cross else stack.attention
        assert chosen is not None
        self.g, self.spec, self.name, self.layer, self.cross = g, chosen, name, layer, cross
        weights = stack.set_of(layer)
        self.kept, self.groups = chosen.kept(weights), chosen.groups_of(weights)
        self.heads = len(self.kept)

    def emit(self, x: str, call: Call) -> str:
        """Attend from x [B, T, C]."""
        if self.cross:
            (q,) = linear(self.g, x, f"{self.name}.q")
            k, v = memory_names(self.layer)
        else:
            q, k, v = linear(self.g, x, *(f"{self.name}.{part}" for part in "qkv"))
            k = self._placed(k, "k", self.groups, call)
        q = self._placed(q, "q", self.heads, call)
        (out,) = linear(self.g, self._gated(self._mix(q, k, v, call), call), f"{self.name}.o")
        return out

    def memory(self, states: str) -> KeysValues:
        """Make keys and values [B, H, S, D] from the encoder's states."""
        k, v = linear(self.g, states, f"{self.name}.k", f"{self.name}.v")
        return self._heads(k, self.groups), self._heads(v, self.groups)

    def _placed(self, x: str, part: str, heads: int, call: Call) -> str:
        """Normalise each head of x [B, T, H * D], and rotate it by its position."""
        x = self._normed(x, part, heads)
        rope = None if self.cross else self.spec.rope_of(self.layer)
        return x if rope is None else rotate(self.g, x, call.rotations[rope], heads, rope.width)

    def _normed(self, x: str, part: str, heads: int) -> str:
        if not self.spec.head_norm:
            return x
        width = self.spec.width
        apart = self.g.reshape(x, 0, 0, heads, width)
        apart = norm(self.g, apart, f"{self.name}.{part}_norm", self.spec.head_norm, width)
        return self.g.reshape(apart, 0, 0, heads * width)

    def heads_of(self, x: str) -> str:
        """Split a projection [B, T, H * D] of the queries' kind into [B, H, T, D]."""
        return self._heads(x, self.heads)

    def _heads(self, x: str, heads: int) -> str:
        """Split [B, T, H * D] into [B, H, T, D]."""
        return self.g.transpose(self.g.reshape(x, 0, 0, heads, self.spec.width), 0, 2, 1, 3)

    def _mask(self, q: str, k: str, call: Call) -> str:
        """Give what is added to the scores; empty: nothing."""
        if self.cross:
            return call.memory_mask
        mask, bias = call.masks[self.spec.window_of(self.layer)], self.spec.score_bias
        if isinstance(bias, spec.Buckets | spec.Alibi) and self.spec.pruned:
            mask = self.g.op("Gather", mask, self.g.constant(self.kept), axis=1)
        if not isinstance(bias, spec.Disentangled):
            return mask
        states = self._heads(q, self.heads), self._heads(k, self.groups)
        found = disentangled.scores(self, states, call)
        return self.g.add(found, mask) if mask else found

    def _mix(self, q: str, k: str, v: str, call: Call) -> str:
        """Weigh the values: [B, T, H * D]."""
        if call.ends:
            return self._buffered(q, k, v, call)
        mask = self._mask(q, k, call)
        if self.spec.softcap or self.layer in call.recorded:
            return self._explicit(q, k, v, mask, call)
        sizes: dict[str, Any] = {"q_num_heads": self.heads, "kv_num_heads": self.groups,
                                 "scale": float(self.spec.scale_of(self.layer))}  # fmt: skip
        if self.cross:  # keys and values come with their heads apart, and so must queries
            context = self.g.op("Attention", self._heads(q, self.heads), k, v, mask,
                                scale=sizes["scale"])  # fmt: skip
            return self._together(context)
        if not call.cached:
            return self.g.op("Attention", q, k, v, mask, **sizes)
        past = past_names(self.layer)
        context, *present = self.g.ops("Attention", q, k, v, mask, *past, results=3, **sizes)
        call.present[self.layer] = (present[0], present[1])
        return context

    def _buffered(self, q: str, k: str, v: str, call: Call) -> str:
        """Write keys and values into the buffers, each row behind its own, and weigh them."""
        window = self.spec.window_of(self.layer)
        context, *present = self.g.ops(
            "GroupQueryAttention", q, k, v, *past_names(self.layer), call.ends, call.reach,
            results=3, domain=CONTRIB, num_heads=self.heads, kv_num_heads=self.groups,
            scale=float(self.spec.scale_of(self.layer)), softcap=float(self.spec.softcap),
            local_window_size=window or -1,
        )  # fmt: skip
        call.present[self.layer] = (present[0], present[1])
        return context

    def _explicit(self, q: str, k: str, v: str, mask: str, call: Call) -> str:
        g = self.g
        if not self.cross:
            k, v = self._with_past(self._heads(k, self.groups), self._heads(v, self.groups), call)
        k, v = self._repeated(k), self._repeated(v)
        scores = g.op("MatMul", self._heads(q, self.heads), g.transpose(k, 0, 1, 3, 2))
        scores = g.scaled(scores, self.spec.scale_of(self.layer))
        if self.spec.softcap:
            scores = softcapped(g, scores, self.spec.softcap)
        scores = g.add(scores, mask) if mask else scores
        weights = g.op("Softmax", scores, axis=-1)
        if self.layer in call.recorded:
            (call.cross_attentions if self.cross else call.attentions)[self.layer] = weights
        return self._together(g.op("MatMul", weights, v))

    def _with_past(self, k: str, v: str, call: Call) -> KeysValues:
        if not call.cached:
            return k, v
        past = past_names(self.layer)
        k, v = (self.g.concat(old, new, axis=2) for old, new in zip(past, (k, v), strict=True))
        call.present[self.layer] = (k, v)
        return k, v

    def _repeated(self, x: str) -> str:
        """Give each query head its own copy of the keys or values it shares."""
        if self.groups == self.heads:
            return x
        times = self.heads // self.groups
        owners = [head // times for head in range(self.heads)]
        return self.g.op("Gather", x, self.g.constant(owners), axis=1)

    def _together(self, x: str) -> str:
        return self.g.reshape(self.g.transpose(x, 0, 2, 1, 3), 0, 0, self.heads * self.spec.width)

    def _gated(self, context: str, call: Call) -> str:
        """Multiply each head's context by its gate: the same as gating its weights."""
        g, gates = self.g, call.cross_gates if self.cross else call.gates
        if not gates:
            return context
        gate = g.op("Gather", g.at(gates, self.layer, 0), g.constant(self.kept), axis=0)
        gate = g.reshape(gate, self.heads, 1)
        apart = g.mul(g.reshape(context, 0, 0, self.heads, self.spec.width), gate)
        return g.reshape(apart, 0, 0, self.heads * self.spec.width)


def softcapped(g: Graph, scores: str, cap: float) -> str:
    """Bend scores to stay below a cap."""
    return g.scaled(g.op("Tanh", g.scaled(scores, 1 / cap)), cap)


def past_names(layer: int) -> KeysValues:
    """Inputs with a layer's keys and values of earlier tokens."""
    return f"past_key.{layer}", f"past_value.{layer}"


def memory_names(layer: int) -> KeysValues:
    """Inputs with a layer's keys and values of the encoder's states."""
    return f"memory_key.{layer}", f"memory_value.{layer}"
