"""Linear layers, tables, norms and activations."""

from collections.abc import Callable

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.names import Place
from reprise.models.onnx import proto
from reprise.models.onnx.graph import Graph
from reprise.models.onnx.groups import BITS, BLOCK
from reprise.models.onnx.proto import CONTRIB
from reprise.models.onnx.weights import TURNED, layout

_TYPES = {"U8": proto.UINT8, "I8": proto.INT8, "F32": proto.FLOAT}
_IN_EIGHTS = 4  # accuracy level: the other side is put in blocks of 8 bits, too
_STEPS, _ZERO = 127, 128  # of a row's largest number, and what stands for zero


def linear(g: Graph, x: str, *modules: str) -> list[str]:
    """Pass x [..., in] through linear layers; those stored as one are one product."""
    if modules in g.weights.rounded:
        return g.split(in_few_bits(g, x, modules), g.weights.rounded[modules].group.rows)
    found: dict[str, str] = {}
    for place, group in g.weights.groups(modules):
        found |= dict(zip(group, _product(g, x, place, group), strict=True))
    return [found[name] for name in modules]


def in_few_bits(g: Graph, x: str, modules: tuple[str, ...]) -> str:
    """Pass x [..., in] through layers in 8 or 4 bits: [..., out of all]."""
    found = g.weights.rounded[modules]
    parts = [g.external(name, _TYPES[dtype], shape, (spot.location, spot.offset, length))
             for name, dtype, shape, spot, length in found.tensors()]  # fmt: skip
    numbers, scales, *bias = parts
    if found.group.bits == BITS["int8"]:
        y = by_channels(g, x, numbers, scales)
        return g.with_bias(y, *bias) if bias else y
    return g.op(
        "MatMulNBits", x, numbers, scales, *(("", "", *bias) if bias else ()), domain=CONTRIB,
        K=found.group.into, N=found.group.out, bits=found.group.bits, block_size=BLOCK,
        accuracy_level=_IN_EIGHTS,
    )  # fmt: skip


def by_channels(g: Graph, x: str, numbers: str, scales: str) -> str:
    """Multiply whole numbers: each row of x is put on a scale of its own, from its largest number.

    A row's answer is then the same, to the last bit, whatever rows are beside it.
    """
    reach = g.op("ReduceMax", g.op("Abs", x), g.constant([-1]), keepdims=1)
    # A row of zeros is divided by zero; whatever numbers that gives are multiplied by zero again.
    even, step, zero = g.op("Div", x, reach), g.number(1 / _STEPS), g.constant(_ZERO, "uint8")
    whole = g.op("QuantizeLinear", even, step, zero)
    y = g.op("MatMulIntegerToFloat", whole, numbers, step, scales, zero, domain=CONTRIB)
    return g.mul(y, reach)


def _product(g: Graph, x: str, place: Place, group: tuple[str, ...]) -> list[str]:
    bias = _bias_of_all(g, group)
    y = _matmul(g, x, place, group)
    y = g.with_bias(y, bias) if bias else y
    parts = _apart(g, y, place, group)
    if bias:
        return parts
    return [_with_own_bias(g, part, name) for part, name in zip(parts, group, strict=True)]


def _matmul(g: Graph, x: str, place: Place, group: tuple[str, ...]) -> str:
    if layout(place) in TURNED:
        return g.op("MatMul", x, g.stored(place))
    woven = layout(place) == "woven"
    weight = g.stored(place) if woven else g.weight(f"{group[0]}.weight")
    return times_turned(g, x, weight)


def times_turned(g: Graph, x: str, weight: str) -> str:
    """Multiply x [..., in] by a weight as files store it, [out, in]."""
    return g.op("FusedMatMul", x, weight, transB=1, domain=CONTRIB)


def _bias_of_all(g: Graph, group: tuple[str, ...]) -> str:
    """Give the bias of layers stored as one, where it is stored as one too."""
    names = tuple(f"{name}.bias" for name in group)
    if len(group) == 1 or any(name not in g.weights for name in names):
        return ""
    place = g.weights.place(names[0])
    return g.stored(place) if place.canonical == names else ""


def _with_own_bias(g: Graph, y: str, name: str) -> str:
    bias = f"{name}.bias"
    return g.with_bias(y, g.weight(bias)) if bias in g.weights else y


def _apart(g: Graph, y: str, place: Place, group: tuple[str, ...]) -> list[str]:
    """Take apart the product of layers that are stored as one."""
    if len(group) == 1:
        return [y]
    sizes = [g.weights.shape(f"{name}.weight")[0] for name in group]
    if layout(place) != "woven":
        return g.split(y, sizes)
    width = int(place.layout.name.partition(":")[2])
    woven = g.reshape(y, 0, 0, sizes[0] // width, len(group), width)
    return [g.reshape(g.at(woven, part, 3), 0, 0, sizes[0]) for part in range(len(group))]


def lookup(g: Graph, table: str, ids: str) -> str:
    """Look up rows of a table."""
    return g.op("Gather", g.weight(table), ids)


def norm(g: Graph, x: str, name: str, given: spec.Norm, width: int) -> str:
    """Normalise the last side of x."""
    weight = g.weight(f"{name}.weight") if given.affine else g.constant([1.0] * width, "float32")  # fmt: skip  # noqa: E501
    if given.kind == "layer":
        biased = given.affine and given.bias
        bias = [g.weight(f"{name}.bias")] if biased else []
        return g.op("LayerNormalization", x, weight, *bias, axis=-1, epsilon=float(given.eps))
    if given.kind == "rms1p":
        weight = g.add(weight, g.number(1.0))
    return g.op("RMSNormalization", x, weight, axis=-1, epsilon=float(given.eps))


def _gelu(g: Graph, x: str) -> str:
    return g.op("Gelu", x, domain=CONTRIB)


def _tanh_gelu(g: Graph, x: str) -> str:
    return g.op("FastGelu", x, domain=CONTRIB)


def _silu(g: Graph, x: str) -> str:
    return g.op("QuickGelu", x, alpha=1.0, domain=CONTRIB)


def _squared_relu(g: Graph, x: str) -> str:
    kept = g.op("Relu", x)
    return g.mul(kept, kept)


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "": lambda _, x: x, "linear": lambda _, x: x, "gelu": _gelu, "gelu_new": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu, "gelu_fast": _tanh_gelu,
    "relu": lambda g, x: g.op("Relu", x), "silu": _silu, "swish": _silu,
    "tanh": lambda g, x: g.op("Tanh", x), "sigmoid": lambda g, x: g.op("Sigmoid", x),
    "quick_gelu": lambda g, x: g.op("QuickGelu", x, alpha=1.702, domain=CONTRIB),
    "relu2": _squared_relu,
}  # fmt: skip


def check_activation(name: str) -> None:
    """Refuse an activation that nobody knows.

    Raises:
        InvalidInput: None has that name.
    """
    if name not in ACTIVATIONS:
        raise InvalidInput(f"Activation {name!r} is not known; known: {', '.join(ACTIVATIONS)}.")


def activate(g: Graph, x: str, name: str) -> str:
    """Apply an activation by the name configurations use."""
    return ACTIVATIONS[name](g, x)
