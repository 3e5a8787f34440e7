"""Images to vectors: patches through one convolution, special tokens first, positions added."""

from collections.abc import Mapping

from reprise.models import spec
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
        marked = g.unsqueeze(g.cast(inputs["bool_masked_pos"], 9), 2)
        x = g.op("Where", marked, g.weight(f"{name}.masked"), x)
    special = g.unsqueeze(g.weight(f"{name}.special"), 0)
    sides = g.concat(g.side(pixels, 0), g.constant([given.tokens, width]), axis=0)
    x = g.concat(g.op("Expand", special, sides), x, axis=1)
    x = g.add(x, g.weight(f"{name}.positions.weight"))
    return norm(g, x, f"{name}.norm", given.norm, width) if given.norm else x
