"""Read what `torch.save` writes: the zip format, and the one before torch 1.6."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from reprise.base.errors import CorruptContent, InvalidFormat, NotSupported
from reprise.models.weights.checkpoint import Checkpoint
from reprise.models.weights.dtypes import BITS, byte_count
from reprise.models.weights.mapped import MappedFile
from reprise.models.weights.stored import MAX_DIMENSIONS, Place, StoredTensor, in_order
from reprise.models.weights.torch_pickle import MAX_PICKLE, StorageRef, TensorRef, read_pickle

_MAX_MEMBERS = 200_000
_LOCAL = struct.Struct(
    "<4s5H3I2H"
)  # a member's own header: signature ... name length, extra length
_MAGIC = 0x1950A86A20F9469CFC6C  # opens the old format
_OLD_PROTOCOL = 1001
_OUTER_KEYS = ("state_dict", "model_state_dict", "model", "module", "params")
_COUNT = struct.Struct("<q")

Storages = Callable[[StorageRef], "tuple[int, int, Callable[[], None] | None]"]


def open_torch(path: Path) -> Checkpoint:
    """Open a file of `torch.save`. Its pickle is interpreted, never executed.

    Raises:
        InvalidFormat: It is damaged, lies about sizes, or holds more than weights.
        NotSupported: It was written on a big-endian machine, or as a TorchScript program.
    """
    file = MappedFile(path)
    if bytes(file.bytes[:4]) == b"PK\x03\x04":
        content, storages = _open_zip(file)
    else:
        content, storages = _open_old(file)
    return Checkpoint("torch", (path,), _tensors(file, _named(content), storages))


def _named(content: Any) -> dict[str, TensorRef]:
    """Find the dictionary of tensors: the content itself, or what lies under a usual key."""
    outer = content if isinstance(content, dict) else {}
    for value in (outer, *(outer.get(key) for key in _OUTER_KEYS)):
        found = value if isinstance(value, dict) else {}
        tensors = {key: item for key, item in found.items() if isinstance(item, TensorRef)}
        if tensors:
            if not all(isinstance(key, str) for key in tensors):
                raise InvalidFormat("The checkpoint has tensors whose names are no texts.")
            return tensors
    keys = ", ".join(repr(key)[:40] for key in list(outer)[:8]) or type(content).__name__
    raise InvalidFormat(f"The checkpoint holds no dictionary of tensors, but: {keys}.")


def _tensors(
    file: MappedFile, named: dict[str, TensorRef], storages: Storages
) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    for name, ref in named.items():
        offset, length, check = storages(ref.storage)
        file.view(offset, length, f"storage {ref.storage.key!r}")
        _check_view(name, ref, length)
        strides = None if in_order(ref.shape, ref.strides) else ref.strides
        place = Place(file, offset, length, ref.offset, strides)
        found[name] = StoredTensor(name, ref.dtype, ref.shape, place, check=check)
    return found


def _check_view(name: str, ref: TensorRef, length: int) -> None:
    room = length * 8 // BITS[ref.dtype]
    elements = 1
    for size in ref.shape:
        elements *= size
    last = ref.offset + sum((n - 1) * s for n, s in zip(ref.shape, ref.strides, strict=True))
    if len(ref.shape) > MAX_DIMENSIONS or elements > room or (elements and last >= room):
        raise InvalidFormat(
            f"Tensor {name[:80]!r} of shape {list(ref.shape)[:8]} does not fit into its storage "
            f"of {room} numbers."
        )


def _open_zip(file: MappedFile) -> tuple[Any, Storages]:
    members = _members(file)
    roots = [name for name in members if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise InvalidFormat(f"{file.path.name} is a zip archive, but none that torch wrote.")
    root = roots[0].removesuffix("data.pkl")
    if f"{root}byteorder" in members:
        order = _bytes(file, members[f"{root}byteorder"])
        if order != b"little":
            raise NotSupported(f"{file.path.name} has the byte order {order[:10]!r}, not little.")
    content = _pickle(file, members[f"{root}data.pkl"])
    return content, partial(_zip_storage, file, members, root)


def _pickle(file: MappedFile, member: zipfile.ZipInfo) -> Any:
    if member.file_size > MAX_PICKLE:
        raise InvalidFormat(f"{file.path.name} has a pickle of over {MAX_PICKLE} bytes.")
    return read_pickle(io.BytesIO(_bytes(file, member)))


def _members(file: MappedFile) -> dict[str, zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file.path) as archive:
            listed = archive.infolist()
    except Exception as error:  # noqa: BLE001 - zipfile trips over hostile bytes in many ways
        what = str(error)[:100]
        raise InvalidFormat(
            f"{file.path.name} begins like a zip archive, but cannot be read ({what}). "
            "Download it again."
        ) from None
    members = {member.filename: member for member in listed}
    if len(listed) > _MAX_MEMBERS or len(members) != len(listed):
        raise InvalidFormat(f"{file.path.name} has too many members, or one name twice.")
    return members


def _bytes(file: MappedFile, member: zipfile.ZipInfo) -> bytes:
    offset, length = _span(file, member)
    return bytes(file.view(offset, length, member.filename))


def _span(file: MappedFile, member: zipfile.ZipInfo) -> tuple[int, int]:
    """Find a member's bytes in the file. torch stores them as they are."""
    stored = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
    if not stored or member.compress_size != member.file_size:
        raise InvalidFormat(
            f"{file.path.name}: {member.filename[:80]!r} is compressed or encrypted, which torch "
            "never does. Save it again with torch.save."
        )
    header = file.view(member.header_offset, _LOCAL.size, member.filename)
    signature, *_, name_length, extra_length = _LOCAL.unpack(header)
    if signature != b"PK\x03\x04":
        raise InvalidFormat(
            f"{file.path.name}: {member.filename[:80]!r} is not where it should be."
        )
    return member.header_offset + _LOCAL.size + name_length + extra_length, member.file_size


