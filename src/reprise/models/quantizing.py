"""8 bits for a model's matrices: made, measured against float32, kept only when close enough."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.files import write_bytes
from reprise.models.auto import auto_class
from reprise.models.measuring import answer_of, cosines_of
from reprise.models.onnx import eighths
from reprise.models.onnx.kept import in_eighths, path_of


@dataclass(frozen=True)
class Accuracy:
    """How close 8 bits come to float32.

    Attributes:
        cosine: Smallest cosine between the two answers over all samples.
        samples: How many there were.
    """

    cosine: float
    samples: int


def quantize(model_folder: str | Path, samples: Sequence[Mapping[str, Any]], *,
             minimum: float = 0.99, load: Callable[..., Any] | None = None,
             cache_dir: str | Path | None = None) -> Accuracy:  # fmt: skip
    """Make a model's 8-bit matrices, measure them on samples, and keep them if they are good.

    Args:
        model_folder: A folder, or a repo, as `from_pretrained` takes it.
        samples: Arguments of calls, as the model will be used.
        minimum: Smallest cosine between the answers in 8 bits and in float32.
        load: What loads the model: a class's `from_pretrained`; None: `AutoModel`'s.
        cache_dir: As in `load_onnx`.

    Raises:
        InvalidInput: No samples, or an answer is further off; nothing is kept then.
    """
    if not samples:
        raise InvalidInput("Give samples: 8 bits are only used where their accuracy was measured.")
    if load is None:
        load = auto_class("AutoModel").from_pretrained
    exact = load(str(model_folder), engine="onnx", cache_dir=cache_dir)
    path = path_of(exact.sessions.placed, exact.sessions.cache)
    staged = path.with_suffix(".trial")
    try:
        eighths.write(exact.plan, exact.tensors, staged)
        accuracy = measure(exact, exact.over(in_eighths(exact.plan, exact.sessions.placed, staged)),
                           samples)  # fmt: skip
        if not accuracy.cosine >= minimum:
            raise InvalidInput(
                f"8 bits are too coarse for this model: cosine {accuracy.cosine:.4f} to float32, "
                f"and {minimum} is asked for. Nothing was kept.",
                hint="Use it in float32, or lower `minimum` if that is good enough for you.",
            )
        note = {"cosine": accuracy.cosine, "samples": accuracy.samples}
        write_bytes(path.with_suffix(".json"), json.dumps(note).encode())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return accuracy


def measure(exact: Any, coarse: Any, samples: Sequence[Mapping[str, Any]]) -> Accuracy:
    """Compare two models on samples: the smallest cosine of their answers."""
    found = [cosines_of(answer_of(exact(**sample)), answer_of(coarse(**sample))).min()
             for sample in samples]  # fmt: skip
    return Accuracy(float(min(found)), len(found))
