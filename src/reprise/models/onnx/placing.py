"""From a checkpoint to places in files: float32 as it lies, everything else converted once."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from reprise.base.errors import InvalidInput
from reprise.base.files import atomic_write
from reprise.models.onnx.weights import RoundedGroups, Spot
from reprise.models.weights.stored import StoredTensor

_ALIGN = 64
_ITEM = 4


@dataclass(frozen=True)
class Placed:
    """Where the numbers of a model lie.

    Attributes:
        folder: What the locations of the spots are below.
        spots: Stored name to place.
        identity: Changes when a file does.
        rounded: Layers whose numbers are in few bits.
    """

    folder: Path
    spots: Mapping[str, Spot]
    identity: str
    rounded: RoundedGroups = field(default_factory=dict)


def place(tensors: Mapping[str, StoredTensor], cache: Path) -> Placed:
    """Say where the numbers of tensors lie as float32; what has no such place is converted.

    Args:
        tensors: Stored name (of the plan) to tensor.
        cache: Folder for converted weights; written to only where something must be converted.

    Raises:
        InvalidInput: The converted weights cannot be written.
    """
    ready = {name: t for name, t in tensors.items() if _is_ready(t)}
    others = {name: t for name, t in tensors.items() if name not in ready}
    spans = {name: t.location for name, t in ready.items()}
    files = {span.path: span.path.resolve() for span in spans.values() if span}
    identity = identify(tensors)
    if others:
        converted = cache / f"{identity}.f32"
        files[converted] = _converted(others, converted)
    folder = Path(os.path.commonpath([path.parent for path in files.values()]))
    inside = {path: real.relative_to(folder).as_posix() for path, real in files.items()}
    spots = {name: Spot(inside[span.path], span.offset) for name, span in spans.items() if span}
    if others:
        offsets = zip(others, _offsets(others.values()), strict=True)
        spots |= {name: Spot(inside[converted], offset) for name, offset in offsets}
    return Placed(folder, spots, identity)


def below(placed: Placed, path: Path) -> tuple[Path, str, dict[str, Spot]]:
    """Widen the folder of places to hold one more file; give it, the file's location, the spots."""
    real = path.resolve()
    folder = Path(os.path.commonpath([placed.folder, real.parent]))
    moved = {
        name: Spot((placed.folder / spot.location).relative_to(folder).as_posix(), spot.offset)
        for name, spot in placed.spots.items()
    }
    return folder, real.relative_to(folder).as_posix(), moved


def _is_ready(tensor: StoredTensor) -> bool:
    return tensor.dtype == "F32" and tensor.location is not None


def identify(tensors: Mapping[str, StoredTensor]) -> str:
    """Give what changes when one of the tensors' files does."""
    files = {t.place.file.path.resolve() for t in tensors.values() if t.place}
    digest = hashlib.sha256()
    for path in sorted(files):
        state = path.stat()
        digest.update(f"{path} {state.st_size} {state.st_mtime_ns}\n".encode())
    for name, tensor in sorted(tensors.items()):
        where = tensor.place
        start = where.offset if where else 0
        digest.update(f"{name} {tensor.dtype} {tensor.shape} {start}\n".encode())
    return digest.hexdigest()[:32]


def _offsets(tensors: Iterable[StoredTensor]) -> list[int]:
    """Where each converted tensor starts; behind the last, where the file ends."""
    found, end = [], 0
    for tensor in tensors:
        found.append(end)
        end += -(-prod(tensor.shape) * _ITEM // _ALIGN) * _ALIGN
    return found


def _converted(tensors: Mapping[str, StoredTensor], path: Path) -> Path:
    """Write tensors as float32, one in memory at a time, unless that was done before."""
    last = list(tensors.values())[-1]
    size = _offsets(tensors.values())[-1] + -(-prod(last.shape) * _ITEM // _ALIGN) * _ALIGN
    if path.is_file() and path.stat().st_size == size:
        return path.resolve()
    try:
        with atomic_write(path) as file:
            for tensor in tensors.values():
                content = tensor.numpy(widen=True).astype("<f4").tobytes()
                file.write(content + b"\0" * (-len(content) % _ALIGN))
    except OSError as error:
        raise InvalidInput(
            f"The onnx engine computes in float32, and cannot write converted weights to "
            f"{path.parent}: {error}.",
            hint="Name a folder that can be written: cache_dir=…, or XDG_CACHE_HOME.",
        ) from None
    return path.resolve()
