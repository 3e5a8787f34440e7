"""The loop of beam search: all prompts of a call in one batch, each with beams of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from reprise.models.generate.beams import Beams, Ended, Search
from reprise.models.generate.history import History
from reprise.models.generate.seam import Array
from reprise.models.generate.steps import Steps


@dataclass
class Group:
    """The beams of one prompt, in groups."""

    search: Search
    parts: list[Beams]
    scores: list[Array] = field(default_factory=list)  # of each step, [K, V]
    logits: list[Array] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether nothing can get better."""
        return all(part.over for part in self.parts)

    def step(self, raw: Array, *, scores: bool, logits: bool) -> list[int]:
        """Go on by the model's scores [K, V]; give the beam each one of now came from."""
        each = len(raw) // len(self.parts)
        origins: list[int] = []
        taken: list[int] = []
        for number, part in enumerate(self.parts):
            own = slice(number * each, (number + 1) * each)
            if part.over:
                origins += range(own.start, own.stop)
                continue
            shaped = part.shaped(raw[own])
            if scores:
                self.scores.append(shaped)
            origins += [own.start + beam for beam in part.step(shaped, taken)]
            taken += [int(history.ids[-1]) for history in part.histories]
        if logits:
            self.logits.append(raw.copy())
        return origins

    def tokens(self) -> list[int]:
        """Give the last token of each beam."""
        return [int(history.ids[-1]) for part in self.parts for history in part.histories]

    def best(self, count: int) -> list[Ended]:
        """Give the best answers, best first."""
        every = [one for part in self.parts for one in part.ended]
        return sorted(every, key=lambda one: -one.score)[:count]


def make_groups(searches: Sequence[Search], histories: Sequence[History]) -> list[Group]:
    """Start the beams of every prompt."""
    found = []
    for search, history in zip(searches, histories, strict=True):
        settings = search.settings
        each = settings.num_beams // settings.num_beam_groups
        parts = [Beams(search, history, each) for _ in range(settings.num_beam_groups)]
        found.append(Group(search, parts))
    return found


def search_beams(steps: Steps, groups: Sequence[Group], *, scores: bool = False,
                 logits: bool = False) -> None:  # fmt: skip
    """Search until no prompt's beams can get better; the answers are in the groups."""
    raw = steps.start([group.parts[0].histories[0].ids.copy() for group in groups])
    count = groups[0].search.settings.num_beams
    steps.reorder([number for number in range(len(groups)) for _ in range(count)])
    raw, live = raw.repeat(count, axis=0), list(groups)
    while True:
        origins, going = [], []
        for place, group in enumerate(live):
            own = group.step(raw[place * count : (place + 1) * count], scores=scores, logits=logits)
            if not group.over:
                going.append(group)
                origins += [place * count + beam for beam in own]
        if not going:
            return
        steps.reorder(origins)
        live = going
        raw = steps.feed(_column(live))[:, 0]


def _column(live: Sequence[Group]) -> Array:
    return np.array([token for group in live for token in group.tokens()], np.int64)[:, None]
