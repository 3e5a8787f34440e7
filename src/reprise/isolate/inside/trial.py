"""Trials of a repo: make its entry points, call them, read its weights; say how it went.

What fails is an answer here, not an exception: with the step, the error, and the place in the repo.
"""

from __future__ import annotations

import inspect
import json
import os
import pickle
import random
import sys
import time
from importlib.util import find_spec
from typing import Any

from . import repo
from .prints import print_of, state_of, type_name

_MAX_ERROR = 600  # characters
_HEADER_LENGTH = 8  # bytes


def try_entry(folder: str, entry: str, plan: dict[str, Any], seed: int) -> dict[str, Any]:
    """Make what an entry point makes, twice seeded alike each time, and call it as planned.

    Args:
        folder: Root of the repo's files.
        entry: Name of the entry point.
        plan: `args`, `kwargs` for the entry point; `calls`: for each call of the result its
            `method` (empty: the result itself), `args`, `kwargs`. Arguments may be `made` values.
        seed: For every generator of random numbers.

    Returns:
        `type`, `seconds`, `state`, `value` and `calls` (fingerprints), or `failed`: the step -
        `arguments`, `load` or `call` - with `error` and `where`.
    """
    step = "load"
    try:
        function = repo.entry_point(folder, entry)
        args, kwargs = made(folder, plan["args"], seed), made(folder, plan["kwargs"], seed)
        if not _fits(function, args, kwargs):
            step = "arguments"
            inspect.signature(function).bind(*args, **kwargs)
        _seed(seed)
        begin = time.perf_counter()
        value = function(*args, **kwargs)
        found = {"type": type_name(value), "seconds": round(time.perf_counter() - begin, 3)}
        if callable(getattr(value, "eval", None)) and hasattr(value, "state_dict"):
            value.eval()
        found["state"] = state_of(value)
        found["value"] = None if callable(value) else print_of(value)
        step = "call"
        found["calls"] = [_called(folder, value, call, seed) for call in plan["calls"]]
    except BaseException as error:  # noqa: BLE001 - SystemExit too: the repo does not end us
        return {"failed": step, **described(error, folder)}
    return found


def try_weights(files: dict[str, str]) -> dict[str, str | None]:
    """Read each file of weights without running code of it.

    Args:
        files: By path the ending that says what it is: `.safetensors`, or one of torch's.

    Returns:
        By path what is wrong, an empty text when nothing is, None when nothing here can tell.
    """
    return {path: _weights_problem(path, kind) for path, kind in files.items()}


def packages() -> dict[str, str]:
    """Return name and version of each distribution here, sorted."""
    from importlib.metadata import distributions

    found = {str(it.metadata["Name"]): str(it.version) for it in distributions()}
    return dict(sorted(found.items()))


def described(error: BaseException, folder: str) -> dict[str, str]:
    """Return `error` in one line, and `where` in the repo it came from: `net.py:12` or nothing."""
    where, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(folder + os.sep):
            where = f"{os.path.relpath(name, folder)}:{trace.tb_lineno}"
        trace = trace.tb_next
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a hostile __str__
        text = ""
    line = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return {"error": line[:_MAX_ERROR], "where": where[:_MAX_ERROR]}


def made(folder: str, value: Any, seed: int) -> Any:
    """Turn what a card can write into what code takes.

    `{"tensor": [1, 3, 8, 8]}` becomes a tensor (an array without torch) of seeded normal numbers;
    with `"below": n`, whole numbers from 0 to n. `{"file": path}` becomes the path of that file
    in the repo.
    """
    if isinstance(value, list):
        return [made(folder, item, seed) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return _tensor(value["tensor"], value.get("below"), seed)
    if set(value) == {"file"}:
        path = os.path.normpath(os.path.join(folder, str(value["file"])))  # noqa: PTH118 - 3.8
        if not path.startswith(folder + os.sep):
            raise ValueError("The file {!r} lies outside the repo.".format(value["file"]))
        return path
    return {str(key): made(folder, item, seed) for key, item in value.items()}


def _called(folder: str, value: Any, call: dict[str, Any], seed: int) -> dict[str, Any]:
    target = getattr(value, call["method"]) if call["method"] else value
    args, kwargs = made(folder, call["args"], seed), made(folder, call["kwargs"], seed)
    _seed(seed)
    return print_of(target(*args, **kwargs))


def _fits(function: Any, args: Any, kwargs: Any) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:  # no signature to be had
        return True
    return True


def _seed(seed: int) -> None:
    random.seed(seed)
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and hasattr(numpy, "random"):
        numpy.random.seed(seed)
    if torch is not None and hasattr(torch, "manual_seed"):
        torch.manual_seed(seed)
        torch.set_num_threads(1)  # sums in another order give other bits


def _tensor(shape: Any, below: Any, seed: int) -> Any:
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"A tensor's shape is a list of whole numbers, not {shape!r}.")
    if below is not None and (type(below) is not int or below < 1):
        raise ValueError(f"`below` is a whole number above 0, not {below!r}.")
    if find_spec("torch") is not None:
        import torch

        generator = torch.Generator().manual_seed(seed)
        if below is None:
            return torch.randn(shape, generator=generator)
        return torch.randint(below, shape, generator=generator)
    import numpy as np

    source = np.random.default_rng(seed)
    if below is None:
        return source.standard_normal(shape).astype(np.float32)
    return source.integers(below, size=shape)


def _weights_problem(path: str, kind: str) -> str | None:
    if kind == ".safetensors":
        return _safetensors_problem(path)
    if find_spec("torch") is None:
        return None
    import torch

    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        return described(error, path)["error"]
    return ""


def _safetensors_problem(path: str) -> str:
    """Compare the header of a safetensors file with its size."""
    size = os.path.getsize(path)  # noqa: PTH202 - 3.8
    with open(path, "rb") as file:  # noqa: PTH123 - 3.8
        length = int.from_bytes(file.read(_HEADER_LENGTH), "little")
        if not 0 < length <= size - _HEADER_LENGTH:
            return "the header is longer than the file"
        try:
            header = json.loads(file.read(length))
            ends = [it["data_offsets"][1] for name, it in header.items() if name[:2] != "__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return "the header is no JSON of safetensors"
    if max(ends, default=0) != size - _HEADER_LENGTH - length:
        return "the tensors and the file end at different places"
    return ""
