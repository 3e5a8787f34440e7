"""Matrices in 8 bits: a scale per output channel, written once beside the graphs."""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.base.files import atomic_write
from reprise.models.names import Place
from reprise.models.onnx.weights import TURNED, Eighth, Spot, layout
from reprise.models.plan import Plan
from reprise.models.weights.stored import StoredTensor

_ALIGN = 64
_STEPS = 127  # 8 bits with a sign, zero in the middle


def matrices(plan: Plan) -> dict[str, Place]:
    """Find the stored matrices of a plan's layers: the ones that cost the time.

    Tables, norms and heads stay as they are.
    """
    found = {}
    for name, place in plan.places.items():
        inside = "layers." in name and name.endswith(".weight") and len(plan.shapes[name]) > 1
        if inside and layout(place) in {"same", "rows", "woven", *TURNED}:
            found[place.stored] = place
    return found


def spots(plan: Plan, location: str) -> dict[str, Eighth]:
    """Say where each matrix lies in the file that `write` makes."""
    found, end = {}, 0
    for stored, place in matrices(plan).items():
        out = _outputs(plan, place)
        numbers = sum(prod(plan.shapes[name]) for name in place.canonical)
        scales = end + _aligned(numbers)
        found[stored] = Eighth(Spot(location, end), Spot(location, scales))
        end = scales + _aligned(4 * out)
    return found


def write(plan: Plan, tensors: Mapping[str, StoredTensor], path: Path) -> None:
    """Write the matrices of a plan in 8 bits, one in memory at a time.

    Args:
        plan: Whose matrices.
        tensors: Stored name (of the plan) to tensor.
        path: Appears when it is whole.

    Raises:
        InvalidInput: It cannot be written.
    """
    try:
        with atomic_write(path) as file:
            for stored, place in matrices(plan).items():
                for part in _in_eighths(tensors[stored], place):
                    _put(file, part)
    except OSError as error:
        raise InvalidInput(f"{path.parent} cannot be written: {error}.",
                           hint="Name another folder: cache_dir=…") from None  # fmt: skip


def _in_eighths(tensor: StoredTensor, place: Place) -> Iterator[bytes]:
    weight = tensor.numpy(widen=True).astype(np.float32, copy=False)
    weight = weight.reshape(weight.shape[0], -1)
    by_input = weight if layout(place) in TURNED else weight.T
    scales = np.abs(by_input).max(axis=0) / _STEPS
    scales[scales == 0] = 1.0
    yield np.ascontiguousarray(np.rint(by_input / scales).astype(np.int8)).tobytes()
    yield scales.astype("<f4").tobytes()


def _put(file: BinaryIO, content: bytes) -> None:
    file.write(content + b"\0" * (-len(content) % _ALIGN))


def _outputs(plan: Plan, place: Place) -> int:
    return sum(plan.shapes[name][0] for name in place.canonical)


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
