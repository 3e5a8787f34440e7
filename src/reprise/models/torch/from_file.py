"""Load a checkpoint of any format into a torch model."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from reprise.base.errors import InvalidInput
from reprise.models.options import Options, usual_device
from reprise.models.plan import Plan
from reprise.models.source import Source
from reprise.models.torch.load import Reading, load
from reprise.models.torch.model import Planned
from reprise.models.weights import Checkpoint
from reprise.models.weights.to_torch import to_torch


def load_torch(plan: Plan, checkpoint: Checkpoint, source: Source, options: Options) -> Planned:
    """Build a plan's model over a checkpoint's memory.

    Raises:
        InvalidInput: The weights do not fit the plan, or the type of weights is unknown.
    """
    shapes, read = _readers(checkpoint)
    how = Reading(
        dtype=dtype_of(options.dtype),
        device=device_of(options.device),
        strict=options.strict,
        new_head=options.new_head,
        seed=lambda: options.seed_for(checkpoint),
    )
    model, report = load(plan, shapes, read, how)
    model.report, model.source = report, source
    return model


def _readers(
    checkpoint: Checkpoint,
) -> tuple[Mapping[str, tuple[int, ...]], Callable[[str], Tensor]]:
    return {name: t.shape for name, t in checkpoint.items()}, lambda name: to_torch(
        checkpoint[name]
    )


def device_of(given: Any) -> torch.device:
    """Read a device: a name, a number of a GPU, or a device of torch; None is the CPU.

    Raises:
        InvalidInput: There is none of that name, or this machine has none.
    """
    given = usual_device("cpu" if given is None else given)
    try:
        found = torch.device(given)
    except (RuntimeError, TypeError):
        raise InvalidInput(f"{given!r} is no device; use cpu, cuda, cuda:1 or mps.") from None
    try:
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise InvalidInput(
            f"torch has no device {str(found)!r} here: {reason}.",
            hint="Leave device out to compute on the CPU.",
        ) from None
    return found


def dtype_of(given: Any) -> torch.dtype | None:
    """Read a type: None and "auto" keep the file's; a torch type or its name.

    Raises:
        InvalidInput: torch has no floating-point type of that name.
    """
    if given is None or given == "auto" or isinstance(given, torch.dtype):
        return given if isinstance(given, torch.dtype) else None
    found = getattr(torch, str(given).removeprefix("torch."), None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InvalidInput(f"{given!r} is no type of weights; use float32, bfloat16 or float16.")
    return found
