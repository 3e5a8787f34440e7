"""Read an exported model: a graph, its tensors, and an example, from a folder. Needs only torch."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import mmap
import types
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .export_archive import MAX_PROGRAM, TYPES, clean_archive, read_header
from .export_rules import Refused, check_container

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
DESCRIPTION = "export.json"
PROGRAM = "model.pt2"
WEIGHTS = "model.safetensors"
EXAMPLE = "example.safetensors"
FILES = (PROGRAM, WEIGHTS, EXAMPLE)
_MAX_DESCRIPTION = 64 << 20  # bytes


class Damaged(ValueError):
    """A file does not have the digest that the description says."""


def load(folder: str) -> Any:
    """Return the module of an exported model.

    Weights are mapped into memory, not read: processes that load the same folder share them, until
    one writes to its own.

    Raises:
        Damaged: A file is not the one that was exported.
        Refused: The folder holds no exported model, or one that does what ours never do.
        OSError: A file cannot be read.
    """
    torch = import_module("torch")

    described, memory = _open(Path(folder))
    archive = clean_archive(bytes(memory[PROGRAM]))
    with _reading(described, torch):
        program = torch.export.load(io.BytesIO(archive))
    tensors = _tensors_of(memory[WEIGHTS])
    for item in _list(described, "tensors"):
        _fill(program, item, tensors)
    _check_complete(program, described)
    inputs, _ = _example(described, memory[EXAMPLE])
    program.example_inputs = inputs  # without them, torch leaves out the checks of sizes
    with _reading(described, torch):
        module = program.module()
    module.register_forward_pre_hook(
        _arranging(described.get("arguments"), inputs[0]), prepend=True, with_kwargs=True
    )
    module.train = types.MethodType(_train, module)
    module.eval = types.MethodType(_eval, module)
    module.training = False
    return module


def check(folder: str) -> dict[str, Any]:
    """Run an exported model on its example and compare with what the live model made of it.

    Returns:
        `outputs`: how many tensors were compared; `largest_difference`: of any two numbers;
        `equal`: whether all are the very same.
    """
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")

    described, memory = _open(Path(folder))
    (args, kwargs), wanted = _example(described, memory[EXAMPLE])
    with torch.no_grad():
        found = pytree.tree_leaves(load(folder)(*args, **kwargs))
    if len(found) != len(wanted):
        raise Refused("its graph returns another number of values than the model did")
    pairs = [pair for pair in zip(found, wanted) if isinstance(pair[1], torch.Tensor)]  # noqa: B905
    return {
        "outputs": len(pairs),
        "largest_difference": max((_difference(a, b) for a, b in pairs), default=0.0),
        "equal": all(torch.equal(a, b) for a, b in pairs),
    }


def description(folder: Path) -> dict[str, Any]:
    """Read the description of an exported model.

    Raises:
        Refused: It is none.
    """
    try:
        with (folder / DESCRIPTION).open("rb") as file:
            value = json.loads(file.read(_MAX_DESCRIPTION))
    except FileNotFoundError:
        raise Refused(f"it has no {DESCRIPTION}") from None
    except (ValueError, RecursionError):
        raise Refused(f"its {DESCRIPTION} is not JSON") from None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        raise Refused(f"its {DESCRIPTION} is not of version {VERSION}")
    return value


@contextlib.contextmanager
def _reading(described: dict[str, Any], torch: Any) -> Iterator[None]:
    """Turn whatever torch raises about a strange graph into one error."""
    try:
        yield
    except Exception as error:
        made = str(described.get("torch"))[:50]
        raise Refused(
            f"torch {torch.__version__} cannot read its graph, which torch {made} wrote "
            f"({type(error).__name__})"
        ) from error


def _open(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the memory of all files, checked against it."""
    described = description(folder)
    digests = described.get("sha256")
    if not isinstance(digests, dict) or sorted(digests) != sorted(FILES):
        raise Refused(f"its {DESCRIPTION} does not name its files")
    return described, {name: _mapped(folder / name, digests[name]) for name in FILES}


