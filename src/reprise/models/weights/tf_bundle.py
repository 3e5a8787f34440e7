"""Read checkpoints of TensorFlow 1 and 2 (`*.index` with `*.data-...`) without TensorFlow."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from reprise.base.errors import CorruptContent, InvalidFormat, NotSupported
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.crc32c import crc32c, masked
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.stored import Place, StoredTensor, in_file
from reprise.models.weights.tf_table import entries
from reprise.models.weights.wire import fields, varint

DTYPES = {
    1: "F32", 2: "F64", 3: "I32", 4: "U8", 5: "I16", 6: "I8", 8: "C64", 9: "I64", 10: "BOOL",
    14: "BF16", 17: "U16", 18: "C128", 19: "F16", 22: "U32", 23: "U64", 24: "F8_E5M2",
    25: "F8_E4M3",
}  # fmt: skip
_STRING = 7
GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_MAX_SHARDS = 10_000
_MAX_ENTRIES = 1_000_000


def open_tf_bundle(path: str | Path, *, checksums: bool = True) -> Checkpoint:
    """Open a checkpoint by its `.index` file, or by the prefix that TensorFlow's users name.

    The metadata holds `full_names` (what object checkpoints call a variable, by key) and
    `skipped` (keys that hold texts or objects instead of numbers).

    Args:
        path: `model.ckpt.index`, or `model.ckpt`.
        checksums: Compare a tensor's bytes with their checksum when they are first read (0.6 GB/s).
            The index itself is always checked.

    Raises:
        NotFound: A file is absent.
        InvalidFormat: It is damaged, or lies about sizes.
        CorruptContent: A checksum of the index is wrong.
        NotSupported: Big-endian numbers, or variables cut into slices.
    """
    path = Path(path)
    index = path if path.suffix == ".index" else path.with_name(f"{path.name}.index")
    messages = _messages(index)
    shards = _shards(index, messages.pop("", b""))
    tensors: dict[str, StoredTensor] = {}
    skipped: list[str] = []
    for name, message in messages.items():
        entry = _entry(name, message)
        if entry["dtype"] == _STRING or entry["dtype"] not in DTYPES:
            skipped.append(name)
            continue
        tensor = _tensor(name, entry, shards)
        check = partial(_check, name, _place(name, entry, shards), entry["crc"])
        tensors[name] = replace(tensor, check=check, careful=checksums)
    metadata = {"full_names": _full_names(messages, shards), "skipped": skipped}
    return Checkpoint("tensorflow", tuple(file.path for file in shards), tensors, metadata)


def _messages(index: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for key, value in entries(MappedFile(index).bytes):
        name = key.decode("utf-8", "backslashreplace")
        if name in found or len(found) > _MAX_ENTRIES:
            raise InvalidFormat(f"{index.name} has too many entries, or {name[:80]!r} twice.")
        found[name] = value
    return found


def _shards(index: Path, header: bytes) -> list[MappedFile]:
    values = dict(fields(header))
    count = values.get(1, 0)
    if not isinstance(count, int) or not 0 < count <= _MAX_SHARDS:
        raise InvalidFormat(f"{index.name} says that it has {count!r:.20} files of numbers.")
    if values.get(2):
        raise NotSupported(f"{index.name} was written on a big-endian machine.")
    prefix = index.name.removesuffix(".index")
    names = (f"{prefix}.data-{n:05d}-of-{count:05d}" for n in range(count))
    return [MappedFile(index.with_name(name)) for name in names]


def _entry(name: str, message: bytes) -> dict[str, Any]:
    """Read a BundleEntryProto: dtype, shape, shard_id, offset, size, crc32c, slices."""
    found: dict[int, Any] = {}
    for number, value in fields(message):
        if number == 7:  # noqa: PLR2004 - field numbers are what the format consists of
            raise NotSupported(f"{name[:80]!r} is cut into slices. Save it unpartitioned.")
        found[number] = value
    numbers = [found.get(number, 0) for number in (1, 3, 4, 5, 6)]
    if not all(isinstance(number, int) for number in numbers):
        raise InvalidFormat(f"The checkpoint's index describes {name[:80]!r} wrongly.")
    entry = dict(zip(("dtype", "shard", "offset", "size", "crc"), numbers, strict=True))
    return {**entry, "shape": _shape(name, found.get(2, b""))}


def _shape(name: str, message: Any) -> tuple[int, ...]:
    sizes: list[int] = []
    for number, dimension in fields(message if isinstance(message, bytes) else b""):
        if number == 2 and isinstance(dimension, bytes):  # noqa: PLR2004
            size = dict(fields(dimension)).get(1, 0)
            sizes.append(size if isinstance(size, int) else -1)
    if any(not 0 <= size < 1 << 62 for size in sizes):
        raise InvalidFormat(f"The checkpoint's index gives {name[:80]!r} an impossible shape.")
    return tuple(sizes)


def _place(name: str, entry: dict[str, Any], shards: list[MappedFile]) -> Place:
    if entry["shard"] >= len(shards):
        raise InvalidFormat(f"{name[:80]!r} lies in a file that the checkpoint does not have.")
    return Place(shards[entry["shard"]], entry["offset"], entry["size"])


def _tensor(name: str, entry: dict[str, Any], shards: list[MappedFile]) -> StoredTensor:
    return in_file(name, DTYPES[entry["dtype"]], entry["shape"], _place(name, entry, shards))


def _check(name: str, place: Place, expected: int) -> None:
    view = place.file.view(place.offset, place.length, name)
    if masked(crc32c(view)) != expected:
        raise CorruptContent(
            f"{place.file.path.name}: the checksum of {name!r} is wrong. Download it again."
        )


def _full_names(messages: dict[str, bytes], shards: list[MappedFile]) -> dict[str, str]:
    """Read from the object graph what object checkpoints call their variables, by key."""
    if GRAPH not in messages:
        return {}
    place = _place(GRAPH, _entry(GRAPH, messages[GRAPH]), shards)
    stored = place.file.view(place.offset, place.length, GRAPH)
    size, start = varint(stored, 0)
    start += 4  # a checksum of the length
    if start + size != len(stored):
        raise InvalidFormat("The checkpoint's object graph is cut short.")
    found: dict[str, str] = {}
    for number, node in fields(bytes(stored[start:])):
        for kind, attribute in fields(node) if number == 1 and isinstance(node, bytes) else ():
            if kind == 2 and isinstance(attribute, bytes):  # noqa: PLR2004
                values = dict(fields(attribute))
                key, name = (values.get(place) for place in (3, 2))
                if isinstance(key, bytes) and isinstance(name, bytes):
                    found[key.decode("utf-8", "replace")] = name.decode("utf-8", "replace")
    return found
