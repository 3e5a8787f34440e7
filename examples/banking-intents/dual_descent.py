"""Train linear separators by dual coordinate descent, in numpy alone, to the same bits anywhere."""

import math
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from banking_intents.features import Indices, Values

Features = list[tuple[Indices, Values]]


@dataclass(frozen=True)
class DescentSettings:
    """How to descend.

    Attributes:
        cost: Price of a training error against large weights (C of a support vector machine).
        epochs: Passes over the training data.
        seed: Decides the order in which questions are visited.
    """

    cost: float = 1.0
    epochs: int = 25
    seed: int = 77


def fit_weights(
    features: Features, targets: Indices, *, shape: tuple[int, int], settings: DescentSettings
) -> Values:
    """Minimise the squared hinge loss of one separator per intent, all at once.

    Dual coordinate descent (Hsieh et al., "A dual coordinate descent method for large-scale
    linear SVM", ICML 2008, algorithm 1 with the L2 loss): visit the questions in random order
    and solve for each one's dual variable exactly. Only elementwise products and sums in a fixed
    order are used, so the result has the same bits everywhere.

    Returns:
        Weights of shape [n-grams + 1, intents]; the last row is the bias.
    """
    count, intents = shape
    weights = np.zeros((count + 1, intents), dtype=np.float32)
    duals = np.zeros((len(features), intents), dtype=np.float32)
    signs = np.full((len(features), intents), -1, dtype=np.float32)
    signs[np.arange(len(features)), targets] = 1
    ridge = np.float32(1 / (2 * settings.cost))
    rows = [with_bias(indices, values, count) for indices, values in features]
    for i in visits(len(features), settings):
        indices, column, norm = rows[i]
        picked = weights[indices]
        gradient = signs[i] * np.add.reduce(picked * column, axis=0) - 1 + ridge * duals[i]
        dual = np.maximum(duals[i] - gradient / (norm + ridge), 0)
        weights[indices] = picked + column * (signs[i] * (dual - duals[i]))
        duals[i] = dual
    return weights


def with_bias(
    indices: Indices, values: Values, position: int
) -> tuple[Indices, Values, np.float32]:
    """Add the constant feature 1; return positions, a column of values, and its squared length."""
    column = np.append(values, np.float32(1))
    norm = np.float32(math.fsum(value * value for value in column.tolist()))
    return np.append(indices, position), column[:, None], norm


def visits(count: int, settings: DescentSettings) -> Iterator[int]:
    """Yield every question once per epoch in an order drawn from the seed, with progress."""
    # `random()` is the one method whose sequence Python promises to keep for a seed.
    generator = random.Random(settings.seed)  # noqa: S311 - an order, not a secret
    for epoch in range(settings.epochs):
        yield from sorted(range(count), key=[generator.random() for _ in range(count)].__getitem__)
        progress(epoch + 1, settings.epochs)


def progress(done: int, total: int) -> None:
    """Draw a bar on a terminal; stay silent elsewhere."""
    if not sys.stderr.isatty():
        return
    width = 30 * done // total
    end = "\n" if done == total else ""
    print(f"\rtraining [{'#' * width:<30}] epoch {done}/{total}", end=end, file=sys.stderr)
