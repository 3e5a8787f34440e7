"""Open weights of any format."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reprise.base.errors import InvalidFormat
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.find import Found, find_checkpoint

if TYPE_CHECKING:
    from reprise.models.weights.stored import StoredTensor

_INDEX = ".index.json"
_MAX_INDEX = 64 << 20  # bytes of JSON
_ROOM = "reprise.models.weights"
_READERS = {
    "safetensors": ("safetensors", "open_safetensors"),
    "torch": ("torch_file", "open_torch"),
    "tensorflow": ("tf_bundle", "open_tf_bundle"),
    "h5": ("h5", "open_h5"),
    "flax": ("flax", "open_flax"),
    "gguf": ("gguf", "open_gguf"),
}
_SUFFIXES = {
    ".safetensors": "safetensors", ".bin": "torch", ".pt": "torch", ".pth": "torch",
    ".ckpt": "torch", ".h5": "h5", ".hdf5": "h5", ".msgpack": "flax", ".gguf": "gguf",
    ".index": "tensorflow",
}  # fmt: skip
_FIRST_BYTES = {
    b"PK\x03\x04": "torch", b"GGUF": "gguf", b"\x89HDF": "h5",
}  # fmt: skip
_POINTER = b"version https://git-lfs"


def open_checkpoint(path: str | Path | Found) -> Checkpoint:
    """Open weights: a folder, a file, an `.index.json` of shards, or what `find_checkpoint` found.

    Only descriptions are read: names, types, shapes, places. Nothing is executed.

    Raises:
        NotFound: There is nothing there.
        InvalidFormat: The file is damaged, lies, or is of no format known here.
        MissingExtra: The format needs a library that is not installed.
    """
    found = path if isinstance(path, Found) else _recognise(Path(path))
    if found.sharded:
        return _open_shards(found)
    return _reader(found.format)(found.path)


def _reader(form: str) -> Callable[[Path], Checkpoint]:
    module, function = _READERS[form]
    return cast(
        "Callable[[Path], Checkpoint]", getattr(import_module(f"{_ROOM}.{module}"), function)
    )


def _recognise(path: Path) -> Found:
    if path.is_dir():
        return find_checkpoint(path)
    if path.name.endswith(_INDEX):
        return Found(_format_of(path.with_name(path.name.removesuffix(_INDEX))), path, sharded=True)
    beside = path.with_name(f"{path.name}.index")  # TensorFlow users name the prefix
    if not path.exists() and beside.is_file():
        return Found("tensorflow", beside)
    return Found(_format_of(path), path)


def _format_of(path: Path) -> str:
    first = b""
    if path.is_file():
        with path.open("rb") as file:
            first = file.read(len(_POINTER))
    if first == _POINTER:
        raise InvalidFormat(
            f"{path.name} is not the weights, but a Git LFS pointer to them. "
            "Download the file itself: git lfs pull, or reprise download."
        )
    form = _FIRST_BYTES.get(first[:4]) or _SUFFIXES.get(path.suffix)
    if form is None:
        raise InvalidFormat(
            f"{path.name} is no kind of weights known here ({', '.join(_SUFFIXES)})."
        )
    return form


def _open_shards(found: Found) -> Checkpoint:
    weight_map = _weight_map(found.path)
    shards = {
        name: _reader(found.format)(found.path.with_name(name))
        for name in sorted(set(weight_map.values()))
    }
    tensors: dict[str, StoredTensor] = {}
    for shard in shards.values():
        twice = tensors.keys() & shard.keys()
        if twice:
            raise InvalidFormat(f"{found.path.name}: {min(twice)[:80]!r} is in two shards.")
        tensors.update(shard)
    # Only these two write into the index the very names that are in the shards.
    if found.format in {"safetensors", "torch"}:
        for tensor, name in weight_map.items():
            if tensor not in shards[name]:
                raise InvalidFormat(f"{found.path.name}: {tensor[:80]!r} is not in {name}.")
    files = tuple(file for shard in shards.values() for file in shard.files)
    metadata = {key: item for shard in shards.values() for key, item in shard.metadata.items()}
    return Checkpoint(found.format, files, tensors, metadata)


def _weight_map(path: Path) -> dict[str, str]:
    if path.stat().st_size > _MAX_INDEX:
        raise InvalidFormat(f"{path.name} has over {_MAX_INDEX} bytes.")
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidFormat(f"{path.name} is not valid JSON.") from None
    listed = value.get("weight_map") if isinstance(value, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise InvalidFormat(f"{path.name} has no weight_map.")
    for name in listed.values():
        if not isinstance(name, str) or Path(name).name != name or "\0" in name or name == "..":
            raise InvalidFormat(
                f"{path.name} names a shard that is no file beside it: {name!r:.80}."
            )
    return listed
