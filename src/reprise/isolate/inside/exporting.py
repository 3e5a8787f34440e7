"""Turn a module into a graph that runs without the code it came from. Needs torch 2.6 or newer."""

from __future__ import annotations

import ctypes
import io
import re
import warnings
from importlib import import_module
from typing import Any

from . import export_shapes as shapes
from .export_archive import TYPES, clean_archive
from .export_failures import NotExportable, explained
from .export_outputs import return_plain_containers
from .export_rules import Refused

_TOLERANCE = 1e-4  # relative; a graph usually computes the very same bits
_KINDS = {name: kind for kind, (name, _) in TYPES.items()}


class Exported:
    """A module as a graph and tensors; the caller takes them one by one."""

    def __init__(self, program: bytes, facts: dict[str, Any], tensors: dict[str, Any]) -> None:
        self._program = program
        self._facts = facts
        self._tensors = tensors

    def program(self) -> bytes:
        """Return torch's archive of the graph, with NaN where the weights belong."""
        return self._program

    def facts(self) -> dict[str, Any]:
        """Return what a reader has to know, as plain values."""
        return self._facts

    def tensor(self, name: str) -> bytes:
        """Return the bytes of a tensor, row by row."""
        tensor = self._tensors[name].contiguous()
        size = tensor.numel() * tensor.element_size()
        return ctypes.string_at(tensor.data_ptr(), size) if size else b""


def export(module: Any, example: Any, dynamic: Any) -> Exported:
    """Export a module in evaluation mode.

    Args:
        module: What an entry point returned.
        example: Arguments to trace it with: a tuple, a dictionary of keyword arguments, or one
            argument. A text such as `2x3:int64` stands for random numbers of that shape.
        dynamic: None; a name for the first axis of every tensor; or argument -> axis -> name.

    Raises:
        NotExportable: It cannot be exported; the message names the part and the next step.
    """
    torch = import_module("torch")

    _check_module(module, torch)
    module.eval()
    return_plain_containers(module)
    args, kwargs = shapes.arguments(example, torch)
    axes = shapes.named_axes(module, args, kwargs, dynamic)
    args, kwargs = shapes.widened(module, (args, kwargs), axes, at_least=2)
    program, exact = _traced(module, args, kwargs, axes)
    conditions = [] if exact else [str(guard) for guard in program._guards_code]  # noqa: SLF001
    outputs = _compared(module, program, (args, kwargs))
    if axes and exact:
        _compared(module, program, shapes.widened(module, (args, kwargs), axes, at_least=3))
    tensors, table = _tensors(program)
    example_tensors, described = _example((args, kwargs), outputs)
    facts = {
        "torch": str(torch.__version__),
        "tensors": table,
        "example": described,
        "arguments": shapes.positional(module),
        "conditions": conditions,
        "dynamic": {
            argument: {str(axis): word for axis, word in names.items()}
            for argument, names in axes.items()
        },
        "stored": {
            name: [_KINDS[str(t.dtype)[6:]], list(t.shape)]
            for name, t in {**tensors, **example_tensors}.items()
        },
    }
    with explained(module):
        archive = _archive(program)
    return Exported(archive, facts, {**tensors, **example_tensors})


def _traced(module: Any, args: Any, kwargs: Any, axes: Any) -> tuple[Any, bool]:
    """Return the graph, and whether it works for every size of the named axes.

    Where it does not, torch writes down for which sizes it does, and checks that at every call.
    """
    torch = import_module("torch")
    named, free = shapes.dimensions(module, args, kwargs, axes)
    try:
        return torch.export.export(module, args, kwargs, dynamic_shapes=named, strict=False), True
    except Exception as error:  # its class is private to torch
        if not axes or "Constraints violated" not in str(error):
            with explained(module):
                raise
    with explained(module):
        return torch.export.export(module, args, kwargs, dynamic_shapes=free, strict=False), False


def _check_module(module: Any, torch: Any) -> None:
    if not isinstance(module, torch.nn.Module):
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        raise NotExportable(
            f"It returns {kind}, and only an nn.Module can be exported.",
            "Export an entry point that returns the module itself.",
        )
    for name, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise NotExportable(
                f"The part {name or 'itself'!r} is TorchScript, which torch.export does not take.",
                "It needs no repo code already: save it with torch.jit.save, or load it with "
                "isolated=True.",
            )


