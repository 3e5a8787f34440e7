"""What sampling leaves of the scores of one row: tokens that drop out get minus infinity.

Order and arithmetic are the reference's. Each keeps at least `keep` tokens.
"""

from collections.abc import Callable

import numpy as np

from reprise.models.generate.seam import Array
from reprise.models.generate.settings import Settings

Narrowing = Callable[[Array], Array]
_NEVER = np.float32(-np.inf)


def log_softmax(scores: Array) -> Array:
    """Normalise scores [..., V] to logarithms of probabilities."""
    top = scores.max(axis=-1, keepdims=True)
    shifted = scores - top
    with np.errstate(divide="ignore"):
        found: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def softmax(scores: Array) -> Array:
    """Normalise scores [V] to probabilities."""
    powers = np.exp(scores - scores.max())
    found: Array = powers / powers.sum()
    return found


def _dropped(scores: Array, gone: Array) -> Array:
    return np.where(gone, _NEVER, scores)


def top_k(scores: Array, count: int, keep: int) -> Array:
    """Keep the highest tokens, and those as high as the last of them."""
    count = min(max(count, keep), scores.size)
    lowest = np.partition(scores, scores.size - count)[scores.size - count]
    return _dropped(scores, scores < lowest)


def top_p(scores: Array, share: float, keep: int) -> Array:
    """Keep the likeliest tokens that together reach a share of the probability."""
    order = np.argsort(scores, kind="stable")
    reached = softmax(scores)[order].cumsum()
    gone = reached <= 1 - share
    gone[-keep:] = False
    return _dropped(scores, _scattered(gone, order))


def min_p(scores: Array, share: float, keep: int) -> Array:
    """Keep tokens that have at least a share of the likeliest one's probability."""
    likely = softmax(scores)
    return _kept_best(scores, likely < share * likely.max(), keep)


def typical(scores: Array, mass: float, keep: int) -> Array:
    """Keep tokens about as surprising as the next token is expected to be (Meister, 2022)."""
    logs = log_softmax(scores)
    likely = np.exp(logs)
    entropy = _entropy(logs, likely)
    order = np.argsort(np.abs(-logs - entropy), kind="stable")
    reached = likely[order].cumsum()
    gone = np.arange(scores.size) > int((reached < mass).sum())
    gone[:keep] = False
    return _dropped(scores, _scattered(gone, order))


def epsilon(scores: Array, least: float, keep: int) -> Array:
    """Keep tokens of at least some probability (Hewitt, 2022)."""
    return _kept_best(scores, softmax(scores) < least, keep)


def eta(scores: Array, least: float, keep: int) -> Array:
    """Keep tokens of a probability that falls as the choice gets wider (Hewitt, 2022)."""
    logs = log_softmax(scores)
    likely = np.exp(logs)
    entropy = _entropy(logs, likely)
    return _kept_best(scores, likely < min(least, np.sqrt(least) * np.exp(-entropy)), keep)


def _entropy(logs: Array, likely: Array) -> np.float32:
    there = likely > 0
    found: np.float32 = -(logs[there] * likely[there]).sum()
    return found


def _kept_best(scores: Array, gone: Array, keep: int) -> Array:
    best = np.argpartition(scores, scores.size - keep)[scores.size - keep :]
    gone[best] = False
    return _dropped(scores, gone)


def _scattered(gone: Array, order: Array) -> Array:
    found = np.empty_like(gone)
    found[order] = gone
    return found


def heated(scores: Array, temperature: float) -> Array:
    """Divide scores by the temperature; so near 0 that they overflow, only the best stay."""
    best = scores.max()
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        found = scores / np.float32(temperature)
        if np.isfinite(found[scores == best]).all():
            return np.asarray(found)
    return np.where(scores == best, np.float32(0), np.float32(-np.inf))


def make_narrowings(settings: Settings, vocabulary: int) -> list[Narrowing]:
    """Make what sampling asks for, in the reference's order."""
    s = settings
    keep = 1 if s.num_beams == 1 else max(2, len(s.eos_token_id) + 1)
    keep = min(keep, vocabulary)
    found: list[Narrowing] = []
    if s.temperature != 1:
        found.append(lambda x: heated(x, s.temperature))
    if s.top_k:
        found.append(lambda x: top_k(x, s.top_k, keep))
    if s.top_p < 1:
        found.append(lambda x: top_p(x, s.top_p, keep))
    if s.min_p:
        found.append(lambda x: min_p(x, s.min_p, keep))
    if s.typical_p < 1:
        found.append(lambda x: typical(x, s.typical_p, keep))
    if 0 < s.epsilon_cutoff < 1:
        found.append(lambda x: epsilon(x, s.epsilon_cutoff, keep))
    if 0 < s.eta_cutoff < 1:
        found.append(lambda x: eta(x, s.eta_cutoff, keep))
    return found
