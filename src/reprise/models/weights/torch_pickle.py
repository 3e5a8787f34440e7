"""Read the pickles of torch checkpoints without unpickling: nothing they name is imported or run.

A small interpreter walks through the opcodes. It knows a handful of names - how torch rebuilds
tensors, its storages and types, ordered dictionaries - and gives descriptions instead of objects.
Any other name is an error that says it.
"""

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidFormat
from reprise.models.weights.dtypes import TORCH

MAX_PICKLE = 64 << 20  # bytes; tensors' numbers are not in it
_MAX_STEPS = 1_000_000  # about 30 for a tensor


@dataclass(frozen=True)
class StorageRef:
    """A storage by its key in the file; `count` is in elements of `dtype`."""

    key: str
    dtype: str
    count: int


@dataclass(frozen=True)
class TensorRef:
    """A view of a storage. Offset and strides are in elements of `dtype`."""

    storage: StorageRef
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Named:
    """A name out of the pickle that is known here."""

    name: str
    call: Callable[..., Any] | None = None
    dtype: str = ""


_STORAGES = {
    "FloatStorage": "F32", "DoubleStorage": "F64", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8",
    "ByteStorage": "U8", "BoolStorage": "BOOL", "ComplexFloatStorage": "C64",
    "ComplexDoubleStorage": "C128",
    "UntypedStorage": "U8",
}  # fmt: skip
_STORAGE_MODULES = ("torch", "torch.cuda", "torch.storage")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TensorRef:
    if not isinstance(storage, StorageRef) or not _counts(offset, *_items(shape, strides)):
        raise InvalidFormat("The pickle builds a tensor from something that is no storage.")
    if len(shape) != len(strides):
        raise InvalidFormat("The pickle builds a tensor with more strides than sizes, or fewer.")
    return TensorRef(storage, storage.dtype, offset, shape, strides)


def _typed_tensor(*values: Any) -> TensorRef:
    """`_rebuild_tensor_v3`: (storage, offset, shape, strides, requires_grad, hooks, dtype, ...)."""
    tensor, dtype = _tensor(*values[:4]), values[6]
    if not isinstance(dtype, _Named) or not dtype.dtype:
        raise InvalidFormat("The pickle builds a tensor of something that is no type.")
    return TensorRef(tensor.storage, dtype.dtype, tensor.offset, tensor.shape, tensor.strides)


def _parameter(tensor: Any, *_: Any) -> TensorRef:
    if not isinstance(tensor, TensorRef):
        raise InvalidFormat("The pickle builds a parameter from something that is no tensor.")
    return tensor


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for pair in pairs:
        key, value = pair
        found[_key(key)] = value
    return found


def _shape(sizes: Any) -> tuple[Any, ...]:
    return tuple(sizes)


def _text(value: Any, *_: Any) -> str:
    return str(value)[:80] if isinstance(value, str) else ""


_CALLS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "collections.OrderedDict": _dictionary,
    "torch.Size": _shape,
    "torch.device": _text,
}
_DTYPES = {f"torch.{name}": dtype for dtype, name in TORCH.items()}


def _known(name: str) -> _Named:
    module, _, last = name.rpartition(".")
    if module in _STORAGE_MODULES and last in _STORAGES:
        return _Named(name, dtype=_STORAGES[last])
    if name in _DTYPES:
        return _Named(name, dtype=_DTYPES[name])
    if name in _CALLS:
        return _Named(name, _CALLS[name])
    raise InvalidFormat(
        f"The checkpoint wants to import {name[:120]!r}, which is no part of plain weights. "
        "Nothing of it was run. Ask its author for a safetensors file, or for a checkpoint "
        "that holds only a state_dict."
    )


def read_pickle(stream: io.BytesIO, storages: dict[str, StorageRef] | None = None) -> Any:
    """Read one pickle, and leave the stream behind it.

    Args:
        stream: The pickle, or several in a row.
        storages: Receives every storage the pickle refers to, by key.

    Returns:
        Dictionaries, lists, tuples, numbers, texts, `TensorRef` and `StorageRef`.

    Raises:
        InvalidFormat: It is damaged, too long, or names anything but weights.
    """
    machine = _Machine({} if storages is None else storages)
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            _act(opcode.name, number)(machine, argument)
    except InvalidFormat:
        raise
    except Exception as error:  # noqa: BLE001 - hostile bytes trip over anything
        if len(stream.getbuffer()) >= MAX_PICKLE:
            raise InvalidFormat(f"The pickle has over {MAX_PICKLE} bytes.") from None
        what = f"{type(error).__name__}: {error}"[:200]
        raise InvalidFormat(f"The pickle of the checkpoint is damaged ({what}).") from None
    return machine.stack.pop() if len(machine.stack) == 1 else None


def _act(name: str, number: int) -> "Callable[[_Machine, Any], None]":
    act = _ACTS.get(name)
    if act is None:
        raise InvalidFormat(f"The pickle uses {name}, which weights never need.")
    if number > _MAX_STEPS:
        raise InvalidFormat(f"The pickle has over {_MAX_STEPS} steps.")
    return act


