"""Beam search over one prompt, as the reference does it, and in groups that avoid each other.

Scores are sums of log-probabilities, divided by the length to a power when a beam ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reprise.models.generate.choosing import Chooser, check_numbers
from reprise.models.generate.history import History
from reprise.models.generate.narrowing import log_softmax
from reprise.models.generate.rules import Rule
from reprise.models.generate.sampling import draw_several
from reprise.models.generate.seam import Array
from reprise.models.generate.settings import Settings
from reprise.models.generate.stopping import Stops

_OUT = np.float32(-1e9)  # what the reference adds to scores that are out of the race


@dataclass(frozen=True)
class Ended:
    """A beam that ended, or none: a score far below all others."""

    score: np.float32
    history: History
    done: bool
    path: tuple[int, ...] = ()  # which beam each of its tokens came from
    reason: str = ""


@dataclass(frozen=True)
class Search:
    """What the beams of one prompt share.

    Attributes:
        settings: Of the call.
        chooser: Shapes the scores.
        stops: End a beam.
        rules: Of this prompt alone.
        key: Its luck, for sampling.
    """

    settings: Settings
    chooser: Chooser
    stops: Stops
    rules: Sequence[Rule]
    key: bytes


class Beams:
    """The beams of one group of one prompt.

    Args:
        search: What the groups of a prompt share.
        history: The prompt.
        count: How many beams go on at a time.
    """

    def __init__(self, search: Search, history: History, count: int) -> None:
        self._search, self._count = search, count
        self._prompt = history.prompt
        self.histories = [history] * count
        # All beams are equal at first: only the first one may go on.
        self._scores = np.where(np.arange(count) == 0, np.float32(0), _OUT)
        self._paths: list[tuple[int, ...]] = [()] * count
        self.ended = [Ended(_OUT, history, done=False)] * count
        self._hopeful = True
        self.over = False

    def shaped(self, raw: Array) -> Array:
        """Turn the model's scores [K, V] into log-probabilities by the rules."""
        search = self._search
        logs = log_softmax(_checked(raw, search, self.histories))
        shaped = [search.chooser.shaped(row, history, search.rules)
                  for row, history in zip(logs, self.histories, strict=True)]  # fmt: skip
        return np.stack(shaped)

    def step(self, logs: Array, avoided: Sequence[int] = ()) -> list[int]:
        """Go on by log-probabilities [K, V]; give the beam that each one of now came from.

        Args:
            logs: Of the next token, rules applied.
            avoided: Tokens that other groups took in this step.
        """
        found = logs + self._scores[:, None]
        if len(avoided):
            found = found - self._diversity(avoided, logs.shape[1])
        best = self._best(found.reshape(-1))
        origins, tokens = best // logs.shape[1], best % logs.shape[1]
        scores = found.reshape(-1)[best]
        longer = [self.histories[beam].plus(int(token))
                  for beam, token in zip(origins, tokens, strict=True)]  # fmt: skip
        paths = [(*self._paths[beam], int(beam)) for beam in origins]
        reasons = [self._search.stops.reason(history) for history in longer]
        out = np.array([bool(reason) for reason in reasons])
        kept = self._going(scores, out)
        self._keep_ended(scores, out, list(zip(longer, paths, reasons, strict=True)))
        running = scores + out * _OUT
        self._scores = running[kept]
        self.histories = [longer[place] for place in kept]
        self._paths = [paths[place] for place in kept]
        self._hopeful = self._hopeful and self._may_improve()
        early = self._search.settings.early_stopping is True and all(e.done for e in self.ended)
        self.over = not self._hopeful or early or bool(out.all())
        return [int(origins[place]) for place in kept]

    def _going(self, scores: Array, out: Array) -> list[int]:
        order = np.argsort(-(scores + out * _OUT), kind="stable")
        return [int(place) for place in order[: self._count]]

    def _diversity(self, avoided: Sequence[int], vocabulary: int) -> Array:
        taken = np.bincount(np.asarray(avoided), minlength=vocabulary)
        return taken.astype(np.float32) * np.float32(self._search.settings.diversity_penalty)

    def _best(self, scores: Array) -> Array:
        """Choose more continuations than beams: some may end."""
        count = max(2, 1 + len(self._search.settings.eos_token_id)) * self._count
        count = min(count, scores.size)
        if self._search.settings.do_sample:
            # Of places, not tokens: so many that their luck needs a stream of its own.
            return draw_several(scores, self._search.key, len(self.histories[0]), count)
        top = np.argpartition(scores, scores.size - count)[scores.size - count :]
        return top[np.lexsort((top, -scores[top]))]

    def _keep_ended(self, scores: Array, out: Array,
                    longer: list[tuple[History, tuple[int, ...], str]]) -> None:  # fmt: skip
        """Keep the best of what had ended and what ends now; only the first beams count."""
        settings = self._search.settings
        length = len(longer[0][0]) - self._prompt
        final = scores / np.float32(length**settings.length_penalty)
        if settings.early_stopping is True and all(e.done for e in self.ended):
            final = final + _OUT
        if not self._hopeful:
            final = final + _OUT
        counts = out & (np.arange(len(scores)) < self._count)
        final = final + ~counts * _OUT
        new = [Ended(np.float32(score), history, done=bool(done), path=path, reason=reason)
               for score, done, (history, path, reason)
               in zip(final, counts, longer, strict=True)]  # fmt: skip
        self.ended = sorted(self.ended + new, key=lambda one: -one.score)[: self._count]

    def _may_improve(self) -> bool:
        """Tell whether a running beam could still beat one that ended."""
        settings = self._search.settings
        length = len(self.histories[0]) - self._prompt
        if settings.early_stopping == "never" and settings.length_penalty > 0:
            length = self._search.stops.limit(self.histories[0]) - self._prompt
        best = self._scores[0] / np.float32(length**settings.length_penalty)
        worst = min(one.score for one in self.ended)
        return any(best > (worst if one.done else _OUT) for one in self.ended)


def _checked(raw: Array, search: Search, histories: Sequence[History]) -> Array:
    """Look at the model's numbers before they are normalised."""
    if search.chooser.repairs:
        return np.nan_to_num(raw, nan=0.0)
    for row, history in zip(raw, histories, strict=True):
        check_numbers(row, history)
    return raw
