"""Read and write Flax weights (`flax_model.msgpack`) without Flax and JAX."""

from collections.abc import Iterable, Iterator
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from reprise.base.errors import InvalidFormat, InvalidInput, NotSupported
from reprise.base.files import atomic_write
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.dtypes import TORCH, byte_count
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.msgpack import (
    Reader,
    Span,
    put_bytes_head,
    put_count,
    put_extension_head,
    put_list_head,
    put_map,
    put_text,
)
from reprise.models.weights.save import Bytes
from reprise.models.weights.stored import Place, StoredTensor, in_file

_ARRAY, _SCALAR = 1, 3  # Flax's numbers of extensions
_CHUNKED = "__msgpack_chunked_array__"
_MAX_CHUNK = 1 << 30  # bytes; MessagePack has no room for much more
# NumPy's and JAX's names; those of 8-bit floats are torch's.
_DTYPES = {name: dtype for dtype, name in TORCH.items()}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def open_flax(path: Path) -> Checkpoint:
    """Open a Flax file. Nested names are joined with `/`; arrays stay in the file.

    Raises:
        InvalidFormat: It is damaged, or lies about sizes.
        NotSupported: An array has a type that is unknown here.
    """
    file = MappedFile(path)
    reader = Reader(file.bytes)
    content = reader.value()
    if not isinstance(content, dict) or reader.place != file.size:
        raise InvalidFormat(f"{path.name} is no file of Flax, or has bytes behind its end.")
    tensors: dict[str, StoredTensor] = {}
    skipped: list[str] = []
    for name, value in _leaves("", content):
        tensor = _tensor(file, name, value)
        if tensor is None:
            skipped.append(name)
        elif name in tensors:
            raise InvalidFormat(f"{path.name} has two arrays called {name[:80]!r}.")
        else:
            tensors[name] = tensor
    return Checkpoint("flax", (path,), tensors, {"skipped": skipped})


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Go through the tree; its depth is limited by the reader."""
    if isinstance(value, list):
        value = {str(number): item for number, item in enumerate(value)}
    if not isinstance(value, dict) or _CHUNKED in value:
        yield name, value
        return
    for key, item in value.items():
        yield from _leaves(f"{name}/{key}" if name else key, item)


def _tensor(file: MappedFile, name: str, value: Any) -> StoredTensor | None:
    if isinstance(value, dict):
        return _joined(file, name, value)
    if not isinstance(value, Span) or value.kind not in {_ARRAY, _SCALAR}:
        return None
    reader = Reader(file.bytes, value.offset, value.offset + value.length)
    parts = reader.value()
    if not isinstance(parts, list) or len(parts) != len(("shape", "dtype", "bytes")):
        raise InvalidFormat(f"{file.path.name}: array {name[:80]!r} is damaged.")
    shape, dtype, content = _shape(file, name, parts[0]), parts[1], parts[2]
    if isinstance(dtype, Span):
        dtype = bytes(file.view(dtype.offset, dtype.length, name)).decode("utf-8", "replace")
    if dtype not in _DTYPES or not isinstance(content, Span):
        raise NotSupported(f"{file.path.name}: array {name[:80]!r} has the type {dtype!r:.40}.")
    return in_file(name, _DTYPES[dtype], shape, Place(file, content.offset, content.length))


def _shape(file: MappedFile, name: str, sizes: Any) -> tuple[int, ...]:
    if isinstance(sizes, dict):
        sizes = [sizes.get(str(number)) for number in range(len(sizes))]
    if not isinstance(sizes, list) or not all(
        type(size) is int and 0 <= size < 1 << 62 for size in sizes
    ):
        raise InvalidFormat(f"{file.path.name}: array {name[:80]!r} has an impossible shape.")
    return tuple(sizes)


def _joined(file: MappedFile, name: str, value: dict[str, Any]) -> StoredTensor:
    """Describe an array that Flax cut because it has over a gigabyte."""
    shape, chunks = _shape(file, name, value.get("shape")), value.get("chunks")
    if not isinstance(chunks, dict):
        raise InvalidFormat(f"{file.path.name}: array {name[:80]!r} is cut wrongly.")
    parts = [_piece(file, name, chunks.get(str(number))) for number in range(len(chunks))]
    found = [part for part in parts if part is not None]
    dtypes = {part.dtype for part in found}
    if len(found) != len(parts) or len(dtypes) != 1:
        raise InvalidFormat(f"{file.path.name}: array {name[:80]!r} is cut wrongly.")
    if sum(part.elements for part in found) != prod(shape):
        raise InvalidFormat(f"{file.path.name}: the parts of {name[:80]!r} do not add up.")
    return StoredTensor(name, dtypes.pop(), shape, produce=partial(_join, found))


def _piece(file: MappedFile, name: str, value: Any) -> StoredTensor | None:
    return None if isinstance(value, dict) else _tensor(file, name, value)


def _join(parts: list[StoredTensor]) -> memoryview:
    return memoryview(b"".join(part.buffer() for part in parts))


def save_flax(path: str | Path, tensors: Iterable[tuple[str, str, tuple[int, ...], Bytes]]) -> None:
    """Write tensors as Flax does; `/` in a name nests. The file appears when it is whole.

    Raises:
        InvalidInput: A name is twice, or also a folder of names; a type or size does not fit.
    """
    tree: dict[str, Any] = {}
    for name, dtype, shape, content in tensors:
        *outer, last = name.split("/")
        place = tree
        for part in outer:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise InvalidInput(f"{name!r} lies under a name that is itself a tensor.")
        if last in place or dtype not in _NAMES:
            raise InvalidInput(f"{name!r} comes twice, or Flax cannot store {dtype}.")
        place[last] = (name, dtype, shape, content)
    with atomic_write(Path(path)) as file:
        _write(file, tree)


def _write(file: BinaryIO, tree: dict[str, Any]) -> None:
    file.write(put_map(len(tree)))
    for key, value in tree.items():
        file.write(put_text(key))
        if isinstance(value, dict):
            _write(file, value)
        else:
            _write_tensor(file, *value)


def _write_tensor(
    file: BinaryIO, name: str, dtype: str, shape: tuple[int, ...], content: Bytes
) -> None:
    view = memoryview(content() if callable(content) else content).cast("B")
    if view.nbytes != byte_count(dtype, prod(shape)):
        raise InvalidInput(f"{name!r} has {view.nbytes} bytes, not those of {list(shape)}.")
    if view.nbytes <= _MAX_CHUNK:
        _write_array(file, _NAMES[dtype], shape, view)
        return
    item = byte_count(dtype, 1) or 1
    starts = range(0, view.nbytes, _MAX_CHUNK)
    file.write(put_map(3) + put_text(_CHUNKED) + b"\xc3" + put_text("shape") + put_map(len(shape)))
    file.write(b"".join(put_text(str(n)) + put_count(size) for n, size in enumerate(shape)))
    file.write(put_text("chunks") + put_map(len(starts)))
    for number, start in enumerate(starts):
        part = view[start : start + _MAX_CHUNK]
        file.write(put_text(str(number)))
        _write_array(file, _NAMES[dtype], (part.nbytes // item,), part)


def _write_array(file: BinaryIO, dtype: str, shape: tuple[int, ...], view: memoryview) -> None:
    sizes = put_list_head(len(shape)) + b"".join(put_count(size) for size in shape)
    head = put_list_head(3) + sizes + put_text(dtype) + put_bytes_head(view.nbytes)
    file.write(put_extension_head(_ARRAY, len(head) + view.nbytes) + head)
    file.write(view)
