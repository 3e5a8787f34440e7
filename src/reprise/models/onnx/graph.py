"""A graph under construction. Values are names; every operation returns the names of its results.

The words are those of the array libraries (`add`, `reshape`, `concat`), so that the bricks of this
engine read like those of the torch engine.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reprise.models.names import Place
from reprise.models.onnx import proto
from reprise.models.onnx.fusing import Node, fused
from reprise.models.onnx.weights import Bytes, Weights

LOWEST = (
    float(np.finfo(np.float32).min) / 2
)  # at the very lowest, ONNX Runtime gives such rows zeros


class Graph:
    """Operations, constants, inputs and outputs of one model."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._nodes: list[Node] = []
        self._biased: set[str] = set()
        self._tensors: dict[str, bytes] = {}
        self._inputs: dict[str, bytes] = {}
        self._outputs: dict[str, bytes] = {}
        self._names: dict[str, str] = {}  # value -> name of the output it is
        self._count = 0

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: proto.Attribute) -> str:
        """Add an operation with one result; an empty name leaves an input out."""
        return self.ops(kind, *inputs, results=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, results: int, domain: str = "",
            **attributes: proto.Attribute) -> list[str]:  # fmt: skip
        """Add an operation with several results."""
        self._count += 1
        stem = f"{kind}_{self._count}"
        names = [stem] if results == 1 else [f"{stem}_{n}" for n in range(results)]
        self._nodes.append((kind, inputs, tuple(names), domain, attributes))
        return names

    def constant(self, value: Any, dtype: str = "int64") -> str:
        """Add numbers that the model holds itself; equal ones are held once."""
        array = np.asarray(value, dtype)
        content = array.tobytes()
        name = f"const_{dtype}_{'x'.join(map(str, array.shape))}_{content[:32].hex()}"
        if len(content) > 32:  # noqa: PLR2004 - longer ones are told apart by their number
            name = f"const_{len(self._tensors)}"
        kind = proto.NUMPY_TYPES[dtype]
        self._tensors[name] = proto.tensor(name, kind, array.shape, content)
        return name

    def number(self, value: float) -> str:
        """Add one float."""
        return self.constant(value, "float32")

    def external(self, name: str, dtype: int, shape: Sequence[int],
                 place: tuple[str, int, int]) -> str:  # fmt: skip
        """Add a tensor that lies in a file: location, offset and length."""
        if name not in self._tensors:
            self._tensors[name] = proto.external_tensor(name, dtype, shape, place)
        return name

    def weight(self, name: str) -> str:
        """Give a canonical tensor."""
        return self._floats(self.weights.tensor(name))

    def stored(self, place: Place) -> str:
        """Give a tensor as it is stored, whatever canonical ones it holds."""
        return self._floats(self.weights.stored(place))

    def _floats(self, found: Bytes) -> str:
        return self.external(found.name, proto.FLOAT, found.shape, found.place)

    def input(self, name: str, dtype: int, shape: Sequence[proto.Side]) -> str:
        """Declare an input of the model."""
        self._inputs.setdefault(name, proto.value(name, dtype, shape))
        return name

    def output(self, name: str, value: str, rank: int) -> None:
        """Make a value an output of the model; its sides are left to be inferred."""
        if value in self._names or value in self._inputs:
            value = self.op("Identity", value)
        self._names[value] = name
        self._outputs[name] = proto.value(name, proto.FLOAT, [None] * rank)

    def model(self) -> bytes:
        """Write what was built."""
        nodes = (
            proto.node(kind, self._named(inputs), self._named(outputs), domain, attributes)
            for kind, inputs, outputs, domain, attributes in fused(
                self._nodes, self._biased, list(self._names))
        )  # fmt: skip
        return proto.model(
            nodes, self._tensors.values(), self._inputs.values(), self._outputs.values()
        )

    def _named(self, values: tuple[str, ...]) -> list[str]:
        return [self._names.get(value, value) for value in values]

    # What the bricks use most, by the names of the array libraries.

    def add(self, left: str, right: str) -> str:
        """Add two values."""
        return self.op("Add", left, right)

    def with_bias(self, product: str, bias: str) -> str:
        """Add a bias [C] to a product [..., C]."""
        found = self.add(product, bias)
        self._biased.add(found)
        return found

    def mul(self, left: str, right: str) -> str:
        """Multiply two values."""
        return self.op("Mul", left, right)

    def scaled(self, value: str, factor: float) -> str:
        """Multiply by a number, unless it is 1."""
        return value if factor == 1.0 else self.mul(value, self.number(factor))

    def reshape(self, value: str, *sides: int) -> str:
        """Reshape; 0 keeps a side, -1 is what is left."""
        return self.op("Reshape", value, self.constant(sides))

    def transpose(self, value: str, *order: int) -> str:
        """Reorder the sides."""
        return self.op("Transpose", value, perm=order)

    def concat(self, *values: str, axis: int = -1) -> str:
        """Put values side by side."""
        return self.op("Concat", *values, axis=axis)

    def split(self, value: str, sizes: Sequence[int], axis: int = -1) -> list[str]:
        """Cut into parts of these sizes."""
        if len(sizes) == 1:
            return [value]
        return self.ops("Split", value, self.constant(sizes), results=len(sizes), axis=axis)

    def slice(self, value: str, start: str, end: str, axis: int) -> str:
        """Take the part from `start` to `end` (names of values [1]) along an axis."""
        return self.op("Slice", value, start, end, self.constant([axis]))

    def at(self, value: str, index: int, axis: int) -> str:
        """Take one row along an axis, which goes away."""
        return self.op("Gather", value, self.constant(index), axis=axis)

    def unsqueeze(self, value: str, *axes: int) -> str:
        """Put sides of length 1 at these places."""
        return self.op("Unsqueeze", value, self.constant(axes))

    def cast(self, value: str, dtype: int) -> str:
        """Change the type."""
        return self.op("Cast", value, to=dtype)

    def side(self, value: str, axis: int) -> str:
        """Give the length of one side, as a value [1]."""
        return self.op("Shape", value, start=axis, end=axis + 1)

    def range(self, start: str, end: str) -> str:
        """Count from `start` to `end`, both values [1]."""
        ends = [self.op("Squeeze", end_, self.constant([0])) for end_ in (start, end)]
        return self.op("Range", *ends, self.constant(1))
