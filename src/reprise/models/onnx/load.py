"""Load a checkpoint into the onnx engine: nothing of it is copied, most of it never read."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models import names
from reprise.models.matching import match
from reprise.models.onnx.checking import check_finite
from reprise.models.onnx.emit import check_expressible
from reprise.models.onnx.groups import BITS, PREFIX, Group, covered, groups, present
from reprise.models.onnx.kept import few_bits_of, with_few_bits
from reprise.models.onnx.make import make
from reprise.models.onnx.model import OnnxModel
from reprise.models.onnx.placing import place
from reprise.models.onnx.session import Sessions, default_cache
from reprise.models.plan import Plan
from reprise.models.report import Report
from reprise.models.weights import Checkpoint
from reprise.models.weights.stored import StoredTensor


def load_onnx(
    plan: Plan, checkpoint: Checkpoint, *, dtype: str = "",
    threads: int | None = None, cache_dir: str | Path | None = None,
) -> OnnxModel:  # fmt: skip
    """Make a plan's model over the files of a checkpoint.

    Args:
        plan: What to run.
        checkpoint: Its weights; float32 is used where it lies, other types are converted once
            into the cache.
        dtype: `int8` or `int4`: matrices are read in so many bits, made from the weights once
            into the cache, or as the checkpoint holds them.
        threads: How many to compute with; None leaves it to ONNX Runtime.
        cache_dir: Folder for graphs and converted weights; None: `reprise/onnx` in the user's
            cache folder.

    Raises:
        InvalidInput: The weights do not fit the plan.
        NotSupported: No ONNX graph expresses the plan, or it has no matrices for few bits.
    """
    check_expressible(plan)
    cache = Path(cache_dir) if cache_dir else default_cache()
    ready = present(plan, checkpoint, BITS[dtype]) if dtype else ()
    plan, tensors, unused = _matched(plan, checkpoint, ready)
    chosen = present(plan, checkpoint, BITS[dtype]) if ready else ()
    stored: Mapping[str, StoredTensor] = checkpoint
    if dtype and not chosen:
        chosen = _matrices(plan, dtype)
        stored = few_bits_of(plan, tensors, dtype, cache)
    gone = covered(plan, chosen)
    placed = place({name: t for name, t in tensors.items() if name not in gone}, cache)
    if dtype:
        placed = with_few_bits(placed, stored, chosen)
    packed = [tensor for name, tensor in checkpoint.items() if name.startswith(PREFIX)]
    sessions = Sessions(plan, placed, cache, threads=threads or 0,
                        check=lambda: check_finite([*tensors.values(), *packed]))  # fmt: skip
    model = make(plan, sessions, tensors)
    model.report = Report((), unused, None)
    return model


def _matrices(plan: Plan, dtype: str) -> tuple[Group, ...]:
    found = groups(plan, BITS[dtype])
    if not found:
        raise NotSupported(f"A {plan.family.model_type} model has no matrices that can be in "
                           f"{dtype}.", hint="Load it in float32.")  # fmt: skip
    return found


def _matched(plan: Plan, checkpoint: Mapping[str, StoredTensor], ready: tuple[Group, ...]
             ) -> tuple[Plan, dict[str, StoredTensor], tuple[str, ...]]:  # fmt: skip
    """Match a plan with a checkpoint, some of whose matrices are there in few bits."""
    shapes = {name: tensor.shape for name, tensor in checkpoint.items()
              if not (ready and name.startswith(PREFIX))}  # fmt: skip
    absent = {name for group in ready for name in group.weights
              if plan.places[name].stored not in shapes}  # fmt: skip
    shapes |= {_spelled(plan, name, shapes): names.stored_shape(plan.places[name], plan.shapes)
               for name in absent}  # fmt: skip
    plan = plan.settled(shapes)
    matched = match(plan, shapes)
    if matched.missing_head:
        raise InvalidInput(
            f"The weights have no {', '.join(matched.missing_head)}: the head of "
            f"{plan.family.prefix}{plan.head_name} has to be trained first.",
            hint="engine='torch' makes a new head and trains it.",
        )
    found = {name: checkpoint[source] for name, source in matched.sources.items()
             if source in checkpoint}  # fmt: skip
    return plan, found, matched.unused


def _spelled(plan: Plan, name: str, stored: Iterable[str]) -> str:
    """Spell a tensor's name as the file does those beside it: with what stands before a body."""
    own = plan.places[name].stored
    if plan.is_head(name):
        return own
    bare = [place.stored.removeprefix(plan.body) for place in plan.places.values()
            if not plan.is_head(place.canonical[0])]  # fmt: skip
    before = (there.removesuffix(known) for there in stored for known in bare
              if there.endswith(known))  # fmt: skip
    return next(before, plan.body) + own.removeprefix(plan.body)
