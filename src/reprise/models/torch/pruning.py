"""Attention heads taken out: the plan that is left, and the part of each weight that stays."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from reprise.base.errors import InvalidInput
from reprise.models.plan import Plan, make_plan
from reprise.models.torch.assign import assign


def pruned_plan(plan: Plan, heads: Mapping[int, Sequence[int]]) -> Plan:
    """Take heads out of a plan, beside those that are gone already.

    Raises:
        InvalidInput: There is no such layer or head, or a layer would lose its last one.
    """
    (tower,) = plan.spec.towers.values()
    layers = tower.stack.layers
    before = dict(enumerate(tower.stack.attention.pruned or ((),) * layers))
    unknown = sorted(set(heads) - set(before))
    if unknown:
        raise InvalidInput(f"The model has layers 0 to {layers - 1}, so none called {unknown}.")
    gone = {n: sorted({*before[n], *(int(h) for h in heads.get(n, ()))}) for n in before}
    config = plan.config.replace(pruned_heads={str(n): h for n, h in gone.items() if h})
    return make_plan(config, plan.head_name, pooler="pooler.weight" in plan.shapes)


def take_over(smaller: nn.Module, larger: nn.Module, before: Plan, after: Plan) -> None:
    """Give a smaller model what stays of each parameter of a larger one."""
    for name, tensor in larger.named_parameters():
        kept = tensor.detach()
        if tensor.shape != smaller.get_parameter(name).shape:
            kept = _sliced(name, kept, before, after)
        assign(smaller, name, kept)


def _sliced(name: str, tensor: Tensor, before: Plan, after: Plan) -> Tensor:
    (tower,) = before.spec.towers.values()
    (pruned,) = after.spec.towers.values()
    old, new = tower.stack.attention, pruned.stack.attention
    layer, part = int(name.split(".")[1]), name.split(".")[-2]
    had, stays = old.kept(layer), new.kept(layer)
    if part in {"k", "v"} and "relative" not in name and old.groups != old.heads:
        shared = old.heads // old.groups
        had = tuple(dict.fromkeys(head // shared for head in had))
        stays = tuple(dict.fromkeys(head // shared for head in stays))
    rows = torch.tensor([had.index(head) for head in stays])
    if name.rsplit(".", maxsplit=1)[-1] in {"content", "position", "segment"}:
        return tensor[rows]
    if name.endswith("relative.segments"):
        return tensor[:, rows]
    side = 1 if part == "o" else 0
    by_head = tensor.unflatten(side, (len(had), -1))
    return by_head.index_select(side, rows).flatten(side, side + 1)
