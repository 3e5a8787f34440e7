"""New models, drawn from a seed."""

import torch

from reprise.models.plan import Plan
from reprise.models.torch.initialise import initialise
from reprise.models.torch.make import make
from reprise.models.torch.model import Planned


def fresh(plan: Plan, seed: int) -> Planned:
    """Make a plan's model with every parameter drawn from a seed, in training mode.

    A seed gives the same model on every machine.
    """
    model = make(plan)
    std = float(plan.config.get("initializer_range") or 0.02)
    initialise(model, plan.shapes, std, torch.Generator().manual_seed(seed), torch.float32)
    return model
