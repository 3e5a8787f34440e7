"""The loop: feed what is new, choose, drop rows that ended."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from reprise.models.generate.rows import Piece, Row, Taking
from reprise.models.generate.seam import Array
from reprise.models.generate.speculating import Drafter
from reprise.models.generate.steps import HOLE, Steps


def decode(steps: Steps, prompts: Sequence[Array], rows: Sequence[Row], taking: Taking,
           drafter: Drafter | None = None) -> Iterator[Piece]:  # fmt: skip
    """Generate until every row ended.

    Args:
        steps: The model.
        prompts: Rows of token ids; each is computed once, however many answers it gets.
        rows: The answers, those of a prompt together.
        taking: How they take tokens.
        drafter: Guesses what comes, so that several tokens are checked in one run.
    """
    raw = steps.start(prompts)[:, None]
    repeated = [number for number in range(len(prompts)) for _ in range(len(rows) // len(prompts))]
    steps.reorder(repeated)
    raw, live = raw[repeated], list(rows)
    drafts: list[list[int]] = [[] for _ in live]
    while True:
        for row, scores, draft in zip(live, raw, drafts, strict=True):
            yield from taking.take(row, scores, draft)
        if any(drafts):  # all but the last token have been fed
            steps.rewind([len(row.history) - 1 for row in live])
        going = [place for place, row in enumerate(live) if not row.ended]
        if not going:
            return
        if len(going) < len(live):
            steps.reorder(going)
            if drafter is not None:
                drafter.reorder(going)
            live = [live[place] for place in going]
        drafts = _drafts(drafter, live, taking)
        raw = steps.feed(_tokens(live, drafts))


def _drafts(drafter: Drafter | None, live: list[Row], taking: Taking) -> list[list[int]]:
    if drafter is None:
        return [[] for _ in live]
    # One token comes without a guess, and none may lie beyond the limit.
    rooms = [taking.stops.limit(row.history) - len(row.history) - 1 for row in live]
    return drafter.propose(live, rooms)


def _tokens(live: list[Row], drafts: list[list[int]]) -> Array:
    """Put each row's last token before its draft: [R, T], holes behind short ones."""
    width = 1 + max(map(len, drafts))
    found = np.full((len(live), width), HOLE, np.int64)
    for place, (row, draft) in enumerate(zip(live, drafts, strict=True)):
        found[place, : 1 + len(draft)] = list(chain(row.history.ids[-1:].tolist(), draft))
    return found
