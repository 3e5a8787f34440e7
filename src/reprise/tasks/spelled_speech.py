"""automatic-speech-recognition by models that spell: a letter for each moment of the sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.spec import Waves
from reprise.tasks.audio import open_sound, read_hearing
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.letters import Letter, read_letters, words
from reprise.tasks.pieces import Piece, Span, cut
from reprise.tasks.rows import Array, Row

_SAFE = 1e-7  # beside the variance, as the models were trained
_MOST = 1 << 21  # samples at once, 131 seconds: attention grows with the square


@dataclass(frozen=True)
class SpellingOptions(Options):
    """Parameters of automatic-speech-recognition by models that spell.

    Attributes:
        return_timestamps: "char" or "word": when each was said.
        chunk_length_s: Seconds of a piece; None or 0: sound is heard as a whole.
        stride_length_s: Seconds that pieces overlap on both sides, or left and right; None: a
            sixth of a piece.
        ignore_warning: Accepted for compatibility.
    """

    return_timestamps: str | bool | None = None
    chunk_length_s: float | None = None
    stride_length_s: float | Sequence[float] | None = None
    ignore_warning: bool = False


class SpelledSpeech(Pipeline):
    """Gives `{"text": …}` per sound, with `chunks` when times are asked for."""

    options_type = SpellingOptions

    def prepare(self) -> None:
        """Read the letters and how sound is prepared; refuse models that do not hear."""
        tower = self.model.plan.spec.encoder
        if tower is None or not isinstance(tower.input, Waves):
            raise InvalidInput(f"{self.parts.name or 'This model'} does not hear.")
        self.waves = tower.input
        self.rate = read_hearing(self.parts.settings).rate
        self.evens = bool((self.parts.settings or {}).get("do_normalize", True))
        self.letters = read_letters(self.parts.folder)

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one sound."""
        return isinstance(inputs, str | Mapping | np.ndarray) or hasattr(inputs, "__fspath__")

    def read(self, item: Any, options: SpellingOptions) -> Array:
        """Read a sound; look at the parameters."""
        if options.return_timestamps not in {None, False, "char", "word"}:
            raise InvalidInput(f"return_timestamps is {options.return_timestamps!r}; this model "
                               "gives times of a 'char' or a 'word'.")  # fmt: skip
        sound = open_sound(item, self.rate)
        if len(sound) < self.waves.shortest:
            raise InvalidInput(f"The sound has {len(sound)} samples; this model needs "
                               f"{self.waves.shortest}.")  # fmt: skip
        if not options.chunk_length_s and len(sound) > _MOST:
            raise InvalidInput(
                f"The sound lasts {len(sound) / self.rate:.0f} seconds; this model may hear "
                f"{_MOST // self.rate} at once.", hint="Give chunk_length_s=20.",
            )  # fmt: skip
        return sound

    def rows(self, items: Sequence[Array], options: SpellingOptions) -> list[list[Row]]:
        """Make a row of each sound, or of each of its pieces."""
        found = []
        for sound in items:
            pieces = [Piece(sound)]
            if options.chunk_length_s:
                span = Span(options.chunk_length_s, options.stride_length_s, self.rate,
                            align=self.waves.ratio)  # fmt: skip
                pieces = [piece for piece in cut(sound, span)
                          if len(piece.sound) >= self.waves.shortest]  # fmt: skip
            found.append([self._row(piece) for piece in pieces])
        return found

    def _row(self, piece: Piece) -> Row:
        sound = piece.sound
        if self.evens:
            sound = (sound - sound.mean()) / np.sqrt(sound.var() + _SAFE)
        features = {"input_values": sound.astype(np.float32)}
        return Row(features, max(1, len(sound) // self.waves.ratio), piece.stride)

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:
        """Find the likeliest letter of each moment, sounds of one length together."""
        found: list[Any] = [None] * len(rows)
        lengths: dict[int, list[int]] = {}
        for at, row in enumerate(rows):
            lengths.setdefault(len(row.features["input_values"]), []).append(at)
        for chosen in lengths.values():
            own = super().answers([rows[at] for at in chosen], options)
            for at, answer in zip(chosen, own, strict=True):
                found[at] = self._inside(answer["logits"].argmax(-1), rows[at].note)
        return found

    def _inside(self, classes: Array, stride: tuple[int, int, int] | None) -> Array:
        """Cut off what neighbours heard better."""
        if stride is None:
            return classes
        samples, left, right = stride
        moments = round(samples / self.waves.ratio)
        begin, behind = (round(side / samples * moments) for side in (left, right))
        return classes[begin : moments - behind]

    def result(self, done: Done, options: SpellingOptions) -> Any:
        """Spell what was heard of one sound."""
        found = self.letters.read(np.concatenate(done.answers).tolist())
        text = {"text": self.letters.text(found)}
        if not options.return_timestamps:
            return text
        parts = words(found) if options.return_timestamps == "word" else found
        return {**text, "chunks": [self._timed(part) for part in parts]}

    def _timed(self, part: Letter) -> dict[str, Any]:
        times = tuple(moment * self.waves.ratio / self.rate for moment in (part.start, part.end))
        return {"text": part.text, "timestamp": times}
