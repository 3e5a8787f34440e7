"""Answers by beam search (XLM, XLNet): the best starts, for each its best ends, and whether any."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reprise.models import heads, spec
from reprise.models.torch.heads import Out
from reprise.models.torch.layers import Linear, make_norm

_LOWEST = 1e30  # what scores of tokens that cannot be in an answer become
_LOWEST_HALF = 65500  # the same where float16 must hold it


class End(nn.Module):
    """Scores a token as the end of an answer that starts at a given state."""

    def __init__(self, width: int, norm: spec.Norm) -> None:
        super().__init__()
        self.dense, self.norm = Linear(width, 2 * width), make_norm(width, norm)
        self.out = Linear(1, width)

    def forward(self, states: Tensor, start: Tensor) -> Tensor:
        """Score states [..., C] with starts [..., C]; returns [...]."""
        x = torch.tanh(self.dense(torch.cat((states, start), dim=-1)))
        return self.out(self.norm(x)).squeeze(-1)


class AnswerClass(nn.Module):
    """Scores whether there is no answer, from the start's state and the classification token's."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = Linear(width, 2 * width)
        self.out = Linear(1, width, bias=False)

    def forward(self, start: Tensor, token: Tensor) -> Tensor:
        """Score starts [B, C] with tokens [B, C]; returns [B]."""
        return self.out(torch.tanh(self.dense(torch.cat((start, token), dim=-1)))).squeeze(-1)


class BeamHead(nn.Module):
    """Starts, ends and the answer's class."""

    def __init__(self, head: heads.Head, width: int) -> None:
        super().__init__()
        assert head.norm is not None
        self.spec = head
        self.start = Out(1, width, bias=True, tied=False)
        self.end, self.answer = End(width, head.norm), AnswerClass(width)

    def starts(self, last: Tensor, barred: Tensor | None) -> Tensor:
        """Score each token as the start [B, T]."""
        return _barred(self.start(last, None).squeeze(-1), barred)

    def ends(self, last: Tensor, start: Tensor, barred: Tensor | None) -> Tensor:
        """Score each token of states [B, T, C] as the end, for starts [B, N, C]: [B, T, N]."""
        shape = (-1, last.shape[1], start.shape[1], -1)
        found = self.end(last[:, :, None].expand(shape), start[:, None].expand(shape))
        return _barred(found, None if barred is None else barred[..., None])


def _barred(scores: Tensor, barred: Tensor | None) -> Tensor:
    if barred is None:
        return scores
    lowest = _LOWEST_HALF if scores.dtype == torch.float16 else _LOWEST
    return scores * (1 - barred) - lowest * barred


def _at(last: Tensor, places: Tensor) -> Tensor:
    """Take the states [B, N, C] at places [B, N] of [B, T, C]."""
    return last.gather(1, places[..., None].expand(-1, -1, last.shape[-1]))


def beam(model: Any, last: Tensor, _: Tensor | None, given: dict[str, Any]) -> dict[str, Any]:
    """Answer with the best spans, or with the loss when both ends are given.

    Reads `p_mask` (1 where no answer can be, [B, T]), `cls_index`, `start_positions`,
    `end_positions` and `is_impossible`; gives `start_top_log_probs` and `start_top_index`
    [B, starts], `end_top_log_probs` and `end_top_index` [B, ends * starts], and `cls_logits` [B].
    The reference calls them so, although they are probabilities.
    """
    start, end = given.get("start_positions"), given.get("end_positions")
    scores = model.head.starts(last, given.get("p_mask"))
    if start is None or end is None:
        return _best(model, last, scores, given)
    return {"loss": _loss(model, last, scores, given)}


def _best(model: Any, last: Tensor, scores: Tensor, given: dict[str, Any]) -> dict[str, Any]:
    length, config = last.shape[1], model.config
    weights = scores.softmax(-1)
    tops, places = weights.topk(min(config.start_n_top, length))
    ends = model.head.ends(last, _at(last, places), given.get("p_mask")).softmax(1)
    end_tops, end_places = ends.topk(min(config.end_n_top, length), dim=1)
    mean = torch.einsum("btc,bt->bc", last, weights)
    return {
        "start_top_log_probs": tops, "start_top_index": places,
        # The best end of every start, then the second best of every start, …
        "end_top_log_probs": end_tops.flatten(1), "end_top_index": end_places.flatten(1),
        "cls_logits": model.head.answer(mean, _class_state(last, given)),
    }  # fmt: skip


def _class_state(last: Tensor, given: dict[str, Any]) -> Tensor:
    index = given.get("cls_index")
    return last[:, -1] if index is None else _at(last, index.reshape(-1, 1))[:, 0]


def _loss(model: Any, last: Tensor, scores: Tensor, given: dict[str, Any]) -> Tensor:
    start, end = (given[f"{side}_positions"].flatten() for side in ("start", "end"))
    state = _at(last, start[:, None])
    ends = model.head.ends(last, state, given.get("p_mask"))[..., 0]
    loss = (functional.cross_entropy(scores, start) + functional.cross_entropy(ends, end)) / 2
    none = given.get("is_impossible")
    if none is None or given.get("cls_index") is None:
        return loss
    answer = model.head.answer(state[:, 0], _class_state(last, given))
    wanted = none.flatten().to(answer.dtype)
    return loss + functional.binary_cross_entropy_with_logits(answer, wanted) * 0.5
