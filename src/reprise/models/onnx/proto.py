"""ONNX messages as bytes: as much of protobuf as writing a model needs, and no library for it.

Field numbers are those of `onnx.proto`. A message is the bytes of its fields; nothing is read back.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence

from reprise.models.weights.wire import put, put_varint

FLOAT, UINT8, INT8, INT32, INT64, BOOL, DOUBLE = 1, 2, 3, 6, 7, 9, 11
NUMPY_TYPES = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int32": INT32, "int64": INT64,
               "bool": BOOL, "float64": DOUBLE}  # fmt: skip
IR_VERSION = 10
CONTRIB = "com.microsoft"  # ONNX Runtime's own operations
OPSETS = {"": 23, CONTRIB: 1}

Attribute = int | float | str | Sequence[int]
Side = int | str | None  # a number, the name of a size that varies, or what is inferred
_TYPE_INT, _TYPE_FLOAT, _TYPE_STRING, _TYPE_INTS = 2, 1, 3, 7
_EXTERNAL = 1
_WORD = (1 << 64) - 1


def _text(number: int, value: str) -> bytes:
    return put(number, value.encode())


def _number(number: int, value: int) -> bytes:
    return put(number, value & _WORD)


def node(kind: str, inputs: Iterable[str], outputs: Iterable[str], domain: str,
         attributes: Mapping[str, Attribute]) -> bytes:  # fmt: skip
    """Write one operation; an input that is left out has an empty name."""
    parts = [_text(1, name) for name in inputs]
    parts += [_text(2, name) for name in outputs]
    parts.append(_text(4, kind))
    parts += [put(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join([*parts, _text(7, domain)] if domain else parts)


def _attribute(name: str, value: Attribute) -> bytes:
    head = _text(1, name)
    if isinstance(value, str):
        return head + _text(4, value) + put(20, _TYPE_STRING)
    if isinstance(value, float):
        return head + put_varint(2 << 3 | 5) + struct.pack("<f", value) + put(20, _TYPE_FLOAT)
    if isinstance(value, int):
        return head + _number(3, value) + put(20, _TYPE_INT)
    return head + b"".join(_number(8, item) for item in value) + put(20, _TYPE_INTS)


def _tensor_head(name: str, dtype: int, shape: Iterable[int]) -> bytes:
    return b"".join(put(1, side) for side in shape) + put(2, dtype) + _text(8, name)


def tensor(name: str, dtype: int, shape: Iterable[int], content: bytes) -> bytes:
    """Write a tensor whose numbers are in the model."""
    return _tensor_head(name, dtype, shape) + put(9, content)


def external_tensor(name: str, dtype: int, shape: Iterable[int],
                    place: tuple[str, int, int]) -> bytes:  # fmt: skip
    """Write a tensor whose numbers are elsewhere: `place` is file, offset and length in bytes."""
    entries = zip(("location", "offset", "length"), map(str, place), strict=True)
    listed = b"".join(put(13, _text(1, key) + _text(2, value)) for key, value in entries)
    return _tensor_head(name, dtype, shape) + listed + put(14, _EXTERNAL)


def value(name: str, dtype: int, shape: Iterable[Side]) -> bytes:
    """Describe an input or output of a graph."""
    sides = b"".join(put(1, _side(side)) for side in shape)
    return _text(1, name) + put(2, put(1, put(1, dtype) + put(2, sides)))


def _side(side: Side) -> bytes:
    if side is None:
        return b""
    return _text(2, side) if isinstance(side, str) else _number(1, side)


def model(nodes: Iterable[bytes], tensors: Iterable[bytes], inputs: Iterable[bytes],
          outputs: Iterable[bytes]) -> bytes:  # fmt: skip
    """Write a whole model."""
    fields = ((1, nodes), (5, tensors), (11, inputs), (12, outputs))
    graph = b"".join(put(number, item) for number, items in fields for item in items)
    opsets = [_text(1, domain) + put(2, version) for domain, version in OPSETS.items()]
    head = put(1, IR_VERSION) + _text(2, "reprise") + put(7, graph + _text(2, "model"))
    return head + b"".join(put(8, opset) for opset in opsets)
