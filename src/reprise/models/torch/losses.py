"""Losses of the heads, as the reference defines them; labels of -100 do not count."""

import torch
from torch import Tensor
from torch.nn import functional

from reprise.models.config import Config
from reprise.models.spec import Patches


def cross_entropy(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of scores [..., N] against labels [...]."""
    return functional.cross_entropy(scores.flatten(0, -2).float(), labels.flatten())


def next_token(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of each token's scores [B, T, V] against the token after it."""
    return cross_entropy(scores[:, :-1], labels[:, 1:])


def by_problem(scores: Tensor, labels: Tensor, config: Config) -> Tensor:
    """Regression, one label or several, by `problem_type` or, without one, by the labels."""
    problem = config.get("problem_type") or _problem(scores, labels)
    if problem == "regression":
        return functional.mse_loss(scores.squeeze(), labels.squeeze().to(scores.dtype))
    if problem == "multi_label_classification":
        return functional.binary_cross_entropy_with_logits(scores, labels)
    return cross_entropy(scores, labels)


def _problem(scores: Tensor, labels: Tensor) -> str:
    if scores.shape[-1] == 1:
        return "regression"
    whole = labels.dtype in {torch.int64, torch.int32}
    return "single_label_classification" if whole else "multi_label_classification"


def span(starts: Tensor, ends: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Mean of the cross entropies of both ends [B, T]; places outside the text do not count."""
    ignored = starts.shape[1]
    losses = [
        functional.cross_entropy(scores, place.flatten().clamp(0, ignored), ignore_index=ignored)
        for scores, place in ((starts, start), (ends, end))
    ]
    return (losses[0] + losses[1]) / 2


def token_or_not(scores: Tensor, labels: Tensor, padding: Tensor | None) -> Tensor:
    """Binary cross entropy per token [B, T], over tokens that are not padding (ELECTRA)."""
    if padding is not None:
        kept = padding.bool()
        scores, labels = scores[kept], labels[kept]
    return functional.binary_cross_entropy_with_logits(scores, labels.float())


def reconstruction(pixels: Tensor, wanted: Tensor, masked: Tensor, spec: Patches) -> Tensor:
    """Mean absolute error of the pixels [B, channels, height, width] of masked patches [B, N]."""
    rows, columns = (side // patch for side, patch in zip(spec.image, spec.patch, strict=True))
    hidden = masked.reshape(-1, rows, columns)
    for side, patch in enumerate(spec.patch, 1):
        hidden = hidden.repeat_interleave(patch, side)
    wrong = (pixels - wanted).abs() * hidden[:, None]
    return wrong.sum() / (hidden.sum() + 1e-5) / spec.channels


def letters(logits: Tensor, labels: Tensor, config: Config) -> Tensor:
    """Sum over all ways to say labels [B, L] in logits [B, T, V]; labels below 0 are padding."""
    said = labels >= 0
    scores = functional.log_softmax(logits, dim=-1, dtype=torch.float32).transpose(0, 1)
    frames = torch.full((len(labels),), logits.shape[1], dtype=torch.int64)
    return functional.ctc_loss(
        scores, labels.masked_select(said), frames, said.sum(-1), blank=config.pad_token_id,
        reduction=config.ctc_loss_reduction, zero_infinity=config.ctc_zero_infinity,
    )  # fmt: skip
