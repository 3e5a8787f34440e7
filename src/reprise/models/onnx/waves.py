"""Samples of sound to vectors: convolutions, a projection, and a convolution for places."""

from collections.abc import Mapping

from reprise.models import spec
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.layers import activate, linear, norm

_EPS = 1e-5  # of norms between convolutions, whatever the configuration says


def waves(g: Graph, given: spec.Waves, name: str, inputs: Mapping[str, str]) -> str:
    """Embed `input_values` [B, N] as [B, T, C]."""
    x = g.unsqueeze(inputs["input_values"], 1)
    for number, stride in enumerate(given.strides):
        module = f"{name}.convs.{number}"
        bias = [g.weight(f"{module}.conv.bias")] if given.bias else []
        x = g.op("Conv", x, g.weight(f"{module}.conv.weight"), *bias, strides=[stride])
        x = activate(g, _normed(g, given, x, number, f"{module}.norm"), given.act)
    x = g.transpose(x, 0, 2, 1)
    if given.norm:
        x = norm(g, x, f"{name}.norm", given.norm, given.channels[-1])
    (x,) = linear(g, x, f"{name}.project")
    x = g.add(x, _places(g, given, x, f"{name}.places"))
    if given.norm_places:
        x = norm(g, x, f"{name}.places.norm", given.norm_places, given.width)
    return x


def states(g: Graph, given: spec.Waves, samples: str) -> str:
    """Count the vectors that so many samples become."""
    for kernel, stride in zip(given.kernels, given.strides, strict=True):
        left = g.op("Sub", samples, g.constant([kernel]))
        samples = g.add(g.op("Div", left, g.constant([stride])), g.constant([1]))
    return samples


def _normed(g: Graph, given: spec.Waves, x: str, number: int, name: str) -> str:
    match given.norm_of(number):
        case "group":  # each channel by itself, over time
            parts = (g.weight(f"{name}.{part}") for part in ("weight", "bias"))
            return g.op("InstanceNormalization", x, *parts, epsilon=_EPS)
        case "layer":
            width = given.channels[number]
            x = norm(g, g.transpose(x, 0, 2, 1), name, spec.Norm(eps=_EPS), width)
            return g.transpose(x, 0, 2, 1)
        case _:
            return x


def _places(g: Graph, given: spec.Waves, x: str, name: str) -> str:
    """Tell where a state stands by those around it; the weight is a direction and its length."""
    direction = g.weight(f"{name}.direction")
    length = g.op("ReduceL2", direction, g.constant([0, 1]), keepdims=1)
    weight = g.mul(direction, g.op("Div", g.weight(f"{name}.scale"), length))
    half = given.places // 2
    found = g.op("Conv", g.transpose(x, 0, 2, 1), weight, g.weight(f"{name}.bias"),
                 pads=[half, half], group=given.groups)  # fmt: skip
    found = g.slice(found, g.constant([0]), g.side(x, 1), 2)
    return g.transpose(activate(g, found, given.act), 0, 2, 1)
