"""Which key each query may see, as one additive tensor [B or 1, H or 1, T, S]."""

from reprise.models.onnx import proto
from reprise.models.onnx.call import Call
from reprise.models.onnx.graph import LOWEST, Graph
from reprise.models.spec import Attention


def distances(g: Graph, call: Call) -> str:
    """Give key minus query [T, S], or [B, T, S] by row; the queries are the last keys."""
    if call.places:
        columns, rows = g.unsqueeze(call.places, 1), g.unsqueeze(queries(g, call), 2)
        return g.op("Sub", columns, rows)
    past = g.op("Sub", call.keys, call.length)
    rows = g.unsqueeze(g.range(past, call.keys), 1)
    columns = g.unsqueeze(g.range(g.constant([0]), call.keys), 0)
    return g.op("Sub", columns, rows)


def queries(g: Graph, call: Call) -> str:
    """Give the places [B, T] of queries in their own rows."""
    return g.slice(call.places, g.op("Sub", call.keys, call.length), call.keys, 1)


def visible(g: Graph, spec: Attention, window: int, call: Call) -> str:
    """Say what may be seen, as booleans that broadcast to [B, 1, T, S]; empty: everything."""
    seen = ""
    if spec.causal:
        seen = g.op("LessOrEqual", distances(g, call), g.constant(0))
        if window:
            near = g.op("Greater", distances(g, call), g.constant(-window))
            seen = g.op("And", seen, near)
    elif window:
        seen = g.op("LessOrEqual", g.op("Abs", distances(g, call)), g.constant(window))
    if call.places and seen:
        there = g.op("GreaterOrEqual", g.unsqueeze(call.places, 1), g.constant(0))
        return g.unsqueeze(g.op("And", seen, there), 1)
    if not call.padding:
        return seen
    tokens = of_tokens(g, call.padding)
    return g.op("And", tokens, seen) if seen else tokens


def of_tokens(g: Graph, padding: str) -> str:
    """Turn an attention mask [B, S] into booleans [B, 1, 1, S]."""
    return g.unsqueeze(g.cast(padding, proto.BOOL), 1, 2)


def additive(g: Graph, seen: str) -> str:
    """Turn booleans into 0 and the lowest number; a row that sees nothing stays finite."""
    return g.op("Where", seen, g.number(0.0), g.number(LOWEST)) if seen else ""


def filled(g: Graph, mask: str, call: Call, keys: str) -> str:
    """Give a mask its sides T and S, which the attention operation wants whole."""
    if not mask:
        return ""
    shape = g.concat(g.constant([1, 1]), call.length, keys, axis=0)
    return g.op("Expand", mask, shape)
