"""From hidden states to what a head answers: fields and loss, one function per kind of head."""

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from reprise.models import heads, spec
from reprise.models.torch import losses
from reprise.models.torch.adaptive import AdaptiveHead, adaptive
from reprise.models.torch.beam_answers import BeamHead, beam
from reprise.models.torch.heads import Head, pick

Fields = dict[str, Any]


def make_head(head: heads.Head, model: spec.ModelSpec, labels: int) -> nn.Module:
    """Make the module of a head."""
    if head.kind == "beam_question_answering":
        return BeamHead(head, model.width)
    if head.kind == "adaptive_lm":
        (tower,) = model.towers.values()
        assert isinstance(tower.input, spec.Clusters)
        return AdaptiveHead(head, tower.input)
    return Head(head, model, labels)


def answer(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    """Compute the fields of a model's head.

    Args:
        model: The model; its `head`, `second`, `config` and token table are read.
        last: Last hidden states [B, T, C].
        pooled: The body's pooled output, when the head reads it.
        given: Arguments of the call, labels among them.
    """
    return _KINDS[model.head.spec.kind](model, last, pooled, given)


def _scores(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Tensor:
    head = model.head
    states = pick(head.spec, last, pooled, given)
    keep = given.get("logits_to_keep") or 0
    if keep and head.spec.out == "vocab":
        states = states[:, -keep:]
    return head(states, model.output_table())


def _causal(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits, labels = _scores(model, last, pooled, given), given.get("labels")
    return {"loss": None if labels is None else losses.next_token(logits, labels), "logits": logits}


def _each_token(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits, labels = _scores(model, last, pooled, given), given.get("labels")
    loss = None if labels is None else losses.cross_entropy(logits, labels)
    return {"loss": loss, "logits": logits}


def _sequence(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits, labels = _scores(model, last, pooled, given), given.get("labels")
    loss = None if labels is None else losses.by_problem(logits, labels, model.config)
    return {"loss": loss, "logits": logits}


def _question(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    starts, ends = _scores(model, last, pooled, given).unbind(-1)
    start, end = given.get("start_positions"), given.get("end_positions")
    loss = None if start is None or end is None else losses.span(starts, ends, start, end)
    return {"loss": loss, "start_logits": starts.contiguous(), "end_logits": ends.contiguous()}


def _choice(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits = _scores(model, last, pooled, given).view(-1, given["choices"])
    labels = given.get("labels")
    return {
        "loss": None if labels is None else losses.cross_entropy(logits, labels),
        "logits": logits,
    }


def _pretraining(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits = _scores(model, last, pooled, given)
    related = model.second(pick(model.second.spec, last, pooled, given), None)
    labels = given.get("labels")
    follows = given.get("next_sentence_label")
    follows = given.get("sentence_order_label") if follows is None else follows
    loss = None
    if labels is not None and follows is not None:
        loss = losses.cross_entropy(logits, labels) + losses.cross_entropy(related, follows)
    field = "sop_logits" if model.family.model_type == "albert" else "seq_relationship_logits"
    return {"loss": loss, "prediction_logits": logits, field: related}


def _discriminator(
    model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]
) -> Fields:
    logits, labels = _scores(model, last, pooled, given).squeeze(-1), given.get("labels")
    padding = given.get("attention_mask")
    loss = None if labels is None else losses.token_or_not(logits, labels, padding)
    return {"loss": loss, "logits": logits}


def _ctc(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    logits, labels = _scores(model, last, pooled, given), given.get("labels")
    loss = None if labels is None else losses.letters(logits, labels, model.config)
    return {"loss": loss, "logits": logits}


def _double(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    choices = given["choices"]
    logits = _scores(model, last, pooled, given)
    chosen = model.second(pick(model.second.spec, last, pooled, given), None).view(-1, choices)
    logits = logits.view(-1, choices, *logits.shape[1:])
    labels, right = given.get("labels"), given.get("mc_labels")
    return {
        "loss": None if labels is None else losses.cross_entropy(
            logits[..., :-1, :], labels[..., 1:]),
        "mc_loss": None if right is None else losses.cross_entropy(chosen, right),
        "logits": logits, "mc_logits": chosen,
    }  # fmt: skip


def _teacher(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    own = _scores(model, last, pooled, given)
    taught = model.second(pick(model.second.spec, last, pooled, given), None)
    return {"logits": (own + taught) / 2, "cls_logits": own, "distillation_logits": taught}


def _masked_image(model: Any, last: Tensor, _: Tensor | None, given: dict[str, Any]) -> Fields:
    spec = model.tower.input
    patches = model.head(last[:, spec.tokens :], None).transpose(1, 2)
    side = math.isqrt(patches.shape[-1])
    grid = patches.unflatten(-1, (side, side))
    pixels = functional.pixel_shuffle(grid, model.config.encoder_stride)
    masked, loss = given.get("bool_masked_pos"), None
    if masked is not None:
        loss = losses.reconstruction(pixels, given["pixel_values"], masked, spec)
    return {"loss": loss, "reconstruction": pixels}


def _projected(model: Any, last: Tensor, pooled: Tensor | None, given: dict[str, Any]) -> Fields:
    field = "text_embeds" if model.plan.spec.encoder else "image_embeds"
    return {field: _scores(model, last, pooled, given), "last_hidden_state": last}


def _body(_: Any, last: Tensor, pooled: Tensor | None, __: dict[str, Any]) -> Fields:
    return {"last_hidden_state": last, "pooler_output": pooled}


_KINDS: dict[str, Callable[[Any, Tensor, Tensor | None, dict[str, Any]], Fields]] = {
    "causal_lm": _causal, "masked_lm": _each_token, "seq2seq_lm": _each_token,
    "speech": _each_token, "sequence": _sequence, "image": _sequence, "token": _each_token,
    "question_answering": _question, "multiple_choice": _choice, "next_sentence": _each_token,
    "pretraining": _pretraining, "discriminator": _discriminator, "double_heads": _double,
    "image_with_teacher": _teacher, "masked_image": _masked_image, "projected": _projected,
    "body": _body, "beam_question_answering": beam,
    "adaptive_lm": adaptive, "ctc": _ctc,
}  # fmt: skip
