"""Quantised blocks of GGUF as float32."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reprise.models.weights.arrays import numpy_module

if TYPE_CHECKING:
    from numpy import ndarray

_MIDDLE = 8  # of the 16 values of 4 bits


def _q8_0(view: memoryview, shape: tuple[int, ...]) -> "ndarray":
    """32 numbers: a float16 scale, then a byte each."""
    np = numpy_module()
    blocks = np.frombuffer(view, np.dtype([("scale", "<f2"), ("numbers", "|i1", (32,))]))
    scaled = blocks["numbers"].astype("<f4") * blocks["scale"].astype("<f4")[:, None]
    return scaled.reshape(shape)  # type: ignore[no-any-return]


def _q4_0(view: memoryview, shape: tuple[int, ...]) -> "ndarray":
    """32 numbers: a float16 scale, then half a byte each; the lower halves come first."""
    np = numpy_module()
    blocks = np.frombuffer(view, np.dtype([("scale", "<f2"), ("pairs", "|u1", (16,))]))
    pairs = blocks["pairs"]
    numbers = np.concatenate([pairs & 0x0F, pairs >> 4], axis=1).astype("<f4") - _MIDDLE
    scaled = numbers * blocks["scale"].astype("<f4")[:, None]
    return scaled.reshape(shape)  # type: ignore[no-any-return]


WIDENERS: dict[str, Callable[[memoryview, tuple[int, ...]], "ndarray"]] = {
    "Q8_0": _q8_0,
    "Q4_0": _q4_0,
}
