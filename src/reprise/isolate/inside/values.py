"""Values as JSON, with buffers beside it.

Plain JSON values are themselves. Everything else is an object with its kind under `$`. Arrays,
tensors, images and bytes refer to a buffer by its place; what has no form here travels as a
reference, or not at all.
"""

from __future__ import annotations

import ctypes
import sys
from collections import OrderedDict, namedtuple
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from .slots import ALIGNMENT

MAX_DEPTH = 64
KIND = "$"
_ARRAY_KINDS = "biufcmMSU"
_IMAGE_MODES = frozenset({"1", "L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"})
# Name -> bytes of one element. Not every torch has every type.
_TENSOR_TYPES = {
    "bool": 1, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "int8": 1, "int16": 2,
    "int32": 4, "int64": 8, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8,
    "complex32": 4, "complex64": 8, "complex128": 16, "float8_e4m3fn": 1, "float8_e5m2": 1,
}  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[memoryview], None]
    View = Callable[[int, int], memoryview]


class CannotTravel(TypeError):
    """A value has no form on the wire."""


class Record(dict):  # type: ignore[type-arg]
    """A dictionary whose items can be read as attributes, as model outputs are."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Encoder:
    """Turns one value into JSON and a list of buffers to write.

    Args:
        refer: Makes the JSON for a value that has no form here, or raises `CannotTravel`.
    """

    def __init__(self, refer: Callable[[Any], Any]) -> None:
        self._refer = refer
        self._torch = sys.modules.get("torch")
        self._tensors = getattr(self._torch, "Tensor", None)
        self._writes: list[tuple[int, int, Write]] = []
        self.size = 0

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON of a value; its buffers are written by `write` later."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if depth > MAX_DEPTH:
            raise CannotTravel("A value is nested too deeply, or contains itself.")
        # What nearly every request is made of, before the long way through all other kinds.
        if kind is list:
            return [self.encode(item, depth + 1) for item in value]
        if kind is tuple:
            return {KIND: "tuple", "v": [self.encode(item, depth + 1) for item in value]}
        if kind is dict:
            return self._dictionary(value, depth + 1)
        if kind is self._tensors:
            return self._tensor(value, self._torch)
        return value if isinstance(value, str) else self._container(value, depth + 1)

    def write(self, memory: memoryview) -> None:
        """Copy all buffers to their places in `memory`, which has at least `size` bytes."""
        for offset, size, write in self._writes:
            write(memory[offset : offset + size])

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            return self._dictionary(value, depth)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            items = [self.encode(item, depth) for item in value]
            fields = [str(name) for name in value._fields]
            return {KIND: "named", "name": type(value).__name__, "fields": fields, "v": items}
        for kind, types in (("tuple", tuple), ("set", set), ("frozenset", frozenset)):
            if isinstance(value, types):
                return {KIND: kind, "v": [self.encode(item, depth) for item in value]}
        return self._scalar(value, depth)

    def _dictionary(self, value: Any, depth: int) -> Any:
        kind = "dict" if type(value) is dict else "record"
        if type(value) is OrderedDict:
            kind = "ordered"
        items = [[self.encode(k, depth), self.encode(v, depth)] for k, v in value.items()]
        return {KIND: kind, "v": items}

    def _scalar(self, value: Any, depth: int) -> Any:  # noqa: PLR0911 - one line for each kind
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {KIND: "bytes", "b": self._copied(memoryview(bytes(value)))}
        if isinstance(value, PurePath):
            return {KIND: "path", "v": str(value)}
        if isinstance(value, complex):
            return {KIND: "complex", "v": [value.real, value.imag]}
        if isinstance(value, slice):
            parts = [self.encode(part, depth) for part in (value.start, value.stop, value.step)]
            return {KIND: "slice", "v": parts}
        if isinstance(value, range):
            return {KIND: "range", "v": [value.start, value.stop, value.step]}
        if value is Ellipsis:
            return {KIND: "ellipsis"}
        return self._library_value(value)

    def _library_value(self, value: Any) -> Any:
        torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
        image = sys.modules.get("PIL.Image")
        if torch is not None and hasattr(torch, "Tensor"):
            if isinstance(value, torch.Tensor):
                return self._tensor(value, torch)
            if isinstance(value, (torch.dtype, torch.device)):
                return {KIND: type(value).__name__, "v": str(value)}
        if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
            return self._array(value, numpy)
        if image is not None and isinstance(value, image.Image):
            return self._image(value)
        if isinstance(value, (int, float)):  # enumerations and other subclasses
            return int(value) if isinstance(value, int) else float(value)
        return self._refer(value)

    def _tensor(self, value: Any, torch: Any) -> Any:
        name = _TYPE_NAMES.get(value.dtype) or _type_name(value.dtype)
        if value.layout is not torch.strided or name not in _TENSOR_TYPES or value.is_meta:
            raise CannotTravel(f"A {value.layout} tensor of type {name} cannot travel.")
        value = value.detach()
        size = value.numel() * value.element_size()

        def write(memory: memoryview) -> None:
            if value.is_cpu and value.is_contiguous() and not _is_lazy(value):
                # One thread: torch's own copy wakes a pool of threads, in both processes at once.
                target = ctypes.c_char.from_buffer(memory)
                ctypes.memmove(ctypes.addressof(target), value.data_ptr(), size)
            else:
                torch.frombuffer(memory, dtype=value.dtype).view(value.shape).copy_(value)

        place = self._placed(size, write if size else lambda _: None)
        return {KIND: "tensor", "dtype": name, "shape": list(value.shape), "b": place}

    def _array(self, value: Any, numpy: Any) -> Any:
        kind = "array" if isinstance(value, numpy.ndarray) else "number"
        if value.dtype.kind not in _ARRAY_KINDS:
            raise CannotTravel(f"An array of type {value.dtype} cannot travel.")

        def write(memory: memoryview) -> None:
            numpy.frombuffer(memory, dtype=value.dtype).reshape(value.shape)[...] = value

        place = self._placed(value.nbytes, write if value.nbytes else lambda _: None)
        return {KIND: kind, "dtype": value.dtype.str, "shape": list(value.shape), "b": place}

    def _image(self, value: Any) -> Any:
        if value.mode not in _IMAGE_MODES:
            value = value.convert("RGBA" if "transparency" in value.info else "RGB")
        place = self._copied(memoryview(value.tobytes()))
        return {KIND: "image", "mode": value.mode, "size": list(value.size), "b": place}

    def _copied(self, source: memoryview) -> list[int]:
        def write(memory: memoryview) -> None:
            memory[:] = source

        return self._placed(source.nbytes, write)

    def _placed(self, size: int, write: Write) -> list[int]:
        """Reserve room for a buffer; return its offset and size."""
        offset = -(-self.size // ALIGNMENT) * ALIGNMENT
        self._writes.append((offset, size, write))
        self.size = offset + size
        return [offset, size]


class Decoder:
    """Turns JSON and buffers back into a value.

    Args:
        view: Returns the memory of a buffer, given offset and size; arrays and tensors share it.
        resolve: Makes the value behind a reference.
        prefer_numpy: Return tensors as arrays even where torch is installed.
    """

    def __init__(
        self, view: View, resolve: Callable[[Any], Any], *, prefer_numpy: bool = False
    ) -> None:
        self._view = view
        self._resolve = resolve
        self._prefer_numpy = prefer_numpy

    def decode(self, value: Any) -> Any:
        """Return the value of what `Encoder.encode` made.

        Raises:
            ValueError: It is not the form of any value; KeyError and TypeError mean the same.
        """
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        kind = value[KIND]
        made = _MAPPINGS.get(kind)
        if made is not None:
            return made([(self.decode(k), self.decode(v)) for k, v in value["v"]])
        made = _COLLECTIONS.get(kind)
        if made is not None:
            return made([self.decode(item) for item in value["v"]])
        method = getattr(self, "_" + kind) if kind in _DECODED else self._resolve
        return method(value)

    def _named(self, value: Any) -> Any:
        made = namedtuple(value["name"], value["fields"], rename=True)  # type: ignore[misc]
        return made(*(self.decode(item) for item in value["v"]))

    def _bytes(self, value: Any) -> bytes:
        return bytes(self._view(*value["b"]))

    def _path(self, value: Any) -> str:
        return str(value["v"])

    def _complex(self, value: Any) -> complex:
        return complex(*value["v"])

    def _slice(self, value: Any) -> slice:
        return slice(*(self.decode(part) for part in value["v"]))

    def _range(self, value: Any) -> range:
        return range(*value["v"])

    def _ellipsis(self, value: Any) -> Any:  # noqa: ARG002 - one shape for all
        return Ellipsis

    def _dtype(self, value: Any) -> Any:
        name = value["v"].rpartition(".")[2]
        if name not in _TENSOR_TYPES:
            raise ValueError(f"There is no tensor type {name!r}.")
        torch = _import("torch")
        return name if torch is None else getattr(torch, name)

    def _device(self, value: Any) -> Any:
        torch = _import("torch")
        return value["v"] if torch is None else torch.device(value["v"])

    def _tensor(self, value: Any) -> Any:
        name, shape = value["dtype"], _checked_shape(value["shape"])
        torch = None if self._prefer_numpy else _import("torch")
        if name not in _TENSOR_TYPES:
            raise ValueError(f"There is no tensor type {name!r}.")
        if torch is None:
            return self._array(dict(value, dtype=_array_type(name)))
        dtype, size = getattr(torch, name), _count(shape) * _TENSOR_TYPES[name]
        memory = self._sized(value["b"], size)
        if not size:
            return torch.empty(shape, dtype=dtype)
        return torch.frombuffer(memory, dtype=dtype).view(shape)

    def _array(self, value: Any) -> Any:
        numpy = _import("numpy")
        if numpy is None:
            raise CannotTravel("An array arrived, but numpy is not installed on this side.")
        dtype, shape = numpy.dtype(value["dtype"]), _checked_shape(value["shape"])
        if dtype.kind not in _ARRAY_KINDS:
            raise ValueError(f"An array of type {dtype} cannot travel.")
        size = _count(shape) * dtype.itemsize
        memory = self._sized(value["b"], size)
        if not size:
            return numpy.empty(shape, dtype)
        return numpy.frombuffer(memory, dtype=dtype).reshape(shape)

    def _number(self, value: Any) -> Any:
        return self._array(value)[()]

    def _image(self, value: Any) -> Any:
        image = _import("PIL.Image")
        if image is None:
            raise CannotTravel("An image arrived, but Pillow is not installed on this side.")
        if value["mode"] not in _IMAGE_MODES:
            raise ValueError("There is no image mode {!r}.".format(value["mode"]))
        return image.frombytes(
            value["mode"], tuple(_checked_shape(value["size"])), bytes(self._view(*value["b"]))
        )

    def _sized(self, place: Any, size: int) -> memoryview:
        memory = self._view(*place)
        if len(memory) != size:
            raise ValueError("A buffer has another size than its shape.")
        return memory


_PLAIN = frozenset({type(None), bool, str, int, float})
_MAPPINGS: dict[Any, Any] = {"dict": dict, "ordered": OrderedDict, "record": Record}
_COLLECTIONS: dict[Any, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_TYPE_NAMES: dict[Any, str] = {}  # what `_type_name` found out; there are some twenty
_DECODED = frozenset(
    "named bytes path complex slice range ellipsis dtype device tensor array number image".split()
)


def _type_name(dtype: Any) -> str:
    return _TYPE_NAMES.setdefault(dtype, str(dtype).rpartition(".")[2])


def _is_lazy(tensor: Any) -> bool:
    """Tell whether conjugation or negation is only noted, not yet done, in a tensor's memory."""
    return bool(tensor.is_conj() or tensor.is_neg())


def _checked_shape(shape: Any) -> list[int]:
    if isinstance(shape, list):
        for size in shape:
            if type(size) is not int or size < 0:
                break
        else:
            return shape
    raise ValueError("A shape is not a list of sizes.")


def _count(shape: list[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _array_type(name: str) -> str:
    if name.startswith(("bfloat", "float8", "complex32")):
        raise CannotTravel(f"numpy has no type {name}; convert it to float32 in the model.")
    return name


def _import(name: str) -> Any:
    """Import an optional library, or return None."""
    try:
        return sys.modules.get(name) or import_module(name)
    except ImportError:
        return None
