"""Fill a module from a checkpoint: the file's own memory where the layout allows."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reprise.base.errors import InvalidInput
from reprise.models import names
from reprise.models.matching import Match, match
from reprise.models.plan import Plan
from reprise.models.report import Report
from reprise.models.torch.assign import assign
from reprise.models.torch.initialise import initialise
from reprise.models.torch.make import make
from reprise.models.torch.model import Planned

log = logging.getLogger(__name__)
_CHECKED = 256 << 20  # bytes: up to here every number is looked at, beyond only vectors


@dataclass(frozen=True)
class Reading:
    """How to read a file.

    Attributes:
        dtype: Type of the weights; None keeps the file's.
        device: Where they go, one tensor at a time.
        strict: Whether names in the file that nobody knows are an error.
        new_head: Whether a head in the file is left aside.
        seed: Gives what a head that the file lacks is drawn with.
    """

    dtype: torch.dtype | None = None
    device: str | torch.device = "cpu"
    strict: bool = True
    new_head: bool = False
    seed: Callable[[], int] = lambda: 0


def load(plan: Plan, shapes: Mapping[str, tuple[int, ...]], read: Callable[[str], Tensor],
         how: Reading = Reading()) -> tuple[Planned, Report]:  # fmt: skip
    """Build a plan's module and give it the weights of a file.

    Args:
        plan: What to build.
        shapes: Names and shapes in the file.
        read: Gives a stored tensor; mapped memory is used as it is.
        how: Type, place, strictness.

    Raises:
        InvalidInput: The file does not fit, or holds numbers that are not finite.
    """
    plan = plan.settled(shapes)
    matched = match(plan, shapes, strict=how.strict, new_head=how.new_head)
    model = make(plan)
    small = sum(_size(shape) for shape in shapes.values()) <= _CHECKED
    for place in {id(p): p for p in plan.places.values()}.values():
        if place.stored not in matched.sources:
            continue
        stored = read(matched.sources[place.stored])
        _check_finite(matched.sources[place.stored], stored, everything=small)
        for name, tensor in names.split(place, stored, plan.shapes).items():
            assign(model, name, _moved(tensor, how.dtype, how.device))
    drawn = _fill(model, matched, how)
    return model.eval(), Report(matched.missing_head, matched.unused, drawn)


def _size(shape: tuple[int, ...]) -> int:
    return 4 * torch.Size(shape).numel()


def _moved(tensor: Tensor, dtype: torch.dtype | None, device: str | torch.device) -> Tensor:
    wanted = dtype if tensor.is_floating_point() else None
    return tensor.to(device=device, dtype=wanted or tensor.dtype)


def _check_finite(name: str, tensor: Tensor, *, everything: bool) -> None:
    if not tensor.is_floating_point() or tensor.element_size() < 2:  # noqa: PLR2004 - float8
        return
    if (everything or tensor.dim() < 2) and not _finite(tensor):  # noqa: PLR2004 - a vector
        raise InvalidInput(
            f"The weights hold numbers that are not finite, first in {name!r}: a training that "
            "diverged, or a damaged file.",
            hint="Ask for another commit of this model, or repair the file first.",
        )


def _finite(tensor: Tensor) -> bool:
    # A sum is finite only where all numbers are, and twenty times faster to ask; a large one may
    # leave the range of its type, so that only looking at each number decides.
    return bool(torch.isfinite(tensor.sum())) or bool(torch.isfinite(tensor).all())


def _type(model: nn.Module) -> torch.dtype:
    filled = [p.dtype for p in model.parameters() if not p.is_meta]
    return filled[0] if filled else torch.float32


def _fill(model: Planned, matched: Match, how: Reading) -> int | None:
    if not matched.missing_head:
        return None
    dtype = how.dtype or _type(model)
    drawn = how.seed()
    std = float(model.config.get("initializer_range") or 0.02)
    initialise(model, matched.missing_head, std, torch.Generator().manual_seed(drawn), dtype)
    log.warning(
        "%s%s: the file has no %s; initialised with seed %d. Train it before you use its answers.",
        model.family.prefix, model.plan.head_name, ", ".join(matched.missing_head), drawn,
    )  # fmt: skip
    return drawn
