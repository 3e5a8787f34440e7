"""The rows of one call, and what each did."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from reprise.models.generate.choosing import Chooser
from reprise.models.generate.history import History
from reprise.models.generate.rules import Rule
from reprise.models.generate.seam import Array
from reprise.models.generate.stopping import Stops


@dataclass(frozen=True)
class Piece:
    """One token of a stream.

    Attributes:
        row: Which answer it belongs to.
        token: Its id.
        text: What it adds to the answer's text; empty without a tokenizer, or while the next
            tokens may still change it.
        ended: Why the answer ends with it: `eos`, `length`, `stop_string`, `criteria`, `time`;
            empty while it goes on.
    """

    row: int
    token: int
    text: str = ""
    ended: str = ""


@dataclass
class Row:
    """One answer on its way."""

    number: int
    history: History
    key: bytes
    rules: Sequence[Rule] = ()
    ended: str = ""
    scores: list[Array] = field(default_factory=list)
    logits: list[Array] = field(default_factory=list)


@dataclass(frozen=True)
class Taking:
    """How rows take tokens.

    Attributes:
        chooser: Chooses one.
        stops: End a row.
        scores: Whether shaped scores are kept.
        logits: Whether the model's own are.
    """

    chooser: Chooser
    stops: Stops
    scores: bool = False
    logits: bool = False

    def take(self, row: Row, raw: Array, draft: Sequence[int] = ()) -> list[Piece]:
        """Take the next token by scores [T, V], and go on for as long as the draft was right.

        A token is chosen as it would be without the draft, so a draft changes nothing but time.
        """
        pieces: list[Piece] = []
        for number in range(len(draft) + 1):
            token = self._next(row, raw[number])
            row.history.append(token)
            row.ended = self.stops.reason(row.history)
            pieces.append(Piece(row.number, token, ended=row.ended))
            if row.ended or number == len(draft) or token != draft[number]:
                break
        return pieces

    def _next(self, row: Row, raw: Array) -> int:
        shaped = self.chooser.shaped(raw, row.history, row.rules)
        if self.scores:
            row.scores.append(shaped.copy())
        if self.logits:
            row.logits.append(raw.copy())
        return self.chooser.choose(shaped, row.history, row.key)
