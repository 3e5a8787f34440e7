"""How far answers in few bits are from those in float32: cosines, choices, perplexity."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

_FIELDS = ("logits", "last_hidden_state", "start_logits", "prediction_logits")
_CHUNK = 32  # tokens whose scores are compared at once: large vocabularies take memory
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
    cosines, choices, surprises = [], [], []
    for sample in samples:
        left, right = (_rows(model(**sample)) for model in (exact, coarse))
        for start in range(0, len(left), _CHUNK):
            pair = [rows[start : start + _CHUNK].astype(np.float64) for rows in (left, right)]
            cosines.append(cosines_of(pair[0], pair[1]))
            if writes:
                choices.append(pair[0].argmax(-1) == pair[1].argmax(-1))
                following = sample["input_ids"][0, start + 1 : start + 1 + len(pair[0])]
                surprises.append([_surprise(rows, following) for rows in pair])
        advance()
    flat = np.concatenate(cosines)
    loss = Loss(len(flat), float(flat.mean()), float(flat.min()))
    if not writes:
        return loss
    before, after = (np.concatenate([pair[side] for pair in surprises]).mean() for side in (0, 1))
    return replace(loss, agreement=float(np.concatenate(choices).mean()),
                   before=float(np.exp(before)), after=float(np.exp(after)))  # fmt: skip


def _rows(output: Mapping[str, Any]) -> np.ndarray:
    found = _main(output)
    return found.reshape(-1, found.shape[-1])


def answer_of(output: Mapping[str, Any]) -> np.ndarray:
    """Take the answer that models are compared by."""
    return _main(output).astype(np.float64)


def _main(output: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(next(output[name] for name in _FIELDS if name in output))


def cosines_of(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Give the cosines of two answers' vectors, along the last side."""
    dots = (left * right).sum(-1)
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    found: np.ndarray = dots / np.maximum(lengths, np.finfo(np.float64).tiny)
    return found


def _surprise(scores: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Give minus the logarithms of the probabilities of the tokens that follow scores [T, V]."""
    scores = scores[: len(following)]
    top = scores.max(-1)
    chosen = np.take_along_axis(scores, following[:, None], axis=1)[:, 0]
    found: np.ndarray = np.log(np.exp(scores - top[:, None]).sum(-1)) + top - chosen
    return found
