"""image-to-text: what is seen, or what is written, in an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.spec import Patches
from reprise.tasks.base import Done
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.image_rows import ImagePipeline
from reprise.tasks.rows import Array, Row, stack


@dataclass(frozen=True)
class ImageToTextOptions(WritingOptions):
    """Parameters of image-to-text: those of `model.generate`, as `max_new_tokens`."""


class ImageToText(WritingPipeline, ImagePipeline):
    """Gives `[{"generated_text": …}]` per image."""

    options_type = ImageToTextOptions

    def prepare(self) -> None:
        """Read how images are prepared; refuse models that do not write of images."""
        encoder, decoder = self.model.plan.spec.encoder, self.model.plan.spec.decoder
        if encoder is None or decoder is None or not isinstance(encoder.input, Patches):
            raise InvalidInput(
                f"{self.parts.name or 'This model'} does not write of what it sees.",
                hint="A vision-encoder-decoder does: an image model and a language model in one.",
            )
        self.parts.tokenizer  # noqa: B018 - says what is missing
        ImagePipeline.prepare(self)

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[list[Array]]:
        """Write of each image."""
        told = dict(options.generate_kwargs or {})
        found = self._generate(stack(rows, self.parts.pad), told)
        copies = len(found) // len(rows)
        return [[found[at * copies + n] for n in range(copies)] for at in range(len(rows))]

    def result(self, done: Done, options: ImageToTextOptions) -> Any:  # noqa: ARG002
        """Decode what was written of one image."""
        return [
            {"generated_text": self.tokenizer.decode(self.written(ids), skip_special_tokens=True)}
            for ids in done.answers[0]
        ]
