"""A batch that calls join and leave while it runs, each as if it were alone.

Between two steps rows that ended go, and prompts that wait come: they are read by themselves and
then put below the others (`CachedSteps.join`). A row sees its own keys, rules and luck only, so
what it becomes does not depend on who was there.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reprise.base.errors import InvalidInput, RepriseError
from reprise.models.generate.call import Call, make_rows, make_steps
from reprise.models.generate.rows import Piece, Row, Taking
from reprise.models.generate.seam import Array

if TYPE_CHECKING:
    from reprise.models.generate.steps import Steps


@dataclass(eq=False)
class Member:
    """One answer in the batch.

    Attributes:
        row: What it has become.
        taking: How it takes tokens.
        error: Why it cannot go on.
    """

    row: Row
    taking: Taking
    error: RepriseError | None = None

    @property
    def room(self) -> int:
        """Most tokens it will ever have, its prompt included."""
        return self.taking.stops.limit(self.row.history)


@dataclass(frozen=True)
class Taken:
    """One token that a member took; without a piece it failed.

    Attributes:
        member: Who.
        piece: The token.
        scores: The model's own [V], before any rule.
    """

    member: Member
    piece: Piece | None
    scores: Array


class Continuous:
    """Rows of many calls on one model.

    Args:
        rows: Most rows that run together.
        room: Most keys of all rows together; a single row may have as many.
        prompt: Most tokens of prompts that are read between two steps, or a single prompt.
    """

    def __init__(self, *, rows: int = 32, room: int = 1 << 17, prompt: int = 2048) -> None:
        self._most, self._room, self._prompt = rows, room, prompt
        self._waiting: deque[tuple[Call, list[Member]]] = deque()
        self._live: list[Member] = []
        self._steps: Steps | None = None

    def __len__(self) -> int:
        """Count the rows that run."""
        return len(self._live)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._live or self._waiting)

    def add(self, call: Call) -> list[Member]:
        """Let a call join at the next step; gives its answers to be.

        Raises:
            InvalidInput: It is for beams or an encoder, or larger than all that may run together.
        """
        if call.settings.num_beams > 1 or call.prompts.fixed:
            raise InvalidInput("Beams and models with an encoder run by themselves.")
        taking = Taking(call.chooser, call.stops)
        members = [Member(row, taking) for row in make_rows(call)]
        if len(members) > self._most or _keys(members) > self._room:
            raise InvalidInput(
                f"{len(members)} rows of up to {max(m.room for m in members)} tokens are too many: "
                f"{self._most} rows and {self._room} tokens can run together.",
                hint="Ask for fewer answers, or fewer tokens.",
            )
        self._waiting.append((call, members))
        return members

    def drop(self, members: Sequence[Member]) -> None:
        """Let answers go before they ended."""
        gone = set(members)
        self._waiting = deque(pair for pair in self._waiting if not gone & set(pair[1]))
        self._keep([member for member in self._live if member not in gone])

    def step(self) -> list[Taken]:
        """Take one token for every row, and the first ones of those that come."""
        found = self._feed() if self._live else []
        for call, members in self._coming():
            found += self._join(call, members)
        return found

    def _feed(self) -> list[Taken]:
        assert self._steps is not None
        tokens = np.stack([member.row.history.ids[-1:] for member in self._live])
        try:
            scores = self._steps.feed(tokens)
        except RepriseError as error:
            return self._fail(self._live, error)
        taken = [_take(pair[0], pair[1]) for pair in zip(self._live, scores, strict=True)]
        self._keep([member for member in self._live if not member.row.ended])
        return taken

    def _coming(self) -> list[tuple[Call, list[Member]]]:
        """Choose who joins now: in order, while there is room for rows, keys and prompts."""
        found: list[tuple[Call, list[Member]]] = []
        there, tokens = list(self._live), 0
        while self._waiting:
            call, members = self._waiting[0]
            tokens += sum(map(len, call.prompts.rows))
            there += members
            full = len(there) > self._most or _keys(there) > self._room
            if full or (found and tokens > self._prompt):
                break
            found.append(self._waiting.popleft())
        return found

    def _join(self, call: Call, members: list[Member]) -> list[Taken]:
        try:
            steps = make_steps(call)
            scores = steps.start(call.prompts.rows)
        except RepriseError as error:
            return self._fail(members, error)
        copies = len(members) // len(call.prompts.rows)
        places = [number for number in range(len(call.prompts.rows)) for _ in range(copies)]
        taken = [_take(m, scores[p][None]) for m, p in zip(members, places, strict=True)]
        going = [number for number, member in enumerate(members) if not member.row.ended]
        if not going:
            return taken
        steps.reorder([places[number] for number in going])
        if self._steps is None:
            self._steps = steps
        else:
            self._steps.join(steps)
        self._live += [members[number] for number in going]
        return taken

    def _keep(self, members: list[Member]) -> None:
        """Keep these rows of the batch, in this order."""
        if len(members) == len(self._live):
            return
        if members and self._steps is not None:
            kept = set(members)
            self._steps.reorder([n for n, member in enumerate(self._live) if member in kept])
            self._steps.trim()
        else:
            self._steps = None
        self._live = members

    def _fail(self, members: Sequence[Member], error: RepriseError) -> list[Taken]:
        failed = list(members)
        for member in failed:
            member.error, member.row.ended = error, "error"
        self._keep([member for member in self._live if not member.row.ended])
        return [Taken(member, None, np.zeros(0, np.float32)) for member in failed]


def _take(member: Member, scores: Array) -> Taken:
    """Take the next token by scores [1, V]."""
    try:
        (piece,) = member.taking.take(member.row, scores)
    except RepriseError as error:
        member.error, member.row.ended = error, "error"
        return Taken(member, None, scores[0])
    return Taken(member, piece, scores[0])


def _keys(members: Sequence[Member]) -> int:
    """Count the keys that rows may come to have: all are as wide as the widest."""
    return len(members) * max(member.room for member in members)
