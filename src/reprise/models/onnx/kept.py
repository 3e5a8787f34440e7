"""Where the 8-bit matrices of a model are kept, and how it is read with them."""

from dataclasses import replace
from pathlib import Path

from reprise.base.errors import NotFound
from reprise.models.onnx import eighths
from reprise.models.onnx.placing import Placed, below
from reprise.models.plan import Plan


def path_of(placed: Placed, cache: Path) -> Path:
    """Say where the 8-bit matrices of a model are kept."""
    return cache / f"{placed.identity}.int8"


def in_eighths(plan: Plan, placed: Placed, path: Path) -> Placed:
    """Give the places of a model whose matrices are read in 8 bits from `path`."""
    folder, location, moved = below(placed, path)
    found = eighths.spots(plan, location)
    return replace(placed, folder=folder, spots=moved, eighths=found,
                   identity=f"{placed.identity}.8")  # fmt: skip


def kept(plan: Plan, placed: Placed, cache: Path) -> Placed:
    """Find the 8-bit matrices that `quantize` made and measured.

    Raises:
        NotFound: There are none for these weights.
    """
    path = path_of(placed, cache)
    if not path.is_file():
        raise NotFound(
            "There are no 8-bit matrices for these weights yet.",
            hint="Make and measure them: "
            "reprise.models.quantizing.quantize(folder, samples, minimum=0.99).",
        )
    return in_eighths(plan, placed, path)
