"""Numbers and rotations of positions."""

from reprise.models import rope as ropes
from reprise.models.onnx import proto
from reprise.models.onnx.call import Call, Rotation
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.masks import queries
from reprise.models.spec import Positions, Rope


def counted(g: Graph, marks: str) -> str:
    """Number the places [B, S] where marks are 1, from 0; elsewhere 0."""
    summed = g.op("CumSum", marks, g.constant(1))
    return g.mul(g.op("Sub", summed, g.constant(1)), marks)


def numbers(g: Graph, spec: Positions, ids: str, pad: int, call: Call) -> str:
    """Number the positions of tokens as rows of the position table: [B, T], or [T] for all rows.

    `ids` are the tokens, or empty when vectors are given instead.
    """
    if call.places:
        first = spec.offset + (spec.count == "unpadded")
        return g.add(g.op("Max", queries(g, call), g.constant(0)), g.constant(first))
    past = g.op("Sub", call.keys, call.length)
    offset = g.constant(spec.offset)
    if spec.count == "unpadded" and ids:
        present = g.op("Not", g.op("Equal", ids, g.constant(pad)))
        present = g.cast(present, proto.INT64)
        summed = g.add(g.op("CumSum", present, g.constant(1)), past)
        return g.add(g.mul(summed, present), offset)
    if spec.count == "mask" and call.padding:
        summed = g.op("CumSum", call.padding, g.constant(1))
        places = g.op("Sub", g.mul(summed, call.padding), g.constant(1))
        return g.add(g.slice(places, past, call.keys, 1), offset)
    first = 1 if spec.count == "unpadded" else 0
    return g.add(g.range(past, call.keys), g.constant(spec.offset + first))


def sinusoids(g: Graph, positions: str, width: int, *, interleaved: bool) -> str:
    """Compute sines and cosines [..., width] of positions: halves side by side, or taking turns.

    In doubles, and only of the positions in use: a table would be as large as a file claims.
    """
    steps = [10_000 ** (2 * (i // 2) / width) for i in range(width)]
    places = g.unsqueeze(g.cast(positions, proto.DOUBLE), -1)
    sines = g.op("Sin", g.op("Div", places, g.constant(steps[0::2], "float64")))
    cosines = g.op("Cos", g.op("Div", places, g.constant(steps[1::2], "float64")))
    if interleaved:
        turns = g.concat(g.unsqueeze(sines, -1), g.unsqueeze(cosines, -1))
        shape = g.concat(g.op("Shape", positions), g.constant([width]), axis=0)
        return g.cast(g.op("Reshape", turns, shape), proto.FLOAT)
    return g.cast(g.concat(sines, cosines), proto.FLOAT)


def rotation(g: Graph, spec: Rope, positions: str, call: Call) -> Rotation:
    """Compute cosines and sines [B, T, width / 2] of positions [B, T] (or [T])."""
    table, factor = _frequencies(g, spec, positions)
    angles = g.mul(g.cast(g.unsqueeze(positions, -1), proto.FLOAT), table)
    shape = g.concat(call.rows, call.length, g.constant([spec.width // 2]), axis=0)
    angles = g.op("Expand", angles, shape)
    return g.scaled(g.op("Cos", angles), factor), g.scaled(g.op("Sin", angles), factor)


def _frequencies(g: Graph, spec: Rope, positions: str) -> tuple[str, float]:
    """Give the inverse frequencies [width / 2]; two schemes ask how far the positions reach."""
    inverse, factor = ropes.frequencies(spec)
    short = g.constant(inverse, "float32")
    if not ropes.by_length(spec):
        return short, factor
    reached = g.op("ReduceMax", positions, g.constant([-1]), keepdims=1)
    length = g.add(reached, g.constant(1))  # of each row [B, 1], or of all [1]
    scaling = dict(spec.scaling)
    if not ropes.turning_point(spec):
        found = _dynamic(g, spec, float(str(scaling["factor"])), length)
        return g.unsqueeze(found, -2), factor
    original = ropes.turning_point(spec)
    longer = g.constant(ropes.frequencies(spec, original + 1)[0], "float32")
    found = g.op("Where", g.op("Greater", length, g.constant(original)), longer, short)
    return g.unsqueeze(found, -2), factor


def _dynamic(g: Graph, spec: Rope, factor: float, length: str) -> str:
    """Stretch the base with the length, in doubles as `rope.frequencies` does."""
    reached = g.op("Max", length, g.constant(spec.context))
    share = g.mul(g.cast(reached, proto.DOUBLE), g.constant(factor / spec.context, "float64"))
    stretch = g.op("Sub", share, g.constant(factor - 1, "float64"))
    power = g.constant(spec.width / (spec.width - 2), "float64")
    base = g.mul(g.op("Pow", stretch, power), g.constant(spec.theta, "float64"))
    exponents = g.constant([-i / spec.width for i in range(0, spec.width, 2)], "float64")
    return g.cast(g.op("Pow", base, exponents), proto.FLOAT)


def rotate(g: Graph, x: str, rotated: Rotation, heads: int, width: int) -> str:
    """Rotate the first numbers of each head of x [B, T, H * D], as pairs (i, i + width / 2)."""
    return g.op("RotaryEmbedding", x, *rotated, num_heads=heads, rotary_embedding_dim=width)
