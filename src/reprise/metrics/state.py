"""Statistics of the examples seen so far: what is kept, merged, stored and finished."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.metrics.definition import Cells, Columns, Definition
from reprise.metrics.options import Options
from reprise.metrics.table import Table, collapse


@dataclass(frozen=True)
class Part:
    """Some examples with their statistics.

    Attributes:
        ids: What the caller calls each example.
        predictions: What was predicted.
        statistics: One tuple of cells per example, or an array of shape (n, k).
    """

    ids: Sequence[Hashable]
    predictions: Sequence[Any]
    statistics: Any

    def __len__(self) -> int:
        return len(self.statistics)


@dataclass(frozen=True)
class State:
    """Parts in any number; `merge` joins them. It can be pickled, so it travels.

    Example:
        >>> State().merge(State()).examples
        0
    """

    parts: tuple[Part, ...] = ()

    def merge(self, *others: "State") -> "State":
        """Join with others. Associative; the value of the whole depends on no order."""
        return State((*self.parts, *chain.from_iterable(other.parts for other in others)))

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return sum(len(part) for part in self.parts)


def score(definition: Definition, columns: Columns, options: Options) -> State:
    """Compute the statistics of some examples."""
    if not len(columns.predictions):
        return State()
    if definition.score_all is not None:
        statistics = definition.score_all(columns, options)
    else:
        pairs = zip(columns.predictions, columns.references, strict=True)
        statistics = [definition.score(p, r, options) for p, r in pairs]
    return State((Part(columns.ids, columns.predictions, statistics),))


def tabulate(definition: Definition, state: State, options: Options) -> Table:
    """Turn all statistics into one table.

    Raises:
        InvalidInput: There is nothing, or the parts do not go together.
    """
    parts = [part.statistics for part in state.parts if len(part.statistics)]
    if not parts:
        raise InvalidInput("There are no examples to score.")
    if all(isinstance(part, np.ndarray) for part in parts):
        return collapse(np.concatenate([part.astype(np.float64) for part in parts]))
    cells: list[Cells] = []
    for part in parts:
        plain = part.tolist() if isinstance(part, np.ndarray) else part
        cells.extend(tuple(row) for row in plain)
    rows, labels = definition.encode(cells, options)
    return collapse(rows, labels)


def rows_of(state: State) -> list[tuple[Hashable, Any, Cells]]:
    """List every example: id, prediction, cells."""
    found: list[tuple[Hashable, Any, Cells]] = []
    for part in state.parts:
        plain = part.statistics.tolist() if isinstance(part.statistics, np.ndarray) \
            else part.statistics  # fmt: skip
        found += [(i, p, tuple(c)) for i, p, c in zip(part.ids, part.predictions, plain,
                                                      strict=True)]  # fmt: skip
    return found
