"""The files of an exported model: torch's archive of a graph, and safetensors.

An archive is read record by record and written anew from what was checked, so that torch's own
reader never sees a byte that these rules did not.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

from .export_rules import Refused, clean_program

MAX_PROGRAM = 256 << 20  # bytes of an archive; a graph of 10,000 operators has about 10 MB
_ROOT = "model"
_PROGRAM = "models/model.json"
_EXAMPLE = "data/sample_inputs/model.pt"
_PAYLOADS = re.compile(r"data/(?:weights|constants)/model_\w+_config\.json", re.ASCII)
_PAYLOAD = re.compile(r"data/(?:weights/weight|constants/tensor)_\d+", re.ASCII)
_MARKS = re.compile(r"archive_format|archive_version|byteorder|version|\.data/\w+", re.ASCII)
_PLACE = re.compile(r"(?:weight|tensor)_\d+", re.ASCII)
_MAX_RECORD = 64  # bytes that stand for one tensor in an archive without weights

MAX_HEADER = 32 << 20
_MAX_DIMENSIONS = 64
# safetensors -> torch, bytes of one element.
TYPES = {
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "F8_E4M3": ("float8_e4m3fn", 1), "F8_E5M2": ("float8_e5m2", 1), "I64": ("int64", 8),
    "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1), "U8": ("uint8", 1),
    "U16": ("uint16", 2), "U32": ("uint32", 4), "U64": ("uint64", 8), "BOOL": ("bool", 1),
}  # fmt: skip


def clean_archive(data: bytes) -> bytes:
    """Return an archive with the same graph, harmless to read.

    Raises:
        Refused: It is no archive of a graph, or holds more than one without weights needs.
    """
    if len(data) > MAX_PROGRAM:
        raise Refused(f"its graph has more than {MAX_PROGRAM >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            records = {
                item.filename.partition("/")[2]: _read(archive, item) for item in archive.infolist()
            }
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise Refused("it is no archive of torch.export") from None
    if _PROGRAM not in records:
        raise Refused("its archive holds no graph")
    fresh = io.BytesIO()
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(records):
            archive.writestr(zipfile.ZipInfo(f"{_ROOT}/{name}"), _cleaned(name, records[name]))
    return fresh.getvalue()


def _read(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    if item.file_size > MAX_PROGRAM:
        raise Refused(f"its graph has more than {MAX_PROGRAM >> 20} MiB")
    return archive.read(item)


def _cleaned(name: str, data: bytes) -> bytes:
    if name == _PROGRAM:
        return clean_program(data)
    if name == _EXAMPLE:
        return b""  # a pickle; ours lies in a file of its own
    if _PAYLOADS.fullmatch(name):
        return _cleaned_payloads(data)
    if (_PAYLOAD.fullmatch(name) or _MARKS.fullmatch(name)) and len(data) <= _MAX_RECORD:
        return data
    raise Refused(f"its archive holds {name[:100]!r}, which no graph without weights needs")


def _cleaned_payloads(data: bytes) -> bytes:
    try:
        config = json.loads(data)["config"]
        for item in config.values():
            if item["use_pickle"] is not False or not _PLACE.fullmatch(item["path_name"]):
                raise Refused("it keeps weights as pickles")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Refused("its archive describes weights wrongly") from None
    return json.dumps({"config": config}).encode()


def header_of(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """Return the beginning of a safetensors file; the bytes of the tensors follow in this order.

    Args:
        tensors: Type and shape by name.
    """
    header, end = {}, 0
    for name, (kind, shape) in tensors.items():
        start, end = end, end + size_of(kind, shape)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def read_header(data: Any) -> dict[str, tuple[str, list[int], int]]:
    """Return type, shape and offset in `data` of every tensor of a safetensors file.

    Args:
        data: The whole file: bytes, or anything that is sliced like them.

    Raises:
        Refused: It is no such file, or tensors lie outside of it or over each other.
    """
    length = int.from_bytes(bytes(data[:8]), "little")
    if not len("{}") <= length <= min(MAX_HEADER, len(data) - 8):
        raise Refused("a file is not in the safetensors format")
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
        header.pop("__metadata__", None)
        found, position = {}, 0
        for name, item in sorted(header.items(), key=lambda pair: pair[1]["data_offsets"]):
            kind, shape, (start, end) = item["dtype"], item["shape"], item["data_offsets"]
            if start != position or end - start != size_of(kind, shape):
                raise Refused("a safetensors file describes its tensors wrongly")
            found[name], position = (kind, shape, 8 + length + start), end
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(f"a safetensors file cannot be read: {type(error).__name__}") from None
    if 8 + length + position != len(data):
        raise Refused("a safetensors file has another size than it says")
    return found


def size_of(kind: Any, shape: Any) -> int:
    """Return how many bytes a tensor takes; raises `Refused` for what is no tensor."""
    known = isinstance(kind, str) and kind in TYPES
    sizes = isinstance(shape, list) and len(shape) <= _MAX_DIMENSIONS
    if not known or not sizes or not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
        raise Refused("a tensor has no type or shape")
    total = TYPES[kind][1]
    for size in shape:
        total *= size
    return total
