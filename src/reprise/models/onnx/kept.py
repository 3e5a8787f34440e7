"""Where matrices in few bits are kept, and how a model is read with them."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from reprise.base.errors import InvalidInput
from reprise.models.onnx import few_bits
from reprise.models.onnx.groups import BITS, Group
from reprise.models.onnx.placing import Placed, below, identify
from reprise.models.onnx.weights import Rounded, Spot
from reprise.models.plan import Plan
from reprise.models.weights import open_checkpoint
from reprise.models.weights.stored import StoredTensor

log = logging.getLogger(__name__)
_FILE = "model.safetensors"
_FORMAT = 2  # raised when the same weights become other tensors


def few_bits_of(plan: Plan, tensors: Mapping[str, StoredTensor], dtype: str,
              cache: Path) -> dict[str, StoredTensor]:  # fmt: skip
    """Give a model's matrices in few bits, made from its weights the first time they are asked for.

    Args:
        plan: Whose.
        tensors: Stored name (of the plan) to tensor.
        dtype: `int8` or `int4`.
        cache: Folder that keeps them.

    Raises:
        InvalidInput: They cannot be written, or a weight is not finite.
    """
    # With a language head the table of a body is there in few bits, too.
    kind = f"lm-{dtype}" if plan.head and plan.head.out == "vocab" else dtype
    folder = cache / f"{identify(tensors)}.{kind}-{_FORMAT}"
    if not (folder / _FILE).is_file():
        log.info("Making matrices in %s from the weights; they are kept in %s.", dtype, folder)
        staged = folder.with_name(f".{folder.name}.{uuid4().hex}")
        try:
            few_bits.write(plan, tensors, BITS[dtype], staged)
            if not (folder / _FILE).is_file():
                rmtree(folder, ignore_errors=True)
                staged.replace(folder)
        except OSError as error:
            if not (folder / _FILE).is_file():  # nobody else was quicker
                raise InvalidInput(f"{folder} cannot be written: {error}.",
                                   hint="Name another folder: cache_dir=…") from None  # fmt: skip
        finally:
            rmtree(staged, ignore_errors=True)
    return dict(open_checkpoint(folder / _FILE))


def with_few_bits(placed: Placed, stored: Mapping[str, StoredTensor],
              chosen: tuple[Group, ...]) -> Placed:  # fmt: skip
    """Give the places of a model some of whose layers are read in few bits.

    Args:
        placed: Where everything else lies.
        stored: The tensors of the layers in few bits.
        chosen: Which layers.
    """
    if not chosen:
        return placed
    tensors = {name: stored[name] for group in chosen for name in group.shapes()}
    spans = {name: tensor.location for name, tensor in tensors.items()}
    for path in {span.path for span in spans.values() if span}:
        folder, _, moved = below(placed, path)
        placed = replace(placed, folder=folder, spots=moved)
    found = {}
    for group in chosen:
        places = [spans[name] for name in group.shapes()]
        spots = (Spot(_within(placed.folder, span.path), span.offset) for span in places if span)
        found[group.modules] = Rounded(group, tuple(spots))
    return replace(placed, rounded=found, identity=f"{placed.identity}.{identify(tensors)}")


def _within(folder: Path, path: Path) -> str:
    return path.resolve().relative_to(folder).as_posix()
