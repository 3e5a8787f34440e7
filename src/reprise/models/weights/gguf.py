"""Read GGUF files of llama.cpp: plain and simply quantised tensors."""

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidFormat, NotSupported
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.dtypes import byte_count
from reprise.models.weights.gguf_blocks import WIDENERS
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.stored import Place, StoredTensor, in_file

_VERSIONS = (2, 3)
_ALIGNMENT = 32  # unless the metadata says otherwise
_MAX_DIMENSIONS = 8
_MAX_DEPTH = 4  # of lists in the metadata
_STRING, _LIST = 8, 9
_NUMBERS = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
_PLAIN = {0: "F32", 1: "F16", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 30: "BF16"}
# Quantised types: name, numbers in a block, bytes of a block.
_BLOCKS = {
    2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 20: ("IQ4_NL", 32, 18), 23: ("IQ4_XS", 256, 136),
}  # fmt: skip
_MAX_ITEMS = 4_000_000  # in all lists of the metadata; a vocabulary has about 200,000


@dataclass(frozen=True)
class _Described:
    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


def open_gguf(path: Path) -> Checkpoint:
    """Open a GGUF file. Its metadata becomes the checkpoint's; shapes are in NumPy's order.

    A quantised tensor keeps its type's name and its blocks; `numpy(widen=True)` gives float32 for
    Q8_0 and Q4_0, and an error that names the type for the others.

    Raises:
        InvalidFormat: It is damaged, or lies about sizes.
        NotSupported: An old or big-endian version, or a type of tensor nobody here knows.
    """
    file = MappedFile(path)
    reader = _Reader(file)
    if reader.take(4) != b"GGUF":
        raise InvalidFormat(f"{path.name} is no GGUF file.")
    version = reader.number("<I")
    if version not in _VERSIONS:
        raise NotSupported(f"{path.name} is version {version:#x} of GGUF; 2 and 3 are known.")
    tensor_count, pair_count = reader.number("<Q"), reader.number("<Q")
    reader.check_count(tensor_count + pair_count)
    metadata = {reader.text(): reader.value(reader.number("<I")) for _ in range(pair_count)}
    described = [reader.tensor() for _ in range(tensor_count)]
    alignment = metadata.get("general.alignment", _ALIGNMENT)
    if type(alignment) is not int or not 0 < alignment <= 1 << 20:
        raise InvalidFormat(f"{path.name} has an impossible alignment.")
    start = -(-reader.place // alignment) * alignment
    tensors = {item.name: _tensor(file, start, item) for item in described}
    if len(tensors) != tensor_count:
        raise InvalidFormat(f"{path.name} has two tensors of one name.")
    return Checkpoint("gguf", (path,), tensors, metadata)


def _tensor(file: MappedFile, start: int, item: _Described) -> StoredTensor:
    name, elements = item.name, prod(item.shape)
    if item.kind in _PLAIN:
        dtype = _PLAIN[item.kind]
        place = Place(file, start + item.offset, byte_count(dtype, elements) or 0)
        return in_file(name, dtype, item.shape, place)
    if item.kind not in _BLOCKS:
        raise NotSupported(f"{file.path.name}: {name[:80]!r} has the unknown type {item.kind}.")
    dtype, numbers, size = _BLOCKS[item.kind]
    if not item.shape or item.shape[-1] % numbers:
        raise InvalidFormat(f"{file.path.name}: {name[:80]!r} is no whole number of blocks.")
    place = Place(file, start + item.offset, elements // numbers * size)
    file.view(place.offset, place.length, f"tensor {name!r}")
    return StoredTensor(name, dtype, item.shape, place, widen=WIDENERS.get(dtype))


class _Reader:
    def __init__(self, file: MappedFile) -> None:
        self.file = file
        self.place = 0
        self.items = 0

    def take(self, size: int) -> bytes:
        view = self.file.view(self.place, size, "the header")
        self.place += size
        return bytes(view)

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def check_count(self, count: int) -> None:
        """Refuse more items than bytes are left, or than anybody needs."""
        self.items += count
        if count > self.file.size - self.place or self.items > _MAX_ITEMS:
            raise InvalidFormat(f"{self.file.path.name} announces {count} items, too many.")

    def text(self) -> str:
        return self.take(self.number("<Q")).decode("utf-8", "backslashreplace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self.text()
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        if kind != _LIST or depth > _MAX_DEPTH:
            raise InvalidFormat(f"{self.file.path.name} has metadata of the unknown type {kind}.")
        inner, count = self.number("<I"), self.number("<Q")
        self.check_count(count)
        if inner in _NUMBERS:
            form = _NUMBERS[inner]
            content = self.take(struct.calcsize(form) * count)
            return [number for (number,) in struct.iter_unpack(form, content)]
        return [self.value(inner, depth + 1) for _ in range(count)]

    def tensor(self) -> _Described:
        name, dimensions = self.text(), self.number("<I")
        if dimensions > _MAX_DIMENSIONS:
            raise InvalidFormat(f"{self.file.path.name}: {name[:80]!r} has too many dimensions.")
        sizes = struct.unpack(f"<{dimensions}Q", self.take(8 * dimensions))
        return _Described(name, tuple(reversed(sizes)), self.number("<I"), self.number("<Q"))
