"""Pickles of plain values: texts, numbers, lists, dictionaries with texts for keys, counters.

Written in Python, and not with the standard library's reader in C: that one allocates a memo of
any size that a file of twenty bytes names, and hashes keys that are nested without end, which ends
the process.
"""

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from reprise.base.errors import InvalidFormat

MAX_PICKLE = 128 << 20  # bytes
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # first of the pickles in torch's old format
_BEFORE_CONTENT = 2  # pickles between that one and the content
_ALLOWED = {("collections", "OrderedDict"): OrderedDict, ("collections", "Counter"): Counter}
_PAIR = 2
# Opcodes without which no vocabulary was ever written: sets, bytes to be changed, objects with a
# state, names from tables, and what comes from outside of the file.
_REFUSED = (
    pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET, pickle.BYTEARRAY8, pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER, pickle.BUILD, pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX,
    pickle.EXT1, pickle.EXT2, pickle.EXT4, pickle.PERSID, pickle.BINPERSID,
)  # fmt: skip


def read_pickle(data: bytes, name: str) -> Mapping[str, Any]:
    """Read a pickled mapping, alone or as torch wraps it.

    Raises:
        InvalidFormat: It is no pickle, or asks for anything but plain values.
    """
    try:
        found = _loaded(data)
    except InvalidFormat as error:
        raise InvalidFormat(f"{name}: {error.message}") from None
    except Exception as error:  # noqa: BLE001 - a broken pickle raises whatever it stumbles over
        raise InvalidFormat(f"{name} is no pickle: {str(error)[:200]}") from None
    if not isinstance(found, Mapping):
        raise InvalidFormat(f"{name} holds {type(found).__name__}, not a vocabulary.")
    return found


def _loaded(data: bytes) -> Any:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = next(each for each in archive.infolist() if each.filename.endswith(".pkl"))
            if inside.file_size > MAX_PICKLE:
                raise InvalidFormat(f"{inside.filename} unpacks to {inside.file_size} bytes.")
            return _Plain(io.BytesIO(archive.read(inside))).load()
    stream = io.BytesIO(data)
    found = _Plain(stream).load()
    if found == _TORCH_MAGIC:
        for _ in range(_BEFORE_CONTENT + 1):
            found = _Plain(stream).load()
    return found


def _refuse(_: Any) -> None:
    raise InvalidFormat("the pickle holds more than texts, numbers, lists and dictionaries")


def _set_item(reader: Any) -> None:
    value, key = reader.stack.pop(), reader.stack.pop()
    reader.stack[-1][_plain_key(key)] = value


def _set_items(reader: Any) -> None:
    items = reader.pop_mark()
    target = reader.stack[-1]
    for at in range(0, len(items), _PAIR):
        target[_plain_key(items[at])] = items[at + 1]


def _dict(reader: Any) -> None:
    items = reader.pop_mark()
    found = {_plain_key(items[at]): items[at + 1] for at in range(0, len(items), _PAIR)}
    reader.append(found)


def _reduce(reader: Any) -> None:
    """Make a dictionary or a counter of another one, or of pairs."""
    args, made = reader.stack.pop(), reader.stack.pop()
    if made not in (Counter, OrderedDict) or not isinstance(args, tuple) or len(args) > 1:
        _refuse(reader)
    items = args[0] if args else {}
    pairs = list(items.items()) if isinstance(items, dict) else items
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        _refuse(reader)
    reader.append(made({_plain_key(key): value for key, value in pairs}))


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == _PAIR


def _plain_key(key: Any) -> Any:
    if type(key) not in {str, int, bytes}:
        raise InvalidFormat(f"the pickle has a key of type {type(key).__name__}")
    return key


def _opcodes() -> dict[int, Callable[[Any], None]]:
    found: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001 - the reader in Python
    found |= {opcode[0]: _refuse for opcode in _REFUSED}
    own = {pickle.SETITEM: _set_item, pickle.SETITEMS: _set_items, pickle.DICT: _dict,
           pickle.REDUCE: _reduce}  # fmt: skip
    return found | {opcode[0]: handle for opcode, handle in own.items()}


class _Plain(pickle._Unpickler):  # noqa: SLF001 - as above
    """Makes plain values only."""

    dispatch = _opcodes()

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise InvalidFormat(f"the pickle asks for {module}.{name}, which is never imported")
        return _ALLOWED[module, name]
