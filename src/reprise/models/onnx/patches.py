"""Images to vectors: patches through one convolution, special tokens first, positions added."""

from collections.abc import Mapping

from reprise.models import spec
from reprise.models.onnx import proto
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import norm


def patches(g: Graph, given: spec.Patches, name: str, inputs: Mapping[str, str]) -> str:
    """Embed `pixel_values` [B, channels, height, width] as [B, tokens + patches, C]."""
    pixels, width = inputs["pixel_values"], given.width
    bias = [g.weight(f"{name}.patches.bias")] if given.bias else []
    grid = g.op("Conv", pixels, g.weight(f"{name}.patches.weight"), *bias,
                strides=given.patch)  # fmt: skip
    x = g.transpose(g.reshape(grid, 0, width, -1), 0, 2, 1)
    if "bool_masked_pos" in inputs:
        marked = g.unsqueeze(g.cast(inputs["bool_masked_pos"], proto.BOOL), 2)
        x = g.op("Where", marked, g.weight(f"{name}.masked"), x)
    sides = g.concat(g.side(pixels, 0), g.constant([1, width]), axis=0)
    tokens = (g.weight(f"{name}.{word}") for word in ("first", "second")[: given.tokens])
    x = g.concat(*(g.op("Expand", token, sides) for token in tokens), x, axis=1)
    x = g.add(x, g.weight(f"{name}.positions.weight"))
    return norm(g, x, f"{name}.norm", given.norm, width) if given.norm else x
