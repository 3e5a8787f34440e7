"""The module of a plan."""

from reprise.models.plan import Plan
from reprise.models.spec import Segmented
from reprise.models.torch.contrastive import ContrastiveModel
from reprise.models.torch.model import Planned, Seq2SeqModel, SingleModel


def make(plan: Plan) -> Planned:
    """Make the module of a plan, without memory: `load.py` gives it weights."""
    if plan.spec.projection:
        return ContrastiveModel(plan)
    stacks = [tower.stack for tower in plan.spec.towers.values()]
    if any(isinstance(stack.attention.score_bias, Segmented) for stack in stacks):
        from reprise.models.torch.recurrent import RecurrentModel

        return RecurrentModel(plan)
    return SingleModel(plan) if len(plan.spec.towers) == 1 else Seq2SeqModel(plan)
