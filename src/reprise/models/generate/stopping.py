"""When a row ends: its end token, its length, a text, the clock, or the caller."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.generate.history import History
from reprise.models.generate.seam import Array
from reprise.models.generate.settings import Settings

_TOKENS_PER_CHARACTER = 4  # of tokens that are single bytes
_CONTEXT = 16  # tokens before them, so that the first characters come out right
Criterion = Callable[[Array], bool]


@dataclass(frozen=True)
class Stops:
    """What ends a row.

    Attributes:
        settings: Of the call.
        limit: Most tokens a row may have.
        decode: Ids to text, where texts end a row.
        criteria: The caller's own: take ids [n], say whether to end.
        late: Whether time is over.
    """

    settings: Settings
    limit: Callable[[History], int]
    decode: Callable[[list[int]], str] | None = None
    criteria: Sequence[Criterion] = ()
    late: Callable[[], bool] = field(default=lambda: False)

    def reason(self, history: History) -> str:
        """Say why a row ends here: `eos`, `length`, `stop_string`, `criteria`, `time`, or ""."""
        if int(history.ids[-1]) in self.settings.eos_token_id:
            return "eos"
        if self.settings.stop_strings and self._has_text(history):
            return "stop_string"
        if any(criterion(history.ids) for criterion in self.criteria):
            return "criteria"
        if len(history) >= self.limit(history):
            return "length"
        return "time" if self.late() else ""

    def _has_text(self, history: History) -> bool:
        """Look for the texts at the end: they are found with the token that completes them."""
        assert self.decode is not None
        texts = self.settings.stop_strings
        reach = _TOKENS_PER_CHARACTER * max(map(len, texts)) + _CONTEXT
        tail = self.decode(history.new[-reach:].tolist())
        return any(text in tail for text in texts)


def as_criterion(given: Any, native: Callable[[Array], Any]) -> Criterion:
    """Make a criterion of a caller's `(ids [1, n], scores) -> bool`, or one answer per row.

    Raises:
        InvalidInput: It cannot be called.
    """
    if not callable(given):
        raise InvalidInput(
            f"A stopping_criteria is a function of ids and scores, not {given!r:.80}."
        )

    def ended(ids: Array) -> bool:
        answer = given(native(ids[None].copy()), None)
        return bool(answer.any() if hasattr(answer, "any") else answer)

    return ended
