"""Scores shaped by the caller's own function, in the arrays of the caller's engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.history import History
from reprise.models.generate.seam import Array, Runner


@dataclass(frozen=True)
class Shaped:
    """Calls `processor(ids [1, n], scores [1, V])`, which gives scores [1, V]."""

    processor: Callable[[Any, Any], Any]
    runner: Runner

    def __post_init__(self) -> None:
        """Refuse what cannot be called.

        Raises:
            InvalidInput: It is no function.
        """
        if not callable(self.processor):
            raise InvalidInput(
                f"A logits_processor is a function of ids and scores, not {self.processor!r:.80}."
            )

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        ids = self.runner.native(history.ids[None].copy())
        answer = self.processor(ids, self.runner.native(scores[None].copy()))
        found = np.asarray(self.runner.arrays(answer), np.float32)
        if found.size != scores.size:
            raise InvalidInput(
                f"A logits_processor must give scores [1, {scores.size}], not {list(found.shape)}."
            )
        scores[:] = found.reshape(-1)