class _Machine:
    """The stack machine of pickle, as far as weights need it. It recurses into nothing."""

    def __init__(self, storages: dict[str, StorageRef]) -> None:
        self.storages = storages
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def since_mark(self) -> list[Any]:
        """Take what was pushed since the last mark."""
        items, self.stack = self.stack, self.marked.pop()
        return items

    def last(self, count: int) -> list[Any]:
        """Take the last values, which must be there."""
        if len(self.stack) < count:
            raise IndexError("stack underflow")
        items = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return items


def _nothing(machine: _Machine, _: Any) -> None:
    """Pass over what only frames a pickle."""


def _push(machine: _Machine, argument: Any) -> None:
    machine.stack.append(argument)


def _keep(machine: _Machine, place: int) -> None:
    machine.memo[place] = machine.stack[-1]


def _recall(machine: _Machine, place: int) -> None:
    machine.stack.append(machine.memo[place])


def _mark(machine: _Machine, _: Any) -> None:
    machine.marked.append(machine.stack)
    machine.stack = []


def _memoize(machine: _Machine, _: Any) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


def _global(machine: _Machine, argument: str) -> None:
    machine.stack.append(_known(argument.replace(" ", ".", 1)))


def _stack_global(machine: _Machine, _: Any) -> None:
    module, name = machine.last(2)
    machine.stack.append(_known(f"{module}.{name}" if isinstance(module, str) else "?"))


def _reduce(machine: _Machine, _: Any) -> None:
    function, arguments = machine.last(2)
    if not isinstance(function, _Named) or function.call is None or type(arguments) is not tuple:
        raise InvalidFormat("The pickle calls something that is no function of weights.")
    machine.stack.append(function.call(*arguments))


def _build(machine: _Machine, _: Any) -> None:
    machine.last(1)  # the state of an OrderedDict: `_metadata`, versions of modules
    if not isinstance(machine.stack[-1], dict):
        raise InvalidFormat("The pickle sets the state of something that is no dictionary.")


def _persistent(machine: _Machine, _: Any) -> None:
    """('storage', type, key, device, count) and, in the old format, a view of another storage."""
    found = machine.last(1)[0]
    if type(found) is not tuple or len(found) < 5 or found[0] != "storage":  # noqa: PLR2004
        raise InvalidFormat("The pickle refers to something that is no storage.")
    kind, key, count = found[1], found[2], found[4]
    if not isinstance(kind, _Named) or not kind.dtype or not isinstance(key, str):
        raise InvalidFormat("The pickle refers to a storage without a type or a key.")
    if not _counts(count) or any(item is not None for item in found[5:]):
        raise InvalidFormat(f"Storage {key[:40]!r} is a view of another, which nobody writes.")
    ref = StorageRef(key, kind.dtype, count)
    if machine.storages.setdefault(key, ref) != ref:
        raise InvalidFormat(f"Storage {key[:40]!r} is said to have two types or sizes.")
    machine.stack.append(ref)


def _tuple(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append(tuple(items))


def _list(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append(items)


def _pop(machine: _Machine, _: Any) -> None:
    machine.last(1)


def _append(machine: _Machine, _: Any) -> None:
    _extend(machine, machine.last(1))


def _appends(machine: _Machine, _: Any) -> None:
    _extend(machine, machine.since_mark())


def _extend(machine: _Machine, items: list[Any]) -> None:
    if type(machine.stack[-1]) is not list:
        raise InvalidFormat("The pickle appends to something that is no list.")
    machine.stack[-1].extend(items)


def _set_items(machine: _Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict) or len(items) % 2:
        raise InvalidFormat("The pickle sets items of something that is no dictionary.")
    for place in range(0, len(items), 2):
        target[_key(items[place])] = items[place + 1]


def _dict(machine: _Machine, _: Any) -> None:
    items = machine.since_mark()
    machine.stack.append({})
    _set_items(machine, items)


def _key(value: Any) -> Any:
    # A nested tuple as a key would be hashed recursively, deep enough to end the process.
    if not isinstance(value, str | int | float | bool | None):
        raise InvalidFormat("The pickle uses something as a key that is no text or number.")
    return value


def _items(*sequences: Any) -> list[Any]:
    if any(type(sequence) is not tuple for sequence in sequences):
        raise InvalidFormat("The pickle gives a tensor sizes or strides that are no tuple.")
    return [item for sequence in sequences for item in sequence]


def _counts(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 62 for value in values)


_ACTS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _nothing, "FRAME": _nothing, "STOP": _nothing,
    "MARK": _mark, "MEMOIZE": _memoize, "GLOBAL": _global, "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce, "BUILD": _build, "BINPERSID": _persistent,
    "TUPLE": _tuple, "LIST": _list, "DICT": _dict, "APPEND": _append, "APPENDS": _appends,
    "ADDITEMS": _appends, "POP": _pop,
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "EMPTY_SET": lambda machine, _: machine.stack.append([]),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.last(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.last(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.last(3))),
    "SETITEM": lambda machine, _: _set_items(machine, machine.last(2)),
    "SETITEMS": lambda machine, _: _set_items(machine, machine.since_mark()),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _keep),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _recall),
    **dict.fromkeys(
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING "
        "SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES "
        "SHORT_BINBYTES BINBYTES8".split(), _push,
    ),
}  # fmt: skip
