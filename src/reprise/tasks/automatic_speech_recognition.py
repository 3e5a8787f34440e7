"""automatic-speech-recognition: what is said in sound of any length, and when.

A model hears half a minute at once. Longer sound is heard window by window, each beginning where
the last whole sentence ended, which the model says by tokens that are times; or, with
`chunk_length_s`, in pieces of one length that overlap and run as one batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.alignment import read_heads
from reprise.models.generate.speech import speech_file
from reprise.models.spec import Frames
from reprise.tasks.audio import open_sound, read_hearing
from reprise.tasks.base import Done
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.pieces import Piece, Span, cut
from reprise.tasks.rows import Array, Row
from reprise.tasks.speech_times import Aligner, Window, Written
from reprise.tasks.spoken_words import UNSPACED
from reprise.tasks.transcript import Heard, Marks, Transcript

_FRAMES_PER_TIME = 2  # the stem halves them
_BY_WORD = "word"


@dataclass(frozen=True)
class SpeechOptions(WritingOptions):
    """Parameters of automatic-speech-recognition.

    Attributes:
        language: Code of the language that is spoken: "en"; None: it is heard, which takes the
            encoder once more.
        task: "transcribe", or "translate" into English.
        return_timestamps: Whether to say when each part was said; "word": when each word was.
        chunk_length_s: Seconds of a piece; None or 0: sound is heard from sentence to sentence.
        stride_length_s: Seconds that pieces overlap on both sides, or left and right; None: a
            sixth of a piece.
        ignore_warning: Accepted for compatibility.
    """

    language: str | None = None
    task: str = "transcribe"
    return_timestamps: bool | str = False
    chunk_length_s: float | None = None
    stride_length_s: float | Sequence[float] | None = None
    ignore_warning: bool = False


@dataclass
class _Text:
    """What was written of one sound or piece so far, and when each token begins where asked."""

    tokens: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


class SpeechRecognition(WritingPipeline):
    """Gives `{"text": …}` per sound, with `chunks` when times are asked for."""

    options_type = SpeechOptions

    def prepare(self) -> None:
        """Read how sound is prepared; refuse models that do not hear."""
        super().prepare()
        encoder = self.model.plan.spec.encoder
        if encoder is None or not isinstance(encoder.input, Frames):
            raise InvalidInput(f"{self.parts.name or 'This model'} does not hear.")
        self.hearing = read_hearing(self.parts.settings)
        self.cost = encoder.input.rows
        known = self.tokenizer.get_vocab()
        self.silent = known.get("<|notimestamps|>")
        self.times = self.silent is not None
        self.told = told = speech_file(self.parts.folder)
        start = told.get("decoder_start_token_id")  # of which the configuration is only the default
        self.start = int(self.model.plan.spec.start if start is None else start)
        several = {"<|transcribe|>", "<|de|>"} <= set(known)
        self.speaks = several and told.get("is_multilingual") is not False
        self.hears_languages = bool(told.get("lang_to_id"))
        first = len(known) + 1 if self.silent is None else self.silent + 1
        step = self.hearing.seconds / self.cost
        special = frozenset(self.tokenizer.all_special_ids)
        self.marks = Marks(first, step, self.hearing.seconds, special)
        self.unspaced = {known.get(f"<|{code}|>") for code in UNSPACED}

    def _changed(self, options: Any, given: dict[str, Any]) -> Any:
        told = dict(given.get("generate_kwargs") or {})
        names = ("language", "task", "return_timestamps")
        moved = {name: told.pop(name) for name in names if name in told}
        if moved:  # where transformers' pipeline takes them
            given = {**moved, **given, "generate_kwargs": told}
        return super()._changed(options, given)

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one sound."""
        return isinstance(inputs, str | Mapping | np.ndarray) or hasattr(inputs, "__fspath__")

    def read(self, item: Any, options: SpeechOptions) -> Array:
        """Read a sound; look at the parameters."""
        if options.return_timestamps not in (True, False, None, _BY_WORD):
            raise InvalidInput(
                f"return_timestamps is {options.return_timestamps!r:.40}; this model gives times "
                "of sentences, True, or of words, 'word'."
            )
        sound = open_sound(item, self.hearing.rate)
        needs = options.return_timestamps or (not options.chunk_length_s and self._is_long(sound))
        if needs and not self.times:
            raise InvalidInput(
                f"The sound lasts {len(sound) / self.hearing.rate:.1f} seconds; this model hears "
                f"{self.hearing.seconds} at once and writes no times.",
                hint="Give chunk_length_s, and leave return_timestamps out.",
            )
        self._check_told(options)
        if options.return_timestamps == _BY_WORD:
            self._aligner()
        return sound

    def _aligner(self) -> Aligner:
        heads = read_heads(self.model.plan, self.told)
        return Aligner(self.runner, heads, self.hearing, self.marks.step)

    def _is_long(self, sound: Array) -> bool:
        return len(sound) > self.hearing.samples

    def rows(self, items: Sequence[Array], options: SpeechOptions) -> list[list[Row]]:
        """Make the features of each sound, or of its pieces."""
        return [self._rows(sound, options) for sound in items]

    def _rows(self, sound: Array, options: SpeechOptions) -> list[Row]:
        pieces = [Piece(sound)]
        if options.chunk_length_s:
            span = Span(options.chunk_length_s, options.stride_length_s, self.hearing.rate,
                        most=self.hearing.seconds)  # fmt: skip
            pieces = cut(sound, span)
        found = []
        for piece in pieces:
            features = self.hearing.features(piece.sound)
            windows = -(-features.shape[1] // self.hearing.frames)
            found.append(Row({"input_features": features}, self.cost * windows, piece))
        return found

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[Any]:
        """Write what is heard behind the tokens that say how; gives what was heard of each row."""
        assert isinstance(options, SpeechOptions)
        heard = [row.features["input_features"] for row in rows]
        timed = [
            bool(options.return_timestamps) or sound.shape[1] > self.hearing.frames
            for sound in heard
        ]
        told = self._told(heard, options)
        found = [_Text() for _ in rows]
        short = [at for at, times in enumerate(timed) if not times]
        if short:
            sound = {"input_features": np.stack([heard[at] for at in short])}
            written = self._write(sound, [told[at] for at in short], options, timed=False)
            for at, one in zip(short, written, strict=True):
                found[at].tokens = one.tokens
        places = {at: 0 for at, times in enumerate(timed) if times}
        while live := [at for at, place in places.items() if place < heard[at].shape[1]]:
            windows = np.stack([self._seen(heard[at], places[at]) for at in live])
            where = [Window(places[at], len(rows[at].note.sound)) for at in live]
            texts = self._hear(windows, where, [told[at] for at in live], options)
            for at, text in zip(live, texts, strict=True):
                left = min(self.hearing.frames, heard[at].shape[1] - places[at])
                kept, passed = whole_sentences(text.tokens, self.marks.first)
                found[at].tokens += text.tokens[:kept]
                found[at].times += text.times[:kept]
                places[at] += passed * _FRAMES_PER_TIME if passed else left
        return [Heard(each.tokens, each.times, self.unspaced.isdisjoint(own))
                for each, own in zip(found, told, strict=True)]  # fmt: skip

    def _hear(self, windows: Array, where: Sequence[Window], told: Sequence[Sequence[int]],
                options: SpeechOptions) -> list[_Text]:  # fmt: skip
        """Write what is heard in windows [B, mels, frames], with times of sentences among it."""
        sound: dict[str, Any] = {"input_features": windows}
        if options.return_timestamps != _BY_WORD:
            return [_Text(one.tokens) for one in self._write(sound, told, options, timed=True)]
        aligner, runner = self._aligner(), self.model.runner()
        sound["encoder_outputs"] = encoded = runner.encode(sound)
        written = self._write(sound, told, options, timed=True)
        # One by one: what all heads of a batch attend to would take gigabytes.
        return [_Text(one.tokens, aligner.times(runner.pick(encoded, [at]), one, where[at]))
                for at, one in enumerate(written)]  # fmt: skip

    def _told(self, heard: Sequence[Array], options: SpeechOptions) -> list[list[int]]:
        """Give the tokens of language and task for each sound; the language is heard if need be."""
        if not self.speaks:
            return [[] for _ in heard]
        known = self.tokenizer.get_vocab()
        task = known[f"<|{options.task}|>"]
        if options.language is not None:
            return [[known[f"<|{options.language}|>"], task] for _ in heard]
        first = np.stack([self._seen(sound, 0) for sound in heard])
        begun = self._generate({"input_features": first}, {"max_new_tokens": 1, "num_beams": 1})
        return [[int(token), task] for token in begun[:, 1]]

    def _seen(self, heard: Array, place: int) -> Array:
        """Cut the frames that are heard at once out of [mels, frames]; nothing follows the end."""
        part = heard[:, place : place + self.hearing.frames]
        return np.pad(part, ((0, 0), (0, self.hearing.frames - part.shape[1])))

    def _write(
        self,
        sound: Mapping[str, Any],
        told: Sequence[Sequence[int]],
        options: SpeechOptions,
        *,
        timed: bool,
    ) -> list[Written]:
        end = [] if timed or self.silent is None else [self.silent]
        prompts = np.array([[self.start, *own, *end] for own in told], np.int64)
        more = {"num_return_sequences": 1, **(options.generate_kwargs or {})}
        if timed:
            more["return_timestamps"] = True
        given = {**sound, "decoder_input_ids": prompts}
        if "assistant_model" in more:  # which has an encoder of its own
            given.pop("encoder_outputs", None)
        found = self._generate(given, more)[:, prompts.shape[1] :]
        return [self._ended(prompt, ids) for prompt, ids in zip(prompts, found, strict=True)]

    def _ended(self, prompt: Array, ids: Array) -> Written:
        """Give the tokens before the end."""
        ends = {self.tokenizer.eos_token_id, self.model.config.get("eos_token_id")}
        stop = next((at for at, token in enumerate(ids.tolist()) if token in ends), len(ids))
        return Written(prompt.tolist(), self.written(ids[:stop]), stop < len(ids))

    def result(self, done: Done, options: SpeechOptions) -> Any:
        """Join what was heard of one sound."""
        by_word = options.return_timestamps == _BY_WORD
        transcript = Transcript(self.marks, self._decoded, by_word=by_word)
        for row, heard in zip(done.rows, done.answers, strict=True):
            seconds = [samples / self.hearing.rate for samples in row.note.stride or ()]
            transcript.hear(replace(heard, stride=tuple(seconds) or None))
        parts = transcript.finish()
        text = {"text": "".join(part["text"] for part in parts)}
        if not options.return_timestamps:
            return text
        return {**text, "chunks": transcript.words if by_word else parts}

    def _decoded(self, tokens: list[int]) -> str:
        found: str = self.tokenizer.decode(tokens, skip_special_tokens=True)
        return found

    def _check_told(self, options: SpeechOptions) -> None:
        """Refuse languages and tasks that the model does not know."""
        if not self.speaks:
            return
        if options.language is None and not self.hears_languages:
            raise InvalidInput("This model knows several languages, and its settings do not say "
                               "how to hear which: name it, language='en'.")  # fmt: skip
        named = (options.language, options.task)
        words = [f"<|{word}|>" for word in named if word is not None]
        missing = [word for word in words if word not in self.tokenizer.get_vocab()]
        if missing:
            raise InvalidInput(f"This model has no token {', '.join(missing)}.")


def whole_sentences(tokens: Sequence[int], first: int) -> tuple[int, int]:
    """Say how many tokens of a window to keep, and how many times to go on by; 0: to its end.

    A pair of times stands between sentences. What comes behind the last pair was perhaps cut off
    by the end of the window, so it is heard again; unless a single time ends it, which says that
    nothing more is spoken.

    Args:
        tokens: What was written of a window.
        first: The token of 0 seconds.

    Example:
        >>> whole_sentences([100, 1, 2, 140, 140, 3], 100), whole_sentences([100, 1, 2, 140], 100)
        ((5, 40), (4, 0))
    """
    times = [token >= first for token in tokens]
    pairs = [at + 1 for at in range(len(times) - 1) if times[at] and times[at + 1]]
    if not pairs or times[-2:] == [False, True]:
        return len(tokens), 0
    return pairs[-1] + 1, tokens[pairs[-1] - 1] - first
