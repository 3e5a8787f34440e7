"""Models whose keys all change when a row gets longer than the trained context (LongRoPE)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.models import rope as ropes
from reprise.models.generate.seam import Array, Runner
from reprise.models.generate.steps import HOLE, CachedSteps, behind
from reprise.models.plan import Plan
from reprise.models.spec import Rope


def turning_point(plan: Plan) -> int:
    """Tell beyond how many tokens a model's keys change; 0: they never do."""
    tower = plan.spec.decoder or plan.spec.encoder
    rope = tower.stack.attention.rope if tower else None
    many = (rope,) if isinstance(rope, Rope) else rope or ()
    return max(map(ropes.turning_point, many), default=0)


class TurningSteps(CachedSteps):
    """Steps that compute every key again when a row passes the turning point, once per row.

    Args:
        runner: The model.
        fixed: What every run is given.
        turn: Tokens of a row up to which keys stay as they are.
    """

    def __init__(self, runner: Runner, fixed: Mapping[str, Any], turn: int) -> None:
        super().__init__(runner, fixed)
        self._turn = turn
        self._tokens = np.zeros((0, 0), np.int64)  # as in the cache: [R, S], holes among them

    def _run(self, tokens: Array, keep: int) -> Array:
        if not self._tokens.size:
            self._tokens = np.zeros((len(tokens), 0), np.int64)
        before = self._lengths
        self._tokens = np.concatenate((self._tokens, tokens), axis=1)
        after = before + (tokens >= 0).sum(1)
        if not ((before <= self._turn) & (after > self._turn) & (before > 0)).any():
            return super()._run(tokens, keep)
        self._cache = self._runner.new_cache()
        self._lengths = np.zeros_like(before)
        self._places = np.zeros((len(tokens), 0), np.int64)
        return super()._run(self._tokens, keep)

    def rewind(self, lengths: Sequence[int]) -> None:
        """Take back what each row has beyond a length."""
        super().rewind(lengths)
        width = self._places.shape[1]
        self._tokens = np.where(self._places >= 0, self._tokens[:, :width], HOLE)

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be kept several times."""
        super().reorder(rows)
        self._tokens = self._tokens[list(rows)]

    def join(self, other: CachedSteps) -> None:
        """Take the rows of other steps of the same model below its own."""
        assert isinstance(other, TurningSteps)
        super().join(other)
        width = self._places.shape[1]
        parts = self._tokens, other._tokens  # noqa: SLF001 - of its own kind
        self._tokens = np.concatenate([behind(part, width) for part in parts])

    def trim(self) -> None:
        """Drop the first columns for as long as no row has a key there."""
        super().trim()
        self._tokens = self._tokens[:, self._tokens.shape[1] - self._places.shape[1] :]
