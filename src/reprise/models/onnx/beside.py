"""The convolution that runs beside the first layer (DeBERTa-v2 xlarge)."""

from reprise.models import spec
from reprise.models.onnx.call import Call
from reprise.models.onnx.embed import without_pads
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate, norm


def beside(g: Graph, stack: spec.Stack, name: str, states: tuple[str, str], call: Call) -> str:
    """Join the states before and after layer 0 [B, T, C]; padding comes out as zero."""
    before, after = states
    around = (stack.convolution - 1) // 2
    weights = (g.weight(f"{name}.{part}") for part in ("weight", "bias"))
    found = g.op("Conv", g.transpose(before, 0, 2, 1), *weights, pads=[around, around],
                 group=stack.convolution_groups)  # fmt: skip
    found = g.transpose(found, 0, 2, 1)
    found = without_pads(g, found, call) if call.padding else found
    joined = g.add(after, activate(g, found, stack.convolution_act))
    x = norm(g, joined, f"{name}.norm", stack.norm, stack.width)
    return without_pads(g, x, call) if call.padding else x