def _zip_storage(
    file: MappedFile, members: dict[str, zipfile.ZipInfo], root: str, ref: StorageRef
) -> tuple[int, int, Callable[[], None] | None]:
    member = members.get(f"{root}data/{ref.key}")
    if member is None:
        raise InvalidFormat(f"{file.path.name} lacks the storage {ref.key[:40]!r}.")
    offset, length = _span(file, member)
    _check_size(ref, length)
    return offset, length, partial(_check_crc, file, member, offset)


def _check_size(ref: StorageRef, length: int) -> None:
    wanted = byte_count(ref.dtype, ref.count)
    if wanted != length:
        raise InvalidFormat(
            f"Storage {ref.key[:40]!r} is said to hold {ref.count} numbers of {ref.dtype}, "
            f"{wanted} bytes, but {length} are stored."
        )


def _check_crc(file: MappedFile, member: zipfile.ZipInfo, offset: int) -> None:
    view = file.view(offset, member.file_size, member.filename)
    if zlib.crc32(view) != member.CRC:
        raise CorruptContent(
            f"{file.path.name}: the checksum of {member.filename!r} is wrong. Download it again."
        )


def _open_old(file: MappedFile) -> tuple[Any, Storages]:
    """Magic, protocol, machine, content, keys of storages, and each one's count and bytes."""
    stream = io.BytesIO(bytes(file.bytes[:MAX_PICKLE]))
    if stream.getvalue()[:1] != b"\x80" or read_pickle(stream) != _MAGIC:
        raise InvalidFormat(f"{file.path.name} is no checkpoint of torch.")
    if read_pickle(stream) != _OLD_PROTOCOL:
        raise InvalidFormat(f"{file.path.name} has an unknown version of torch's old format.")
    machine = read_pickle(stream)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise NotSupported(f"{file.path.name} was written on a big-endian machine.")
    refs: dict[str, StorageRef] = {}
    content, keys = read_pickle(stream, refs), read_pickle(stream)
    return content, partial(_old_storage, _old_places(file, stream.tell(), keys, refs))


def _old_places(
    file: MappedFile, start: int, keys: Any, refs: dict[str, StorageRef]
) -> dict[str, tuple[int, int]]:
    """Say where each storage lies: in the order of the keys, each behind its count."""
    places: dict[str, tuple[int, int]] = {}
    for key in keys if isinstance(keys, list) else []:
        if not isinstance(key, str) or key not in refs:
            raise InvalidFormat(f"{file.path.name} stores numbers that no tensor uses.")
        (count,) = _COUNT.unpack(file.view(start, _COUNT.size, "the size of a storage"))
        length = byte_count(refs[key].dtype, refs[key].count) or 0
        if count != refs[key].count:
            raise InvalidFormat(f"{file.path.name}: storage {key[:40]!r} has two sizes.")
        places[key] = (start + _COUNT.size, length)
        start += _COUNT.size + length
    return places


def _old_storage(
    places: dict[str, tuple[int, int]], ref: StorageRef
) -> tuple[int, int, Callable[[], None] | None]:
    if ref.key not in places:
        raise InvalidFormat(f"The checkpoint lacks the storage {ref.key[:40]!r}.")
    return (*places[ref.key], None)