def _mapped(path: Path, digest: Any) -> Any:
    """Map a file into memory; what is checked is what is used, even if the file changes later."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if path.name == PROGRAM and size > MAX_PROGRAM:
            raise Refused(f"its graph has more than {MAX_PROGRAM >> 20} MiB")
        memory: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if size else b""
    if hashlib.sha256(memory).hexdigest() != digest:
        raise Damaged(path.name)
    return memory


def _tensors_of(memory: Any) -> dict[str, Any]:
    """Return the tensors of a safetensors file, as views of its memory."""
    torch = import_module("torch")

    found = {}
    for name, (kind, shape, offset) in read_header(memory).items():
        dtype = getattr(torch, TYPES[kind][0], None)
        if dtype is None:
            raise Refused(f"this torch has no type {kind}; use a newer one")
        count = 1
        for size in shape:
            count *= size
        flat = (
            torch.frombuffer(memory, dtype=dtype, count=count, offset=offset)
            if count
            else torch.empty(0, dtype=dtype)
        )
        found[name] = flat.view(shape)
    return found


def _fill(program: Any, item: Any, tensors: dict[str, Any]) -> None:
    """Put a tensor in the place of its stand-in."""
    torch = import_module("torch")

    try:
        group = program.state_dict if item["kind"] == "state" else program.constants
        old, value = group[item["name"]], tensors[item["tensor"]]
        value = torch.view_as_complex(value) if item["complex"] is True else value
        strides = item["strides"]
        if strides is not None:
            value = torch.empty_strided(value.shape, strides, dtype=value.dtype).copy_(value)
    except (LookupError, TypeError, RuntimeError, ValueError):
        raise Refused("its description does not fit its tensors") from None
    if not isinstance(old, torch.Tensor) or (old.shape, old.dtype) != (value.shape, value.dtype):
        raise Refused(f"its graph expects another tensor as {item['name']!r}")
    if isinstance(old, torch.nn.Parameter):
        value = torch.nn.Parameter(value, requires_grad=old.requires_grad)
    group[item["name"]] = value


def _check_complete(program: Any, described: Any) -> None:
    """Make sure that no stand-in is left: it would turn every result into NaN."""
    filled = {(item["kind"], item["name"]) for item in described["tensors"]}
    wanted = {("state", name) for name in program.state_dict}
    wanted |= {("constant", name) for name in program.constants}
    if filled != wanted:
        raise Refused("its description does not name every tensor of its graph")


def _example(described: dict[str, Any], memory: Any) -> tuple[Any, list[Any]]:
    """Return the example's arguments (positional, by keyword) and what the model made of them."""
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")

    tensors = _tensors_of(memory)

    def value(leaf: Any) -> Any:
        if "tensor" not in leaf:
            return leaf["value"]
        found = tensors[leaf["tensor"]]
        return torch.view_as_complex(found) if leaf["complex"] is True else found

    try:
        example = described["example"]
        check_container(example["spec"])
        leaves = [value(leaf) for leaf in example["input"]]
        spec = pytree.treespec_loads(example["spec"])
        args, kwargs = pytree.tree_unflatten(leaves, spec)
        return (args, kwargs), [value(leaf) for leaf in example["output"]]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("its example is described wrongly") from None


def _difference(found: Any, wanted: Any) -> float:
    torch = import_module("torch")

    if not isinstance(found, torch.Tensor) or found.shape != wanted.shape:
        return float("inf")
    if not wanted.numel():
        return 0.0
    exact = torch.complex128 if wanted.is_complex() else torch.float64
    gap = (found.to(exact) - wanted.to(exact)).abs()
    same = (found == wanted) | (found.isnan() & wanted.isnan())
    return float(gap.masked_fill(same, 0).nan_to_num(float("inf")).max())


def _arranging(names: Any, example: tuple[Any, ...]) -> Any:
    """Return a hook that accepts arguments by place or by name, and fills in fixed ones.

    A graph takes them only as they were when it was traced: all by place.
    """
    torch = import_module("torch")

    def arrange(_module: Any, args: Any, kwargs: Any) -> Any:
        if not isinstance(names, list) or len(args) > len(names):
            return args, kwargs
        given = dict(zip(names, args))  # noqa: B905 - Python 3.8
        if given.keys() & kwargs.keys():
            return args, kwargs  # torch says what is wrong with it
        given.update(kwargs)
        for name, value in zip(names, example):  # noqa: B905
            if not isinstance(value, torch.Tensor):
                given.setdefault(name, value)
        place = 0
        while place < len(names) and names[place] in given:
            place += 1
        placed = tuple(given.pop(name) for name in names[:place])
        return placed, given

    return arrange


def _list(described: dict[str, Any], name: str) -> list[Any]:
    value = described.get(name)
    if not isinstance(value, list):
        raise Refused(f"its {DESCRIPTION} has no list {name!r}")
    return value


def _train(module: Any, mode: bool = True) -> Any:
    """Refuse to train: the graph was traced in evaluation mode."""
    if mode:
        raise NotImplementedError(
            "An exported model was traced in evaluation mode and cannot be trained; "
            "load the repo itself for that."
        )
    return module


def _eval(module: Any) -> Any:
    return module
