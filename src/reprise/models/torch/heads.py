"""The module of a head, and how it picks what it reads."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.models import heads, shapes, spec
from reprise.models.torch.layers import Linear, activation, make_norm, parameter


class Head(nn.Module):
    """Dense, activation, norm, output layer: what of them the spec asks for."""

    def __init__(self, head: heads.Head, model: spec.ModelSpec, labels: int) -> None:
        super().__init__()
        self.spec, self.rate = head, model.dropout.head
        vocab, table_width = shapes.table_of(model)
        width = shapes.pooled_width(head, model.width)
        if head.dense:
            inner = head.dense_width or model.width
            self.dense = Linear(inner, width, bias=head.dense_bias)
            width = inner
        if head.norm:
            self.norm = make_norm(width, head.norm)
        rows = head.rows(vocab, labels)
        self.out = _out(head, rows, table_width if head.out == "vocab" else width)
        self.logits_bias = parameter(1, vocab) if head.logits_bias else None

    def forward(self, x: Tensor, table: Tensor | None) -> Tensor:
        """Turn states [..., C] into scores; `table` is the token table of a tied head."""
        if self.spec.out != "vocab":
            x = functional.dropout(x, self.rate, self.training)
        if self.spec.dense:
            x = self.dense(x)
            x = self.norm(x) if self.spec.norm_first else x
            x = activation(self.spec.act)(x)
        x = self.norm(x) if self.spec.norm and not self.spec.norm_first else x
        if self.spec.dense and self.spec.out not in {"vocab", "none"}:
            x = functional.dropout(x, self.rate, self.training)
        x = x if self.spec.scale == 1.0 else x * self.spec.scale
        if self.out is None:
            return x
        scores = self.out(x, table if self.spec.tied else None)
        if self.logits_bias is not None:
            scores = scores + self.logits_bias
        cap = self.spec.softcap
        return cap * torch.tanh(scores / cap) if cap else scores


class Out(nn.Module):
    """The last layer; its weight may be the token table."""

    def __init__(self, rows: int, width: int, *, bias: bool, tied: bool) -> None:
        super().__init__()
        self.weight = None if tied else parameter(rows, width)
        self.bias = parameter(rows) if bias else None

    def forward(self, x: Tensor, table: Tensor | None) -> Tensor:
        """Score states [..., C]."""
        weight = self.weight if table is None else table
        assert weight is not None
        return functional.linear(x, weight, self.bias)


def _out(head: heads.Head, rows: int, width: int) -> Out | None:
    return Out(rows, width, bias=head.bias, tied=head.tied) if rows else None


def pick(head: heads.Head, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Tensor:
    """Choose the states a head reads, of [B, T, C].

    Args:
        head: What says which.
        last: The last hidden states.
        pooled: The body's pooled output, when it has one.
        given: The call's own arguments: ids, attention mask, the chosen tokens.
    """
    if head.pool == "pooler":
        assert pooled is not None
        return pooled
    return _POOLS[head.pool](last, given)


def _last_unpadded(last: Tensor, given: dict[str, Any]) -> Tensor:
    """Each row's last token that is not padding, by its id, as the reference finds it."""
    ids, pad = given.get("input_ids"), given.get("pad")
    return last[:, -1] if ids is None or pad is None else _last_where(last, ids.ne(pad))


def _eos(last: Tensor, given: dict[str, Any]) -> Tensor:
    """Each row's last end-of-sequence token."""
    return _last_where(last, given["input_ids"].eq(given["eos"]))


def _last_where(last: Tensor, there: Tensor) -> Tensor:
    places = torch.arange(there.shape[1], device=there.device)
    return _rows(last, (places * there.int()).argmax(-1))


def _rows(last: Tensor, places: Tensor) -> Tensor:
    return last[torch.arange(last.shape[0], device=last.device), places]


def _chosen(last: Tensor, given: dict[str, Any]) -> Tensor:
    places = given.get("mc_token_ids")
    return last[:, -1] if places is None else _rows(last, places.flatten())


def _mean(last: Tensor, given: dict[str, Any]) -> Tensor:
    padding = given.get("attention_mask")
    if padding is None:
        return last.mean(1)
    weights = padding[..., None].to(last.dtype)
    return (last * weights).sum(1) / weights.sum(1)


_POOLS: dict[str, Callable[[Tensor, dict[str, Any]], Tensor]] = {
    "all": lambda last, _: last,
    "first": lambda last, _: last[:, 0],
    "last": lambda last, _: last[:, -1],
    "last_unpadded": _last_unpadded,
    "eos": _eos,
    "chosen": _chosen,
    "mean": _mean,
    "mean_all": lambda last, _: last.mean(1),
    "second": lambda last, _: last[:, 1],
    "patches_mean": lambda last, _: last[:, 1:].mean(1),
    "class_and_mean": lambda last, _: torch.cat((last[:, 0], last[:, 1:].mean(1)), dim=1),
}
