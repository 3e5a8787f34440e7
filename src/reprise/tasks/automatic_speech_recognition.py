"""automatic-speech-recognition: what is said in up to half a minute of sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models.spec import Frames
from reprise.tasks.audio import open_sound, read_hearing
from reprise.tasks.base import Done
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.rows import Array, Row


@dataclass(frozen=True)
class SpeechOptions(WritingOptions):
    """Parameters of automatic-speech-recognition.

    Attributes:
        language: Code of the language that is spoken: "en". A model of several languages needs it.
        task: "transcribe", or "translate" into English.
        return_timestamps: Accepted as False only.
    """

    language: str | None = None
    task: str = "transcribe"
    return_timestamps: bool = False


class SpeechRecognition(WritingPipeline):
    """Gives `{"text": …}` per sound."""

    options_type = SpeechOptions

    def prepare(self) -> None:
        """Read how sound is prepared; refuse models that do not hear."""
        super().prepare()
        encoder = self.model.plan.spec.encoder
        if encoder is None or not isinstance(encoder.input, Frames):
            raise InvalidInput(f"{self.parts.name or 'This model'} does not hear.")
        self.hearing = read_hearing(self.parts.settings)
        self.cost = encoder.input.rows

    def _changed(self, options: Any, given: dict[str, Any]) -> Any:
        told = dict(given.get("generate_kwargs") or {})
        moved = {name: told.pop(name) for name in ("language", "task") if name in told}
        if moved:  # where transformers' pipeline takes them
            given = {**moved, **given, "generate_kwargs": told}
        return super()._changed(options, given)

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one sound."""
        return isinstance(inputs, str | Mapping | np.ndarray) or hasattr(inputs, "__fspath__")

    def read(self, item: Any, options: SpeechOptions) -> Array:
        """Read a sound; look at the parameters."""
        if options.return_timestamps:
            raise NotSupported("Timestamps are not given yet.")
        self._prompt(options)
        sound = open_sound(item, self.hearing.rate)
        if len(sound) > self.hearing.samples:
            raise InvalidInput(
                f"The sound lasts {len(sound) / self.hearing.rate:.1f} seconds; this model hears "
                f"{self.hearing.seconds} at once.", hint="Split it where nobody speaks.",
            )  # fmt: skip
        return sound

    def rows(self, items: Sequence[Array], options: SpeechOptions) -> list[list[Row]]:  # noqa: ARG002
        """Make the features of each sound."""
        return [[Row({"input_features": self.hearing.features(sound)}, self.cost)]
                for sound in items]  # fmt: skip

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[list[Array]]:
        """Write what is heard behind the tokens that say how."""
        assert isinstance(options, SpeechOptions)
        prompt = np.array([self._prompt(options)] * len(rows), np.int64)
        told = {"num_return_sequences": 1, **(options.generate_kwargs or {})}
        features = {"input_features": np.stack([row.features["input_features"] for row in rows])}
        found = self._generate({**features, "decoder_input_ids": prompt}, told)
        return [[ids] for ids in found]

    def result(self, done: Done, options: SpeechOptions) -> Any:  # noqa: ARG002
        """Decode what was written for one sound."""
        ids = self.written(done.answers[0][0])
        return {"text": self.tokenizer.decode(ids, skip_special_tokens=True)}

    def _prompt(self, options: SpeechOptions) -> list[int]:
        """Make the decoder's first tokens: start, language, task, no timestamps."""
        known = self.tokenizer.get_vocab()
        found = [int(self.model.plan.spec.start)]
        if "<|transcribe|>" in known and "<|de|>" in known:
            if options.language is None:
                raise InvalidInput("This model knows several languages: name the one that is "
                                   "spoken, language='en'.")  # fmt: skip
            words = [f"<|{options.language}|>", f"<|{options.task}|>"]
            missing = [word for word in words if word not in known]
            if missing:
                raise InvalidInput(f"This model has no token {', '.join(missing)}.")
            found += [known[word] for word in words]
        silent = known.get("<|notimestamps|>")
        return found if silent is None else [*found, silent]