def _compared(module: Any, program: Any, example: Any) -> Any:
    """Return what the module makes of an example, after making sure that the graph does, too."""
    torch, pytree = import_module("torch"), import_module("torch.utils._pytree")

    args, kwargs = example
    with explained(module):
        wanted = module(*args, **kwargs)
        found = program.module()(*args, **kwargs)
    left, right = pytree.tree_leaves(wanted), pytree.tree_leaves(found)
    if len(left) != len(right):
        raise NotExportable("Its graph returns something else than it does.", _ELSEWHERE)
    for one, other in zip(left, right):  # noqa: B905 - Python 3.8
        if isinstance(one, torch.Tensor) and not torch.allclose(
            one.to(torch.complex128), other.to(torch.complex128), _TOLERANCE, _TOLERANCE, True
        ):
            difference = float((one - other).abs().max()) if one.dtype.is_floating_point else "some"
            raise NotExportable(
                f"Its graph computes something else: the largest difference is {difference}.",
                "Does it draw random numbers, or keep state between calls? " + _ELSEWHERE,
            )
    return wanted


_ELSEWHERE = "Load it with isolated=True instead of exporting it."


def _tensors(program: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the tensors to store, each once, and a table of what in the graph they are.

    In the program they are replaced by NaN of the same shape, so that the archive stays small and
    whoever runs it without its weights notices.
    """
    stored: dict[str, Any] = {}
    table: list[dict[str, Any]] = []
    places: dict[Any, str] = {}
    for kind, group in (("state", program.state_dict), ("constant", program.constants)):
        for name, value in list(group.items()):
            tensor = _plain(name, value)
            key = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
            place = places.setdefault(key, f"{kind}.{name}") if tensor.numel() else f"{kind}.{name}"
            stored[place] = _storable(tensor)
            strides = None if tensor.is_contiguous() else list(tensor.stride())
            table.append({
                "kind": kind, "name": name, "tensor": place, "strides": strides,
                "complex": tensor.is_complex(), "shape": list(tensor.shape),
            })  # fmt: skip
            group[name] = _hollow(value)
    return stored, table


def _plain(name: str, value: Any) -> Any:
    torch = import_module("torch")

    if type(value) not in (torch.Tensor, torch.nn.Parameter) or value.layout is not torch.strided:
        raise NotExportable(
            f"{name!r} is {type(value).__module__}.{type(value).__qualname__}, not a plain tensor.",
            "Convert it to a dense torch.Tensor before it is exported. " + _ELSEWHERE,
        )
    if str(value.dtype)[6:] not in _KINDS and not value.is_complex():
        raise NotExportable(f"safetensors has no type {value.dtype} for {name!r}.", _ELSEWHERE)
    return value.detach().cpu()


def _storable(tensor: Any) -> Any:
    torch = import_module("torch")

    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def _hollow(value: Any) -> Any:
    torch = import_module("torch")

    filler = float("nan") if value.is_floating_point() or value.is_complex() else 0
    one = torch.full((1,) * value.dim(), filler, dtype=value.dtype)
    hollow = one.expand(value.shape) if value.dim() else one
    if isinstance(value, torch.nn.Parameter):
        return torch.nn.Parameter(hollow, requires_grad=value.requires_grad)
    return hollow


def _example(inputs: Any, outputs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tensors of inputs and outputs, and the inputs' structure around them."""
    pytree = import_module("torch.utils._pytree")

    tensors: dict[str, Any] = {}
    described = {}
    for side, value in (("input", inputs), ("output", outputs)):
        leaves, spec = pytree.tree_flatten(value)
        described[side] = [_leaf(f"{side}.{n}", leaf, tensors) for n, leaf in enumerate(leaves)]
        if side == "input":
            described["spec"] = pytree.treespec_dumps(spec)
    return tensors, described


def _leaf(name: str, leaf: Any, tensors: dict[str, Any]) -> Any:
    torch = import_module("torch")

    if isinstance(leaf, torch.Tensor):
        tensors[name] = _storable(leaf.detach().cpu())
        return {"tensor": name, "complex": leaf.is_complex()}
    if leaf is None or isinstance(leaf, (bool, int, float, str)):
        return {"value": leaf}
    raise NotExportable(f"An input or output is a {type(leaf).__name__}, not a tensor.", _ELSEWHERE)


def _archive(program: Any) -> bytes:
    torch = import_module("torch")

    program.example_inputs = None
    for node in program.graph.nodes:
        for name in ("stack_trace", "source_fn_stack", "torch_fn", "from_node"):
            node.meta.pop(name, None)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the stand-ins are no complete tensors
        torch.export.save(program, buffer)
    try:
        return clean_archive(buffer.getvalue())
    except Refused as error:
        operator = re.search(r"operator 'torch\.ops\.(\w+)\.(\w+)", str(error))
        if operator:
            raise NotExportable(
                f"It uses the operator {operator[1]}::{operator[2]}, which comes with another "
                "package and not with torch; the graph could not run without it.",
                "Replace it with operators of torch. " + _ELSEWHERE,
            ) from None
        raise NotExportable(f"Its graph cannot be stored: {error}.", _ELSEWHERE) from None
