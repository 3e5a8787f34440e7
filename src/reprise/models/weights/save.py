"""Write safetensors: byte for byte what its own writer gives, in shards where it is big."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from reprise.base.errors import InvalidInput
from reprise.base.files import fsync_folder, write_bytes
from reprise.formats.safetensors_header import LENGTH_SIZE, MAX_HEADER
from reprise.models.weights.dtypes import ORDER, byte_count

Bytes = bytes | memoryview | Callable[[], bytes | memoryview]
MAX_SHARD = 5_000_000_000  # bytes, as the hub's other writers do
INDEX = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_ALIGN = 8  # the header's length is a multiple of it


@dataclass(frozen=True)
class _Tensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    content: Bytes
    size: int


def save_safetensors(
    folder: str | Path,
    tensors: Iterable[tuple[str, str, tuple[int, ...], Bytes]],
    *,
    max_shard_bytes: int = MAX_SHARD,
    metadata: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write tensors into a folder as `model.safetensors`, or as shards with an index.

    Every file is written beside its place, flushed, and renamed when all of them are whole; what an
    earlier save left is removed. A save that fails leaves the folder as it was.

    Args:
        folder: Made when it is absent.
        tensors: Name, type as safetensors spells it, shape, and the bytes in order, little-endian;
            or a function that gives the bytes, so that only one tensor is in memory at a time.
        max_shard_bytes: Where to cut; a larger tensor gets a shard of its own.
        metadata: Texts for the header. transformers wants `{"format": "pt"}`, which is the default.

    Returns:
        The files written, the index last.

    Raises:
        InvalidInput: A name comes twice, a type cannot be stored, or bytes are too few or too many.
    """
    folder, listed = Path(folder), _listed(tensors)
    notes = {"format": "pt"} if metadata is None else dict(metadata)
    shards = _shards(listed, max_shard_bytes)
    names = _names(len(shards))
    folder.mkdir(parents=True, exist_ok=True)
    staged = [folder / f".{name}.{uuid.uuid4().hex}.tmp" for name in names]
    try:
        for path, shard in zip(staged, shards, strict=True):
            with path.open("xb") as file:
                _write(file, shard, notes)
        written = _put_in_place(folder, staged, names)
    except BaseException:
        for path in staged:
            path.unlink(missing_ok=True)
        raise
    if len(names) > 1:
        write_bytes(folder / INDEX, _index(listed, shards, names))
        (folder / _SINGLE).unlink(missing_ok=True)
        written.append(folder / INDEX)
    fsync_folder(folder)
    return written


def _listed(tensors: Iterable[tuple[str, str, tuple[int, ...], Bytes]]) -> list[_Tensor]:
    found: dict[str, _Tensor] = {}
    for name, dtype, shape, content in tensors:
        size = byte_count(dtype, prod(shape)) if dtype in ORDER else None
        if size is None:
            raise InvalidInput(f"safetensors cannot store {name!r}: {dtype} {list(shape)}.")
        if name in found or name == "__metadata__":
            raise InvalidInput(f"{name!r} comes twice, or is no name for a tensor.")
        found[name] = _Tensor(name, dtype, tuple(shape), content, size)
    return list(found.values())


def _shards(tensors: list[_Tensor], most: int) -> list[list[_Tensor]]:
    """Cut where the next tensor would be too much, in the order given, as the hub's clients do."""
    shards: list[list[_Tensor]] = []
    current: list[_Tensor] = []
    filled = 0
    for tensor in tensors:
        if tensor.size > most:
            shards.append([tensor])
            continue
        if current and filled + tensor.size > most:
            shards.append(current)
            current, filled = [], 0
        current.append(tensor)
        filled += tensor.size
    return [*shards, current] if current or not shards else shards


def _names(count: int) -> list[str]:
    if count == 1:
        return [_SINGLE]
    return [f"model-{n:05d}-of-{count:05d}.safetensors" for n in range(1, count + 1)]


def _write(file: BinaryIO, tensors: list[_Tensor], metadata: dict[str, str]) -> None:
    ordered = sorted(tensors, key=lambda tensor: (ORDER[tensor.dtype], tensor.name.encode()))
    file.write(_header(ordered, metadata))
    for tensor in ordered:
        content = tensor.content() if callable(tensor.content) else tensor.content
        view = memoryview(content)
        if view.nbytes != tensor.size or not view.c_contiguous:
            raise InvalidInput(
                f"{tensor.name!r} needs {tensor.size} bytes in a row, not {view.nbytes}."
            )
        file.write(view)
    file.flush()
    os.fsync(file.fileno())


def _header(tensors: list[_Tensor], metadata: dict[str, str]) -> bytes:
    fields: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for tensor in tensors:
        offsets = [end, end + tensor.size]
        end += tensor.size
        fields[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": tensor.shape,
            "data_offsets": offsets,
        }
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGN)
    if len(text) > MAX_HEADER:
        raise InvalidInput(f"{len(tensors)} tensors are too many for one file; cut smaller shards.")
    return len(text).to_bytes(LENGTH_SIZE, "little") + text


def _put_in_place(folder: Path, staged: list[Path], names: list[str]) -> list[Path]:
    """Rename what is whole. Without an index shards are no checkpoint, so it goes first."""
    (folder / INDEX).unlink(missing_ok=True)
    for path, name in zip(staged, names, strict=True):
        path.replace(folder / name)
    for path in folder.iterdir():
        if _SHARD.fullmatch(path.name) and path.name not in names:
            path.unlink()
    return [folder / name for name in names]


def _index(tensors: list[_Tensor], shards: list[list[_Tensor]], names: list[str]) -> bytes:
    weight_map = {
        tensor.name: name for shard, name in zip(shards, names, strict=True) for tensor in shard
    }
    value = {
        "metadata": {
            "total_parameters": sum(prod(tensor.shape) for tensor in tensors),
            "total_size": sum(tensor.size for tensor in tensors),
        },
        "weight_map": weight_map,
    }
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
