"""Spectrograms to vectors: two convolutions, the second halving time, then stored sinusoids."""

from collections.abc import Mapping

from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate


def frames(g: Graph, name: str, inputs: Mapping[str, str]) -> str:
    """Embed `input_features` [B, mels, 2 * rows] as [B, rows, C]."""
    x = inputs["input_features"]
    for number, stride in ((1, 1), (2, 2)):
        weights = (g.weight(f"{name}.conv{number}.{p}") for p in ("weight", "bias"))
        x = g.op("Conv", x, *weights, strides=[stride], pads=[1, 1])
        x = activate(g, x, "gelu")
    return g.add(g.transpose(x, 0, 2, 1), g.weight(f"{name}.positions.weight"))
