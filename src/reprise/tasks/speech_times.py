"""When a model of speech says each token: it reads what it wrote once more and shows where to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.models.generate.alignment import Heads, token_moments
from reprise.tasks.audio import Hearing
from reprise.tasks.running import Runner, as_numpy

_FRAMES_PER_MOMENT = 2  # the stem halves them


@dataclass(frozen=True)
class Written:
    """What a model wrote of one window.

    Attributes:
        prompt: The tokens that it began with.
        tokens: Those that it wrote, without the end.
        ended: Whether it wrote the end; otherwise it was stopped.
    """

    prompt: Sequence[int]
    tokens: list[int]
    ended: bool


@dataclass(frozen=True)
class Window:
    """Where a window lies in a piece of sound.

    Attributes:
        start: Its first frame.
        samples: Those of the whole piece, of which it may lie behind the last.
    """

    start: int
    samples: int

    def moments(self, hearing: Hearing) -> int:
        """Count what the encoder gives of the piece, not of the silence that follows it."""
        longer = (
            self.samples > hearing.samples
        )  # then nothing follows, and part frames are left out
        frames = self.samples // hearing.hop if longer else -(-self.samples // hearing.hop)
        return max(0, min(hearing.frames, frames - self.start)) // _FRAMES_PER_MOMENT

    def seconds(self, moments: Any, hearing: Hearing, step: float) -> list[float]:
        """Say when moments of it are, in seconds of the piece; none lies behind its end."""
        second = hearing.rate / hearing.hop  # frames
        last = self.samples // hearing.hop / second
        found: list[float] = np.minimum(self.start / second + moments * step, last).tolist()
        return found


@dataclass(frozen=True)
class Aligner:
    """Finds the times of what was written.

    Attributes:
        runner: Of the model.
        heads: Which of its decoder follow the sound.
        hearing: What it hears at once.
        step: Seconds of a moment.
    """

    runner: Runner
    heads: Heads
    hearing: Hearing
    step: float

    def times(self, encoded: Any, written: Written, window: Window) -> list[float]:
        """Say when each token begins, in seconds of the piece.

        Args:
            encoded: What the encoder gave of this window alone.
            written: What was written.
            window: Where it lies.
        """
        tokens = written.tokens
        # As in transformers, what a model attends to at the last token counts only where it went
        # on from it; the last takes the time of the one before.
        known = tokens if written.ended else tokens[:-1]
        found, moments = np.zeros(len(tokens), np.int64), window.moments(self.hearing)
        if known and moments:
            attended = self._attended(encoded, [*written.prompt, *known])
            about = attended[:, len(written.prompt) :, :moments]
            found[: len(known)] = token_moments(about, self.heads.width)
            found[len(known) :] = found[len(known) - 1]
        return window.seconds(found, self.hearing, self.step)

    def _attended(self, encoded: Any, tokens: Sequence[int]) -> Any:
        """Run the decoder over all tokens at once; gives [heads, T, S]."""
        layers = self.heads.layers
        answer = self.runner.call({
            "encoder_outputs": encoded, "decoder_input_ids": np.array([tokens], np.int64),
            "output_attentions": layers, "logits_to_keep": 1, "use_cache": False,
        })  # fmt: skip
        shown = [as_numpy(one)[0] for one in answer["cross_attentions"]]
        return self.heads.chosen(dict(zip(layers, shown, strict=True)))
