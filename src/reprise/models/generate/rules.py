"""Rules on the scores of one row's next token, in the reference's order.

A rule changes the scores [V] in place, by the row's own history and nothing else. A token that may
not come gets minus infinity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.history import History
from reprise.models.generate.seam import Array
from reprise.models.generate.settings import Settings

Rule = Callable[[Array, History], None]
_NEVER = -np.inf


@dataclass(frozen=True)
class SequenceBias:
    """Adds a number to the score of each token that would complete a word."""

    words: tuple[tuple[tuple[int, ...], float], ...]

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        for word, bias in self.words:
            before = len(word) - 1
            if before >= len(history):  # as the reference: the text is longer than the prefix
                continue
            if before == 0 or tuple(history.ids[-before:].tolist()) == word[:-1]:
                scores[word[-1]] += bias


@dataclass(frozen=True)
class RepetitionPenalty:
    """Divides positive scores of tokens seen before, multiplies negative ones (Keskar, 2019)."""

    penalty: float
    of_source: bool = False

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        seen = history.source if self.of_source else history.ids
        if seen is None:
            return
        penalty = np.float32(1 / self.penalty if self.of_source else self.penalty)
        found = scores[seen]
        scores[seen] = np.where(found < 0, found * penalty, found / penalty)


@dataclass(frozen=True)
class NoRepeat:
    """Forbids tokens that would repeat n tokens of the text, or of the encoder's."""

    size: int
    of_source: bool = False

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        text = history.source if self.of_source else history.ids
        before = self.size - 1
        if text is None or len(text) < self.size or len(history) < before:
            return
        if before == 0:
            scores[text] = _NEVER
            return
        windows = np.lib.stride_tricks.sliding_window_view(text, self.size)
        last = history.ids[-before:]
        scores[windows[(windows[:, :before] == last).all(axis=1), before]] = _NEVER


@dataclass(frozen=True)
class NotBefore:
    """Forbids tokens until a row has so many tokens, or so many new ones."""

    tokens: tuple[int, ...]
    total: int = 0
    new: int = 0

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        if len(history) < self.total or len(history) - history.prompt < self.new:
            scores[list(self.tokens)] = _NEVER


@dataclass(frozen=True)
class Never:
    """Forbids tokens everywhere, or only as the first one that is free."""

    tokens: tuple[int, ...]
    first_only: bool = False
    behind_forced: bool = False  # a forced first token takes a place when the prompt is one token

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        begin = history.prompt + int(self.behind_forced and history.prompt == 1)
        if not self.first_only or len(history) == begin:
            scores[list(self.tokens)] = _NEVER


@dataclass(frozen=True)
class Forced:
    """Allows only these tokens, when the text is of one length."""

    tokens: tuple[int, ...]
    length: Callable[[History], int]

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        if len(history) == self.length(history):
            scores[:] = _NEVER
            scores[list(self.tokens)] = 0.0


@dataclass(frozen=True)
class Ending:
    """Makes the end likelier with every token after a first one."""

    tokens: tuple[int, ...]
    start: int
    factor: float

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        over = len(history) - history.prompt - self.start
        if over > 0:
            places = list(self.tokens)
            scores[places] += np.abs(scores[places]) * np.float32(self.factor**over - 1)


def finite(scores: Array, _: History) -> None:
    """Replace what is no number by 0, and infinities by the ends of the range."""
    np.nan_to_num(scores, copy=False, nan=0.0)


@dataclass(frozen=True)
class Allowed:
    """Asks the caller which tokens may come: `allowed(row, ids)` gives token ids."""

    allowed: Callable[[int, Array], Sequence[int]]
    row: int

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        given = self.allowed(self.row, history.ids.copy())
        try:
            tokens = np.asarray(given, np.int64).reshape(-1)
        except (TypeError, ValueError, OverflowError):
            tokens = np.empty(0, np.int64)
        if not tokens.size or tokens.min() < 0 or tokens.max() >= scores.size:
            raise InvalidInput(
                f"prefix_allowed_tokens_fn must give token ids from 0 to {scores.size - 1}, at "
                f"least one; for row {self.row} after {len(history)} tokens it gave {given!r:.60}.",
                hint="To end a text, give its end-of-sequence token.",
            )
        kept = scores[tokens]
        scores[:] = _NEVER
        scores[tokens] = kept


def make_rules(settings: Settings, vocabulary: int, limit: Callable[[History], int]) -> list[Rule]:
    """Make the rules that settings ask for, in the reference's order.

    Args:
        settings: How to generate.
        vocabulary: How many tokens there are.
        limit: Most tokens that a row may have, for the forced end.

    Raises:
        InvalidInput: A rule names a token that does not exist.
    """
    _check_tokens(settings, vocabulary)
    end = tuple(t for t in settings.eos_token_id if 0 <= t < vocabulary)
    rules: list[Rule] = []
    if settings.sequence_bias:
        rules.append(SequenceBias(settings.sequence_bias))
    if settings.encoder_repetition_penalty != 1:
        rules.append(RepetitionPenalty(settings.encoder_repetition_penalty, of_source=True))
    if settings.repetition_penalty != 1:
        rules.append(RepetitionPenalty(settings.repetition_penalty))
    if settings.no_repeat_ngram_size:
        rules.append(NoRepeat(settings.no_repeat_ngram_size))
    if settings.encoder_no_repeat_ngram_size:
        rules.append(NoRepeat(settings.encoder_no_repeat_ngram_size, of_source=True))
    bad = [word for word in settings.bad_words_ids if len(word) > 1 or word[0] not in end]
    if bad:
        rules.append(SequenceBias(tuple((word, _NEVER) for word in bad)))
    if end and (settings.min_length or settings.min_new_tokens):
        rules.append(NotBefore(end, settings.min_length, settings.min_new_tokens))
    return rules + _late(settings, end, vocabulary, limit)


def _late(settings: Settings, end: tuple[int, ...], vocabulary: int,
          limit: Callable[[History], int]) -> list[Rule]:  # fmt: skip
    """Make the rules that come behind the caller's own constraint."""
    rules: list[Rule] = []
    if settings.forced_bos_token_id is not None:
        rules.append(Forced((settings.forced_bos_token_id,), lambda _: 1))
    if settings.forced_eos_token_id:
        rules.append(Forced(settings.forced_eos_token_id, lambda history: limit(history) - 1))
    if settings.remove_invalid_values:
        rules.append(finite)
    if settings.exponential_decay_length_penalty and end:
        rules.append(Ending(end, *settings.exponential_decay_length_penalty))
    never, first = (
        tuple(token for token in tokens if 0 <= token < vocabulary)  # as large models' lists have
        for tokens in (settings.suppress_tokens, settings.begin_suppress_tokens)
    )
    if never:
        rules.append(Never(never))
    if first:
        forced = settings.forced_bos_token_id is not None
        rules.append(Never(first, first_only=True, behind_forced=forced))
    return rules


def _check_tokens(settings: Settings, vocabulary: int) -> None:
    """Refuse rules about tokens that the model does not have."""
    named = {
        "bad_words_ids": [t for word in settings.bad_words_ids for t in word],
        "sequence_bias": [t for word, _ in settings.sequence_bias for t in word],
        "forced_bos_token_id": [settings.forced_bos_token_id or 0],
        "forced_eos_token_id": settings.forced_eos_token_id,
    }
    for name, tokens in named.items():
        wrong = [token for token in tokens if not 0 <= token < vocabulary]
        if wrong:
            raise InvalidInput(
                f"{name} names token {wrong[0]}: this model has 0 to {vocabulary - 1}.",
                hint="Is this the tokenizer of this model?",
            )
