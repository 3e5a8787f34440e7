"""Another number of tokens: the plan of the model that has it, and every table cut or grown."""

from typing import Any

import torch
from torch import Tensor, nn

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.config import Config
from reprise.models.plan import Plan, make_plan
from reprise.models.spec import Clusters, Embedding
from reprise.models.torch.assign import assign

_SIZES = ("vocab_size", "decoder_vocab_size", "n_words", "n_token")


def token_count(plan: Plan) -> int:
    """How many tokens a plan's models know.

    Raises:
        NotSupported: They know none, or their two sides know different ones.
    """
    inputs = [tower.input for tower in plan.spec.towers.values()]
    counts = {part.vocab for part in inputs if isinstance(part, Embedding | Clusters)}
    if len(counts) != 1:
        raise NotSupported(
            f"{plan.family.prefix}{plan.head_name} has no single vocabulary to resize: "
            f"{sorted(counts) or 'it reads no tokens'}."
        )
    return counts.pop()


def resized_plan(plan: Plan, count: int) -> Plan:
    """Plan the same model with another number of tokens.

    Raises:
        InvalidInput: No model can have that many.
        NotSupported: See `token_count`.
    """
    before = token_count(plan)
    config = _changed(plan.config, before, count)
    made = make_plan(config, plan.head_name, pooler="pooler.weight" in plan.shapes)
    if plan.head is not None and plan.head.tied:
        made = made.settled(())
    if token_count(made) != count:
        raise NotSupported(f"The vocabulary of {plan.family.model_type} models cannot be resized.")
    return made


def resize_tables(resized: nn.Module, model: nn.Module) -> None:
    """Give a model of another vocabulary the weights of one: cut, or grown by their mean.

    A new token begins as the mean of the known ones, its bias at zero, as in transformers 5.
    """
    for name, tensor in model.named_parameters():
        wanted = resized.get_parameter(name).shape
        kept = tensor.detach()
        for side, size in enumerate(wanted):
            kept = _fitted(kept, side, size, zero=name.endswith("bias"))
        assign(resized, name, kept)


def _fitted(tensor: Tensor, side: int, size: int, *, zero: bool) -> Tensor:
    have = tensor.shape[side]
    if have == size:
        return tensor
    if size < have:
        return tensor.narrow(side, 0, size).clone()
    new = tensor.float().mean(side, keepdim=True).to(tensor.dtype)
    new = torch.zeros_like(new) if zero else new
    return torch.cat([tensor, *[new] * (size - have)], dim=side)


def _changed(config: Config, before: int, count: int) -> Config:
    changes: dict[str, Any] = {name: count for name in _SIZES if config.get(name) == before}
    inner = config.get("text_config")
    if isinstance(inner, dict):  # a model of texts and images
        sizes = {name: count for name in _SIZES if inner.get(name, before) == before}
        changes["text_config"] = {**inner, **sizes}
    return config.replace(**(changes or {"vocab_size": count}))


def rounded(count: int, multiple: int | None) -> int:
    """Round a number of tokens up to a multiple.

    Raises:
        InvalidInput: The multiple is below 1.
    """
    if multiple is None:
        return count
    if multiple < 1:
        raise InvalidInput(f"pad_to_multiple_of is {multiple}; use 1 or more.")
    return -(-count // multiple) * multiple
