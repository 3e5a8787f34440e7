"""One tensor of a checkpoint: described, but not read yet."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.base.errors import InvalidFormat, InvalidInput
from reprise.models.weights.dtypes import BITS, byte_count

if TYPE_CHECKING:
    from numpy import ndarray

    from reprise.models.weights.mapped import MappedFile

MAX_DIMENSIONS = 64


@dataclass(frozen=True)
class FileSpan:
    """Bytes of a file: where ONNX external data or another reader may find a tensor."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True, eq=False)
class Place:
    """Where a tensor's storage lies in a mapped file, and how the tensor looks at it.

    Attributes:
        offset: Of the storage's first byte.
        length: Bytes of the whole storage, which several tensors may share.
        start: The tensor's first element, counted in elements from the storage's start.
        strides: In elements, as torch counts; None when the elements lie in order.
    """

    file: "MappedFile"
    offset: int
    length: int
    start: int = 0
    strides: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class StoredTensor:
    """One tensor in a file, nothing read yet.

    Attributes:
        name: As the file spells it.
        dtype: safetensors' spelling: F32, F16, BF16, I64, U8, BOOL, F8_E4M3 ... A quantised type
            of GGUF keeps its own name: Q8_0.
        place: Where it lies when it is memory of a mapped file, else None.
        produce: Makes the bytes where they must be computed: unpacked, gathered.
        check: Compares the bytes with the checksum in the file, where the format has one.
        careful: Whether to do so each time the bytes are read, not only when asked to.
        widen: Makes float32 where the format has its own way of writing numbers.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    place: Place | None = None
    produce: Callable[[], memoryview] | None = None
    check: Callable[[], None] | None = None
    careful: bool = False
    widen: Callable[[memoryview, tuple[int, ...]], "ndarray"] | None = None

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def location(self) -> FileSpan | None:
        """Where its bytes lie in a file, in order; None when they lie in no file or scattered."""
        place = self.place
        if place is None or place.strides is not None:
            return None
        size = byte_count(self.dtype, self.elements)
        if size is None:
            return FileSpan(place.file.path, place.offset, place.length)
        first = place.offset + place.start * (byte_count(self.dtype, 1) or 0)
        return FileSpan(place.file.path, first, size)

    def buffer(self) -> memoryview:
        """Return its bytes in order, little-endian: a view of the file where the layout allows.

        Raises:
            CorruptContent: The tensor is read carefully, and its checksum is wrong.
        """
        self.check_carefully()
        if self.produce is not None:
            return self.produce()
        span, place = self.location, self.place
        if place is None:
            return memoryview(b"")
        if span is not None:
            return place.file.view(span.offset, span.length, self.name)
        from reprise.models.weights.arrays import gathered

        storage = place.file.view(place.offset, place.length, self.name)
        return gathered(
            storage, BITS[self.dtype] // 8, self.shape, (place.start, place.strides or ())
        )

    def check_carefully(self) -> None:
        """Check the bytes if this tensor is read carefully.

        Raises:
            CorruptContent: The checksum is wrong.
        """
        if self.careful and self.check is not None:
            self.check()

    def numpy(self, *, widen: bool = False) -> "ndarray":
        """Return it as a NumPy array: read-only, and a view of the file where the layout allows.

        Args:
            widen: Turn what NumPy has no type for (BF16, F8, quantised blocks) into float32.

        Raises:
            InvalidInput: NumPy has no such type, and `widen` is False.
        """
        from reprise.models.weights.arrays import as_array

        if self.dtype not in BITS and not (widen and self.widen):
            raise InvalidInput(
                f"{self.name!r} is quantised as {self.dtype}. "
                + ("Ask for numpy(widen=True)." if self.widen else "Only Q8_0 and Q4_0 are known.")
            )
        if widen and self.widen is not None:
            return self.widen(self.buffer(), self.shape)
        return as_array(self.buffer(), self.dtype, self.shape, widen=widen)

    def same_storage(self, other: "StoredTensor") -> bool:
        """Tell whether both are views of one storage: tied weights, or parts of a fused one."""
        mine, theirs = self.place, other.place
        if mine is None or theirs is None or not mine.length:
            return False
        return (mine.file, mine.offset, mine.length) == (theirs.file, theirs.offset, theirs.length)

    def same_view(self, other: "StoredTensor") -> bool:
        """Tell whether both are one and the same tensor under two names."""
        mine, theirs = self.place, other.place
        if mine is None or theirs is None or not self.same_storage(other):
            return False
        return (self.dtype, self.shape, mine.start, mine.strides) == (
            other.dtype, other.shape, theirs.start, theirs.strides,
        )  # fmt: skip


def in_file(name: str, dtype: str, shape: tuple[int, ...], place: Place) -> StoredTensor:
    """Describe a tensor that fills its place from end to end.

    Args:
        name: Of the tensor.
        dtype: In safetensors' spelling.
        shape: Of the tensor.
        place: `length` bytes that must be exactly those of the tensor, and in the file.

    Raises:
        InvalidFormat: The type is unknown, or sizes do not agree.
    """
    if dtype not in BITS:
        raise InvalidFormat(f"Tensor {name[:80]!r} has the type {dtype[:40]!r}, which is unknown.")
    wanted = byte_count(dtype, prod(shape))
    if wanted != place.length:
        raise InvalidFormat(
            f"Tensor {name[:80]!r} is said to be {dtype} {list(shape)[:8]}, {wanted} bytes, "
            f"but {place.length} are stored."
        )
    place.file.view(place.offset, place.length, f"tensor {name!r}")
    return StoredTensor(name, dtype, shape, place)


def rearranged(
    tensor: StoredTensor,
    name: str,
    axes: tuple[int, ...] | None,
    shape: tuple[int, ...] | None = None,
) -> StoredTensor:
    """Look at a tensor under another name, in another shape or order of axes.

    Args:
        tensor: Its numbers stay where they are.
        name: The new name.
        axes: Which of its axes come first, second, ...; None leaves them.
        shape: Another shape with as many numbers, before the axes are moved.
    """
    place = tensor.place
    if place is not None and place.strides is not None and shape is not None:
        place = None  # a scattered tensor is put in order before it gets another shape
    shape = tensor.shape if shape is None else shape
    ordered = shape if axes is None else tuple(shape[axis] for axis in axes)
    if axes is None and place is tensor.place:
        return replace(tensor, name=name, shape=ordered)
    steps = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    if place is not None and place.strides is not None:
        steps = place.strides
    strides = tuple(steps[axis] for axis in axes or range(len(shape)))
    if place is None:
        produce = partial(_moved, tensor, ordered, strides)
        return StoredTensor(name, tensor.dtype, ordered, produce=produce)
    place = replace(place, strides=None if in_order(ordered, strides) else strides)
    return replace(tensor, name=name, shape=ordered, place=place)


def in_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Tell whether elements with these strides lie one after the other."""
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size == 0:
            return True
        if size > 1 and stride != step:
            return False
        step *= size
    return True


def _moved(tensor: StoredTensor, shape: tuple[int, ...], strides: tuple[int, ...]) -> memoryview:
    from reprise.models.weights.arrays import gathered

    return gathered(tensor.buffer(), BITS[tensor.dtype] // 8, shape, (0, strides))
