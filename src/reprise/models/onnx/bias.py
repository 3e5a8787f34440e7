"""Position schemes that are a bias on the attention scores."""

import math

from reprise.models.onnx import proto
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.masks import distances
from reprise.models.onnx.positions import counted
from reprise.models.spec import Attention, Buckets


def bucket(g: Graph, distance: str, spec: Buckets) -> str:
    """Put distances (key - query) into buckets: exact when near, logarithmic when far (T5)."""
    count, base, zero = spec.count, "", g.constant(0)
    if spec.both_ways:
        count //= 2
        ahead = g.op("Greater", distance, zero)
        base = g.mul(g.cast(ahead, proto.INT64), g.constant(count))
        distance = g.op("Abs", distance)
    else:
        distance = g.op("Max", g.op("Neg", distance), zero)
    exact = count // 2
    scale = (count - exact) / math.log(spec.distance / exact)
    reach = g.cast(g.op("Max", distance, g.constant(1)), proto.FLOAT)
    steps = g.op("Log", g.op("Div", reach, g.number(exact)))
    far = g.add(g.cast(g.scaled(steps, scale), proto.INT64), g.constant(exact))
    far = g.op("Min", far, g.constant(count - 1))
    near = g.op("Less", distance, g.constant(exact))
    found = g.op("Where", near, distance, far)
    return g.add(base, found) if base else found


def buckets(g: Graph, spec: Buckets, name: str, call: Call) -> str:
    """Give the bias [B or 1, H, T, S] from the table of a stack."""
    rows = g.op("Gather", g.weight(name), bucket(g, distances(g, call), spec))
    if call.places:
        return g.transpose(rows, 0, 3, 1, 2)
    return g.unsqueeze(g.transpose(rows, 2, 0, 1), 0)


def slopes(heads: int) -> list[float]:
    """Slopes of ALiBi's heads; the odd ones of the next power of two fill up the rest."""
    whole = 2 ** math.floor(math.log2(heads))
    base = 2 ** (-(2 ** -(math.log2(whole) - 3)))
    found = [base**power for power in range(1, whole + 1)]
    if whole < heads:
        extra = 2 ** (-(2 ** -(math.log2(2 * whole) - 3)))
        found += [extra**power for power in range(1, 2 * (heads - whole), 2)]
    return found


def alibi(g: Graph, spec: Attention, call: Call) -> str:
    """Give ALiBi's bias [B or 1, H, 1, S]: slope times the key's position."""
    if call.places:
        place = g.unsqueeze(g.op("Max", call.places, g.constant(0)), 1, 2)
    elif call.padding:
        place = g.unsqueeze(counted(g, call.padding), 1, 2)
    else:
        place = g.range(g.constant([0]), call.keys)
    slope = g.reshape(g.constant(slopes(spec.heads), "float32"), 1, spec.heads, 1, 1)
    return g.mul(slope, g.cast(place, proto.FLOAT))
