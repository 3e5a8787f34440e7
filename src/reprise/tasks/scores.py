"""From logits to scores and labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.rows import Array

FUNCTIONS = ("sigmoid", "softmax", "none")


def softmax(logits: Array) -> Array:
    """Bring the last side to sum 1."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def sigmoid(logits: Array) -> Array:
    """Squeeze each number between 0 and 1."""
    with np.errstate(over="ignore"):  # exp(-x) of a very negative x is infinite, and the score 0
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def scored(logits: Array, config: Any, asked: str | None) -> Array:
    """Turn logits [labels] into scores by what was asked for, or what the model was trained for.

    Raises:
        InvalidInput: There is no function of that name.
    """
    function = _by_model(config) if asked is None else str(asked).lower()
    if function not in FUNCTIONS:
        raise InvalidInput(f"function_to_apply is {asked!r}; use one of {', '.join(FUNCTIONS)}.")
    if function == "none":
        return logits
    return sigmoid(logits) if function == "sigmoid" else softmax(logits)


def _by_model(config: Any) -> str:
    problem = config.get("problem_type")
    if problem == "regression":
        return "none"
    if problem == "multi_label_classification" or config.num_labels == 1:
        return "sigmoid"
    return "softmax"


def labelled(scores: Array, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Name every score, in the model's order."""
    return [{"label": name_of(names, at), "score": float(s)} for at, s in enumerate(scores)]


def name_of(names: Mapping[int, str], number: int) -> str:
    """Name a label; one without a name keeps its number."""
    return names.get(number, f"LABEL_{number}")


def check_count(name: str, value: Any, *, optional: bool = False) -> None:
    """Accept a number of results.

    Raises:
        InvalidInput: It is no whole number of at least 1.
    """
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidInput(f"{name} is {value!r}; it must be a whole number of at least 1.")
