"""One answer while it is written: its text, its tokens, and why it ended."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reprise.models.generate.narrowing import log_softmax
from reprise.worker.inside.stops import Stops

_ENDS = {"eos": "eos", "length": "length", "time": "length", "criteria": "stop"}


@dataclass(frozen=True)
class Token:
    """One token of an answer.

    Attributes:
        id: Its number.
        text: What it spells by itself.
        logprob: Logarithm of the probability that the model gave it.
        top: Tokens that were likeliest at its place, with theirs.
        special: Whether it is no text.
    """

    id: int
    text: str
    logprob: float
    top: tuple[tuple[int, str, float], ...] = ()
    special: bool = False


@dataclass(frozen=True)
class Said:
    """What one step added to an answer.

    Attributes:
        index: Which answer of the job.
        text: What can be shown now.
        token: The token; None when nobody asked for tokens.
        ended: `eos`, `stop`, `length`, or empty while it goes on.
        count: How many tokens it has now.
    """

    index: int
    text: str
    token: Token | None
    ended: str
    count: int


@dataclass
class Voice:
    """One answer.

    Args:
        index: Which of the job.
        tokenizer: Spells its tokens.
        stops: Ends it by its text.
        logprobs: How many likeliest tokens are wanted at each place; None: no tokens at all.
    """

    index: int
    tokenizer: Any
    stops: Stops
    logprobs: int | None = None
    text: str = ""
    tokens: list[Token] = field(default_factory=list)
    ended: str = ""
    count: int = 0

    def __post_init__(self) -> None:
        self._stream = self.tokenizer.decode_stream(skip_special_tokens=True)
        self._special = frozenset(self.tokenizer.all_special_ids)

    def take(self, token: int, ended: str, scores: Any) -> Said:
        """Take the next token.

        Args:
            token: Its number.
            ended: Why generation ends with it; empty while it goes on.
            scores: The model's own [V].
        """
        self.count += 1
        added = self._stream.push(token)
        if ended:
            added += self._stream.finish()
        shown, stopped = self.stops.push(added)
        if stopped:
            self.ended = "stop"
        elif ended:
            shown += self.stops.finish()
            self.ended = _ENDS[ended]
        self.text += shown
        known = None
        if self.logprobs is not None:
            known = self._token(token, scores)
            self.tokens.append(known)
        return Said(self.index, shown, known, self.ended, self.count)

    def _token(self, token: int, scores: Any) -> Token:
        logs = log_softmax(scores)
        top: list[tuple[int, str, float]] = []
        if self.logprobs:
            best = np.argsort(-logs, kind="stable")[: self.logprobs]
            top = [(int(n), self._spelled(int(n)), _finite(logs[n])) for n in best]
        spelled, special = self._spelled(token), token in self._special
        return Token(token, spelled, _finite(logs[token]), tuple(top), special)

    def _spelled(self, token: int) -> str:
        found: str = self.tokenizer.decode([token])
        return found


def _finite(number: Any) -> float:
    """Give a logarithm that JSON can say: one of 0 is as low as OpenAI's."""
    return max(float(number), -9999.0)
