"""Write checkpoints that TensorFlow reads (`*.index` with `*.data-...`) without TensorFlow."""

import os
import uuid
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import BinaryIO

from reprise.base.errors import InvalidInput
from reprise.base.files import fsync_folder
from reprise.models.weights.crc32c import crc32c, masked
from reprise.models.weights.dtypes import byte_count
from reprise.models.weights.save import Bytes
from reprise.models.weights.tf_bundle import DTYPES
from reprise.models.weights.tf_table import table
from reprise.models.weights.wire import put

_NUMBERS = {dtype: number for number, dtype in DTYPES.items()}
_HEADER = put(1, 1) + put(3, put(1, 1))  # one file of numbers; version 1


def save_tf_bundle(
    prefix: str | Path, tensors: Iterable[tuple[str, str, tuple[int, ...], Bytes]]
) -> list[Path]:
    """Write tensors as a checkpoint by name, as TensorFlow 1's Saver does; TensorFlow 2 reads it.

    The files appear when both are whole; `checkpoint`, which names the newest, is written too.

    Args:
        prefix: What TensorFlow's users name: `folder/model.ckpt`.
        tensors: Name, type as safetensors spells it, shape, bytes in order or what gives them.

    Raises:
        InvalidInput: A name comes twice, TensorFlow has no such type, or the bytes do not fit.
    """
    prefix = Path(prefix)
    folder = prefix.parent
    folder.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    names = [f"{prefix.name}.data-00000-of-00001", f"{prefix.name}.index", "checkpoint"]
    staged = [folder / f".{name}.{mark}.tmp" for name in names]
    try:
        with staged[0].open("xb") as file:
            index = _write(file, tensors)
            _flush(file)
        state = (
            f'model_checkpoint_path: "{prefix.name}"\nall_model_checkpoint_paths: "{prefix.name}"\n'
        )
        for path, content in zip(staged[1:], (index, state.encode()), strict=True):
            with path.open("xb") as file:
                file.write(content)
                _flush(file)
        (folder / names[1]).unlink(missing_ok=True)  # an index of other numbers must never be seen
        for path, name in zip(staged, names, strict=True):
            path.replace(folder / name)
    finally:
        for path in staged:
            path.unlink(missing_ok=True)
    fsync_folder(folder)
    return [folder / name for name in names]


def _write(file: BinaryIO, tensors: Iterable[tuple[str, str, tuple[int, ...], Bytes]]) -> bytes:
    """Write the numbers; return the index of them."""
    found: dict[bytes, bytes] = {b"": _HEADER}
    for name, dtype, shape, content in sorted(tensors, key=lambda item: item[0].encode()):
        key = name.encode()
        if key in found or dtype not in _NUMBERS:
            raise InvalidInput(f"{name!r} comes twice, or TensorFlow cannot store {dtype}.")
        view = memoryview(content() if callable(content) else content)
        if view.nbytes != byte_count(dtype, prod(shape)):
            raise InvalidInput(f"{name!r} has {view.nbytes} bytes, not those of {list(shape)}.")
        found[key] = _entry(dtype, shape, file.tell(), view)
        file.write(view)
    return table(found.items())


def _entry(dtype: str, shape: tuple[int, ...], offset: int, view: memoryview) -> bytes:
    """Write a BundleEntryProto; zeros are left out, as protobuf does."""
    sizes = b"".join(put(2, put(1, size) if size else b"") for size in shape)
    fields: list[tuple[int, int | bytes]] = [
        (1, _NUMBERS[dtype]),
        (2, sizes),
        (4, offset),
        (5, view.nbytes),
    ]
    parts = [put(number, value) for number, value in fields if value or number == 2]  # noqa: PLR2004
    return b"".join(parts) + put(6, masked(crc32c(view)), fixed32=True)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
