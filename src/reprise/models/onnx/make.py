"""The model of a plan."""

from collections.abc import Mapping

from reprise.models.onnx.model import OnnxModel, Seq2SeqModel, SingleModel
from reprise.models.onnx.session import Sessions
from reprise.models.plan import Plan
from reprise.models.weights.stored import StoredTensor


def make(plan: Plan, sessions: Sessions, tensors: Mapping[str, StoredTensor]) -> OnnxModel:
    """Make the model of a plan; `tensors` are its weights by stored name."""
    if plan.spec.projection:
        from reprise.models.onnx.contrastive import ContrastiveModel

        return ContrastiveModel(plan, sessions, tensors)
    kind = SingleModel if len(plan.spec.towers) == 1 else Seq2SeqModel
    return kind(plan, sessions, tensors)
