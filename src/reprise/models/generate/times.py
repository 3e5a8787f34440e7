"""Whisper's rule for tokens that are times: in pairs, rising, and when they are likelier than text.

Source: Radford et al., 2022, section 2.3, and the reference implementation.
"""

from dataclasses import dataclass

import numpy as np

from reprise.models.generate.history import History
from reprise.models.generate.seam import Array

_NEVER = -np.inf


@dataclass(frozen=True)
class Times:
    """Lets times come where they may.

    Attributes:
        silent: Token that says that no times are written; those behind it are times, from 0.
        end: Token that ends a text; tokens before it are text.
        latest: Most steps that the first time may lie behind 0; None: any.
    """

    silent: int
    end: int
    latest: int | None = None

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place."""
        first = self.silent + 1
        written = history.ids[history.prompt :]
        scores[self.silent] = _NEVER
        self._pair(scores, written, first)
        scores[first : self._earliest(written, first)] = _NEVER
        if not len(written):
            scores[:first] = _NEVER
            if self.latest is not None:
                scores[first + self.latest + 1 :] = _NEVER
        if _likelier(scores, first):
            scores[:first] = _NEVER

    def _pair(self, scores: Array, written: Array, first: int) -> None:
        """Let a time follow a time only as the second of a pair."""
        if not len(written) or written[-1] < first:
            return
        if len(written) < 2 or written[-2] >= first:  # noqa: PLR2004 - the last two
            scores[first:] = _NEVER
        else:
            scores[: self.end] = _NEVER

    def _earliest(self, written: Array, first: int) -> int:
        """Times never fall; only the second of a pair repeats."""
        times = written[written >= first]
        if not len(times):
            return first
        repeats = written[-1] >= first and len(written) > 1 and written[-2] < first
        return int(times[-1]) + (0 if repeats else 1)


def _likelier(scores: Array, first: int) -> bool:
    """Whether all times together are likelier than every single token of text."""
    times, text = scores[first:].astype(np.float64), scores[:first].max()
    highest = times.max()
    if not np.isfinite(highest):
        return False
    return bool(highest + np.log(np.exp(times - highest).sum()) > text)
