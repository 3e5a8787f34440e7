"""Load a checkpoint into the onnx engine: nothing of it is copied, most of it never read."""

from pathlib import Path

from reprise.base.errors import InvalidInput
from reprise.models.matching import match
from reprise.models.onnx.checking import check_finite
from reprise.models.onnx.emit import check_expressible
from reprise.models.onnx.make import make
from reprise.models.onnx.model import OnnxModel
from reprise.models.onnx.placing import place
from reprise.models.onnx.session import Sessions, default_cache
from reprise.models.plan import Plan
from reprise.models.report import Report
from reprise.models.weights import Checkpoint


def load_onnx(plan: Plan, checkpoint: Checkpoint, *, int8: bool = False, threads: int | None = None,
              cache_dir: str | Path | None = None) -> OnnxModel:  # fmt: skip
    """Make a plan's model over the files of a checkpoint.

    Args:
        plan: What to run.
        checkpoint: Its weights; float32 is used where it lies, other types are converted once
            into the cache.
        int8: Whether matrices are multiplied in 8 bits; `quantize` must have made them.
        threads: How many to compute with; None leaves it to ONNX Runtime.
        cache_dir: Folder for graphs and converted weights; None: `reprise/onnx` in the user's
            cache folder.

    Raises:
        InvalidInput: The weights do not fit the plan.
        NotFound: 8 bits are asked for, and were not made for these weights.
        NotSupported: No ONNX graph expresses the plan.
    """
    check_expressible(plan)
    shapes = {name: tensor.shape for name, tensor in checkpoint.items()}
    plan = plan.settled(shapes)
    matched = match(plan, shapes)
    if matched.missing_head:
        raise InvalidInput(
            f"The weights have no {', '.join(matched.missing_head)}: the head of "
            f"{plan.family.prefix}{plan.head_name} has to be trained first.",
            hint="engine='torch' makes a new head and trains it.",
        )
    tensors = {name: checkpoint[source] for name, source in matched.sources.items()}
    cache = Path(cache_dir) if cache_dir else default_cache()
    placed = place(tensors, cache)
    if int8:
        from reprise.models.onnx.kept import kept

        placed = kept(plan, placed, cache)
    sessions = Sessions(plan, placed, cache, threads=threads or 0,
                        check=lambda: check_finite(tensors.values()))  # fmt: skip
    model = make(plan, sessions, tensors)
    model.report = Report((), matched.unused, None)
    return model
