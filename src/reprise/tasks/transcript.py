"""From tokens that a model heard, times among them, to a text with the times of its parts.

Sound that is longer than a model hears at once comes in pieces. Either one begins where the last
whole sentence of the one before ends, or pieces overlap by strides: then what both heard is found
by the longest run of equal tokens. Results are those of transformers' pipeline.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from reprise.tasks.spoken_words import Decode, join_words

_LEAST = 2  # equal tokens that make an overlap


@dataclass(frozen=True)
class Marks:
    """Which tokens are times.

    Attributes:
        first: The token of 0 seconds; those behind it are later times.
        step: Seconds from one to the next.
        window: Seconds that are heard at once.
        special: Tokens that mean no text.
    """

    first: int
    step: float
    window: float
    special: frozenset[int] = frozenset()

    def seconds(self, token: int) -> float:
        """Say which time a token stands for."""
        return float((token - self.first) * self.step)


@dataclass(frozen=True)
class Heard:
    """What was heard of one piece of sound.

    Attributes:
        tokens: What was written.
        times: When each token begins, in seconds from where the piece begins; empty: nobody asked.
        spaced: Whether the language has spaces between words.
        stride: Seconds of the piece, and those that overlap left and right.
    """

    tokens: Sequence[int]
    times: Sequence[float] = ()
    spaced: bool = True
    stride: tuple[float, ...] | None = None


class Said(NamedTuple):
    """A token of text and when it is said: seconds of the whole sound."""

    token: int
    start: float = 0.0
    end: float = 0.0


@dataclass
class _Piece:
    """What is known while the tokens of one piece are read."""

    heard: Heard
    begins: float  # first token of a time that does not lie in the left stride
    ends: int | None  # first token of a time that lies in the right stride
    highest: float = 0.0
    second: float = 0.0
    passed: float = 0.0  # seconds of windows that the same tokens hold before
    tokens: list[Said] = field(default_factory=list)


class Transcript:
    """Collects what was heard.

    Args:
        marks: Which tokens are times.
        decode: Turns tokens into text.
        by_word: Whether `words` is wanted, which needs the times of tokens.
    """

    def __init__(self, marks: Marks, decode: Decode, *, by_word: bool = False) -> None:
        self.marks, self.decode, self.by_word = marks, decode, by_word
        self.parts: list[dict[str, Any]] = []
        self.words: list[dict[str, Any]] = []
        self._times: list[float | None] = [None, None]
        self._before: list[list[Said]] = []
        self._offset, self._skips, self._spaced = 0.0, False, True

    def hear(self, heard: Heard) -> None:
        """Take the tokens of the next piece."""
        piece, self._spaced = self._begun(heard), heard.spaced
        for place, token in enumerate(heard.tokens):
            if token in self.marks.special:
                continue
            if token >= self.marks.first:
                self._time(piece, place, token)
            else:
                piece.tokens.append(self._said(heard, place))
        if heard.stride:
            self._offset += heard.stride[0] - heard.stride[2]
        if piece.tokens:
            self._before.append(piece.tokens)
        elif not any(self._before):
            self._before, self._times = [], [None, None]

    def finish(self) -> list[dict[str, Any]]:
        """Give `{"timestamp", "text"}` of each part, the last of which may have no end."""
        if self._before:
            self._close()
        return self.parts

    def _begun(self, heard: Heard) -> _Piece:
        begins, ends = float(self.marks.first), None
        if heard.stride:
            length, left, right = heard.stride
            self._offset -= left
            begins += left / self.marks.step
            ends = self._last_inside(heard.tokens, length - right) if right else None
        return _Piece(heard, begins, ends)

    def _said(self, heard: Heard, place: int) -> Said:
        """Give a token its times: it ends where it is attended to, as the one before it did."""
        if not heard.times:
            return Said(heard.tokens[place])
        start, end = heard.times[place - 1] if place else 0.0, heard.times[place]
        return Said(heard.tokens[place], round(start + self._offset, 2),
                    round(end + self._offset, 2))  # fmt: skip

    def _last_inside(self, tokens: Sequence[int], start: float) -> int | None:
        """Find the first of the last times that lie in the right stride."""
        found: int | None = None
        for token in reversed(tokens):
            if token < self.marks.first:
                continue
            if found is not None and self.marks.seconds(token) < start:
                break
            found = token
        return found

    def _time(self, piece: _Piece, place: int, token: int) -> None:
        time = self._placed(piece, place, token)
        if piece.ends and token >= piece.ends:
            self._skips = True  # it lies in the stride: the next piece heard it better
        elif self._skips or (self._before and token < piece.begins):
            self._skips = False
        elif self._times[0] is None:
            self._times[0] = time
        elif time != self._times[0]:
            self._times[1] = time
            self._before.append(piece.tokens)
            self._close()
            piece.tokens = []

    def _placed(self, piece: _Piece, place: int, token: int) -> float:
        """Say where a time lies in the whole sound: it begins anew with every window."""
        time, tokens, first = self.marks.seconds(token), piece.heard.tokens, self.marks.first
        if time < piece.highest:
            single = place > 1 and not (tokens[place - 1] >= first and tokens[place - 2] >= first)
            if single:
                piece.passed += self.marks.window
            else:
                piece.highest = piece.second
                piece.passed += piece.second
        piece.second, piece.highest = piece.highest, time
        return round(time + self._offset + piece.passed, 2)

    def _close(self) -> None:
        said = joined(self._before)
        tokens = [each.token for each in said]
        self.parts.append({"timestamp": tuple(self._times), "text": self.decode(tokens)})
        if self.by_word:
            for word in join_words(tokens, self.decode, spaced=self._spaced):
                times = said[word.start].start, said[word.end - 1].end
                self.words.append({"text": word.text, "timestamp": times})
        self._before, self._times = [], [None, None]


def joined(pieces: Sequence[Sequence[Said]]) -> list[Said]:
    """Join tokens of pieces that overlap, at the longest run that both have.

    Example:
        >>> [said.token for said in joined([[Said(1), Said(2), Said(3)], [Said(2), Said(3)]])]
        [1, 2, 3]
    """
    left, found = pieces[0], list[Said]()
    for right in pieces[1:]:
        left_end, right_start = _overlap(left, right)
        found += left[:left_end]
        left = right[right_start:]
    return [*found, *left]


def _overlap(left: Sequence[Said], right: Sequence[Said]) -> tuple[int, int]:
    """Say where to leave the left piece and enter the right one: in the middle of what is equal.

    Tokens are equal that the right piece does not say sooner.
    """
    first, second = (np.array([each.token for each in piece]) for piece in (left, right))
    early, late = (np.array([each[1:] for each in piece]).reshape(-1, 2) for piece in (left, right))
    best, chosen = 0.0, (len(left), len(left), 0, 0)
    for shift in range(1, len(left) + len(right)):
        start, stop = max(0, len(left) - shift), min(len(left), len(left) + len(right) - shift)
        begin, end = max(0, shift - len(left)), min(len(right), shift)
        same = first[start:stop] == second[begin:end]
        equal = int(np.sum(same & _follow(early[start:stop], late[begin:end])))
        share = equal / shift + shift / 10_000  # of equal shares the longer one
        if equal >= _LEAST and share > best:
            best, chosen = share, (start, stop, begin, end)
    return (chosen[0] + chosen[1]) // 2, (chosen[2] + chosen[3]) // 2


def _follow(early: Any, late: Any) -> Any:
    """Tell which spans [N, 2] do not begin before others, nor with them and end sooner."""
    begins, ends = late[:, 0] - early[:, 0], late[:, 1] - early[:, 1]
    return (begins > 0) | ((begins == 0) & (ends >= 0))
