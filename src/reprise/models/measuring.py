"""How far answers in few bits are from those in float32: cosines, choices, perplexity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_FIELDS = ("logits", "last_hidden_state", "start_logits", "prediction_logits")
Sample = Mapping[str, Any]


@dataclass(frozen=True)
class Loss:
    """What fewer bits cost, measured on a text.

    Attributes:
        tokens: How many were compared.
        cosine: Mean cosine of the answers to a token, logits or hidden states.
        lowest: The smallest of those cosines.
        agreement: Share of tokens after which both say the same comes next; None: no language
            model.
        before: Perplexity of the text in float32; None: no decoder, or drawn tokens.
        after: Perplexity in few bits.
    """

    tokens: int
    cosine: float
    lowest: float
    agreement: float | None = None
    before: float | None = None
    after: float | None = None


def measure_loss(exact: Any, coarse: Any, samples: Sequence[Sample], *, writes: bool,
                 advance: Callable[[], None] = lambda: None) -> Loss:  # fmt: skip
    """Compare two models on samples.

    Args:
        exact: In float32.
        coarse: In few bits.
        samples: Arguments of calls, one text [1, T] each.
        writes: Whether scores after a token are about the next one of the sample.
        advance: Called after each sample.
    """
    cosines, choices, likely = [], [], []
    for sample in samples:
        left, right = (answer_of(model(**sample)) for model in (exact, coarse))
        cosines.append(cosines_of(left, right).ravel())
        if writes:
            choices.append((left.argmax(-1) == right.argmax(-1)).ravel())
            likely.append(
                [_surprise(scores[0], sample["input_ids"][0]) for scores in (left, right)]
            )
        advance()
    flat = np.concatenate(cosines)
    loss = Loss(len(flat), float(flat.mean()), float(flat.min()))
    if not writes:
        return loss
    before, after = (np.concatenate([pair[side] for pair in likely]).mean() for side in (0, 1))
    return Loss(loss.tokens, loss.cosine, loss.lowest, float(np.concatenate(choices).mean()),
                float(np.exp(before)), float(np.exp(after)))  # fmt: skip


def answer_of(output: Mapping[str, Any]) -> np.ndarray:
    """Take the answer that models are compared by."""
    return np.asarray(next(output[name] for name in _FIELDS if name in output), np.float64)


def cosines_of(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Give the cosines of two answers' vectors, along the last side."""
    dots = (left * right).sum(-1)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    found: np.ndarray = dots / np.maximum(lengths, np.finfo(np.float64).tiny)
    return found


def _surprise(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Give minus the logarithm of each token's probability, from scores [T, V] before it."""
    top = scores.max(-1, keepdims=True)
    logs = scores - top - np.log(np.exp(scores - top).sum(-1, keepdims=True))
    found: np.ndarray = -np.take_along_axis(logs[:-1], ids[1:, None], axis=1)[:, 0]
    return found
