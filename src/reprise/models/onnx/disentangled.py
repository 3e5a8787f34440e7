"""DeBERTa's scores: content to position and position to content, from one relative table."""

import math
from dataclasses import dataclass
from typing import Any

from reprise.models import spec
from reprise.models.onnx import proto
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import linear, norm
from reprise.models.onnx.masks import distances
from reprise.models.onnx.proto import CONTRIB


@dataclass(frozen=True)
class Relation:
    """What all layers share: the relative table [1, R, C], and rows of it for each pair [T, S]."""

    table: str
    places: str


def relation(g: Graph, stack: spec.Stack, prefix: str, call: Call) -> Relation:
    """Prepare what the layers of a stack share."""
    bias = stack.attention.score_bias
    assert isinstance(bias, spec.Disentangled)
    table = g.weight(f"{prefix}relative.weight")
    if bias.norm:
        table = norm(g, table, f"{prefix}relative_norm", bias.norm, stack.width)
    apart = g.op("Neg", distances(g, call))
    apart = log_bucket(g, apart, bias) if bias.buckets else apart
    last = g.constant(2 * bias.span - 1)
    places = g.op("Clip", g.add(apart, g.constant(bias.span)), g.constant(0), last)
    return Relation(g.unsqueeze(table, 0), places)


def log_bucket(g: Graph, distance: str, bias: spec.Disentangled) -> str:
    """Keep near distances, put far ones in logarithmic buckets, with their sign."""
    middle = bias.buckets // 2
    size = g.cast(g.op("Max", g.op("Abs", distance), g.constant(middle - 1)), proto.FLOAT)
    steps = g.op("Log", g.op("Div", size, g.number(middle)))
    steps = g.op("Div", steps, g.number(math.log((bias.distance - 1) / middle)))
    far = g.add(g.op("Ceil", g.scaled(steps, middle - 1)), g.number(middle))
    signed = g.mul(g.cast(far, proto.INT64), g.op("Sign", distance))
    near = g.op("LessOrEqual", g.op("Abs", distance), g.constant(middle))
    return g.op("Where", near, distance, signed)


def scores(owner: Any, states: tuple[str, str], call: Call) -> str:
    """Score positions [B, H, T, S] by queries and keys [B, H, T, D] of one layer.

    Args:
        owner: The layer's `Attention`.
        states: Queries and keys.
        call: The pass, with its relation.
    """
    g: Graph = owner.g
    bias, shared = owner.spec.score_bias, call.shared
    assert isinstance(bias, spec.Disentangled)
    assert isinstance(shared, Relation)
    own = owner.name if bias.shared else f"{owner.name}.relative"
    queries, keys = states
    found = []
    if bias.c2p:
        by_row = _against(g, queries, owner.heads_of(linear(g, shared.table, f"{own}.k")[0]))
        found.append(_picked(g, by_row, shared.places))
    if bias.p2c:
        by_row = _against(g, keys, owner.heads_of(linear(g, shared.table, f"{own}.q")[0]))
        turned = _picked(g, by_row, g.transpose(shared.places, 1, 0))
        found.append(g.transpose(turned, 0, 1, 3, 2))
    total = g.add(*found) if len(found) > 1 else found[0]
    return g.scaled(total, owner.spec.scale_of(owner.layer))


def _against(g: Graph, x: str, rows: str) -> str:
    """Multiply x [B, H, T, D] with rows [1, H, R, D]: [B, H, T, R]."""
    return g.op("FusedMatMul", x, rows, transB=1, domain=CONTRIB)


def _picked(g: Graph, by_row: str, places: str) -> str:
    """Pick from [B, H, T, R] by places [T, S]: [B, H, T, S]."""
    sides = g.concat(g.op("Shape", by_row, start=0, end=2), g.op("Shape", places), axis=0)
    return g.op("GatherElements", by_row, g.op("Expand", places, sides), axis=-1)
