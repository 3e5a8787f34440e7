"""What a pickle would import when it is loaded, read from its opcodes; nothing is loaded."""

import io
import pickletools
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from reprise.base.errors import InvalidFormat

MAX_PICKLE = 16 << 20  # bytes of opcodes; weights themselves lie beside them
_MAX_MEMBERS = 200_000
# What torch.load(weights_only=True) takes, as far as checkpoints of plain tensors need it.
_SAFE = frozenset(
    "collections.OrderedDict collections.Counter builtins.set __builtin__.set builtins.bytearray "
    "_codecs.encode torch.Size torch.Tensor torch.device torch.nn.parameter.Parameter "
    "torch.serialization._get_layout torch.dtype".split()
)
_SAFE_TORCH = ("torch._utils._rebuild_", "torch._tensor._rebuild_")
_TEXT = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})
_KEEPS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_RECALLS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_UNKNOWN = "?"
_IN_A_ROW = 5


def unsafe_names(path: Path) -> list[str]:
    """List what a checkpoint imports beyond what `weights_only=True` allows, sorted.

    Args:
        path: A file as torch.save writes it, old or new, or any other pickle.

    Raises:
        InvalidFormat: It is neither a pickle nor an archive with one, or over `MAX_PICKLE`.
    """
    try:
        if zipfile.is_zipfile(path):
            found = _of_archive(path)
        else:
            with path.open("rb") as file:
                found = imported_names(file)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
        raise InvalidFormat(f"The archive cannot be read: {error}") from None
    return sorted(name for name in found if not is_safe(name))


def imported_names(file: BinaryIO) -> set[str]:
    """Return the names that the pickles in a file import; `?` for one that is computed.

    torch's old format is five pickles in a row, then the weights.

    Raises:
        InvalidFormat: The bytes are no pickle.
    """
    data = file.read(MAX_PICKLE + 1)
    found: set[str] = set()
    stream = io.BytesIO(data)
    for number in range(_IN_A_ROW):
        if number and stream.tell() == len(data):
            break
        try:
            _read_one(stream, found)
        except InvalidFormat:
            if number == 0:
                raise
            break
    return found


def _read_one(stream: io.BytesIO, found: set[str]) -> None:
    texts: list[str] = []  # pushed without anything in between
    memo: dict[Any, str] = {}
    try:
        for code, argument, _ in pickletools.genops(stream):
            _step(code.name, argument, found, texts, memo)
    except Exception as error:  # noqa: BLE001 - the disassembler raises whatever it stumbles over
        if len(stream.getbuffer()) > MAX_PICKLE:
            raise InvalidFormat(f"The pickle has over {MAX_PICKLE} bytes.") from None
        raise InvalidFormat(f"This is not a pickle: {str(error)[:200]}") from None


def is_safe(name: str) -> bool:
    """Tell whether `weights_only=True` lets a pickle import a name."""
    if name in _SAFE or name.startswith(_SAFE_TORCH):
        return True
    owner, _, last = name.rpartition(".")
    return owner in {"torch", "torch.storage"} and last.endswith("Storage")


def _step(
    name: str, argument: Any, found: set[str], texts: list[str], memo: dict[Any, str]
) -> None:
    if name in {"GLOBAL", "INST"}:
        found.add(".".join(str(argument).split(" ", 1)))
    elif name == "STACK_GLOBAL":
        found.add(".".join(texts[-2:]) if len(texts) > 1 else _UNKNOWN)
    elif name in {"EXT1", "EXT2", "EXT4"}:
        found.add(_UNKNOWN)
    if name in _TEXT:
        texts.append(str(argument))
    elif name in _RECALLS:
        texts.append(memo.get(argument, _UNKNOWN))
    elif name in _KEEPS or name == "MEMOIZE":
        memo[len(memo) if name == "MEMOIZE" else argument] = texts[-1] if texts else _UNKNOWN
    elif name != "FRAME":
        texts.clear()  # whatever else moves the stack: what lies on it is no longer certain
    del texts[:-2]


def _of_archive(path: Path) -> set[str]:
    found: set[str] = set()
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise InvalidFormat(f"The archive has over {_MAX_MEMBERS} members.")
        for member in members:
            if member.filename.endswith(".pkl"):
                with archive.open(member) as file:
                    found |= imported_names(io.BytesIO(file.read(MAX_PICKLE + 1)))
    return found
