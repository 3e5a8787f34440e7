"""Bytes as NumPy arrays."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.models.weights.dtypes import NUMPY

if TYPE_CHECKING:
    from numpy import ndarray

# Exponent and mantissa bits, exponent bias, and what the largest exponent means:
# "ieee" infinities and NaN, "nan" only all ones is NaN, "fnuz" minus zero is NaN.
_SMALL_FLOATS = {
    "F8_E4M3": (4, 3, 7, "nan"), "F8_E5M2": (5, 2, 15, "ieee"),
    "F8_E4M3FNUZ": (4, 3, 8, "fnuz"), "F8_E5M2FNUZ": (5, 2, 16, "fnuz"),
}  # fmt: skip


def numpy_module() -> Any:
    """Import NumPy.

    Raises:
        MissingExtra: It is not installed.
    """
    return require("numpy", extra="run")


def as_array(view: memoryview, dtype: str, shape: tuple[int, ...], *, widen: bool) -> ndarray:
    """Look at bytes as an array, without a copy unless it must be widened.

    Raises:
        InvalidInput: NumPy has no such type, and `widen` is False.
    """
    np = numpy_module()
    if dtype in NUMPY:
        return np.frombuffer(view, NUMPY[dtype]).reshape(shape)  # type: ignore[no-any-return]
    if not widen or dtype not in {"BF16", *_SMALL_FLOATS}:
        raise InvalidInput(
            f"NumPy has no type for {dtype}. Ask for numpy(widen=True), which gives float32, "
            "or take the bytes with buffer()."
            if dtype in {"BF16", *_SMALL_FLOATS}
            else f"NumPy has no type for {dtype}. Take the bytes with buffer()."
        )
    if dtype == "BF16":
        wide = np.frombuffer(view, "<u2").astype("<u4") << np.uint32(16)
        return wide.view("<f4").reshape(shape)  # type: ignore[no-any-return]
    table = np.array([_small_float(code, *_SMALL_FLOATS[dtype]) for code in range(256)], "<f4")
    return table[np.frombuffer(view, "|u1")].reshape(shape)  # type: ignore[no-any-return]


def gathered(
    storage: memoryview,
    item: int,
    shape: tuple[int, ...],
    layout: tuple[int, tuple[int, ...]],
) -> memoryview:
    """Copy the elements that strides pick out of a storage into one row.

    Args:
        storage: Its bytes.
        item: Bytes of one element.
        shape: Of the result.
        layout: First element and strides, in elements; the caller made sure that they stay inside.
    """
    np = numpy_module()
    start, strides = layout
    whole = np.frombuffer(storage, f"V{item}")[start:]
    if not prod(shape):
        return memoryview(b"")
    steps = tuple(stride * item for stride in strides)
    picked = np.lib.stride_tricks.as_strided(whole, shape, steps, writeable=False)
    return memoryview(np.ascontiguousarray(picked).reshape(-1).view("|u1")).toreadonly()


def _small_float(code: int, exponent_bits: int, mantissa_bits: int, bias: int, top: str) -> float:
    sign = -1.0 if code >> 7 else 1.0
    exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1)
    mantissa = code & ((1 << mantissa_bits) - 1)
    highest = exponent == (1 << exponent_bits) - 1
    if top == "fnuz" and code == 1 << 7:
        return float("nan")
    if top == "nan" and highest and mantissa == (1 << mantissa_bits) - 1:
        return float("nan")
    if top == "ieee" and highest:
        return float("nan") if mantissa else sign * float("inf")
    fraction = mantissa / (1 << mantissa_bits)
    if exponent == 0:
        return float(sign * fraction * 2.0 ** (1 - bias))
    return float(sign * (1 + fraction) * 2.0 ** (exponent - bias))
