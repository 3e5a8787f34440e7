"""zero-shot-image-classification: labels that the model never saw, by what a text says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options
from reprise.tasks.image_rows import ImagePipeline
from reprise.tasks.rows import Array, Row, stack
from reprise.tasks.running import as_numpy
from reprise.tasks.scores import softmax
from reprise.tasks.text import Cut, Reader
from reprise.tasks.zero_shot_classification import hypothesis, labels_of


@dataclass(frozen=True)
class ZeroShotImageOptions(Options):
    """Parameters of zero-shot-image-classification.

    Attributes:
        candidate_labels: The labels, as a list or between commas.
        hypothesis_template: The sentence a label is put into.
    """

    candidate_labels: Sequence[str] | str | None = None
    hypothesis_template: str = "This is a photo of {}."


class ZeroShotImageClassification(ImagePipeline):
    """Gives `{"score", "label"}` per label, the likeliest first."""

    options_type = ZeroShotImageOptions

    def prepare(self) -> None:
        """Read how images are prepared; refuse models without a tower for text."""
        super().prepare()
        if not hasattr(self.model, "get_text_features"):
            raise InvalidInput("This model does not compare images with texts.")
        self.reader = Reader(self.parts)
        self._known: tuple[Any, Array] | None = None

    def __call__(self, inputs: Any = None, candidate_labels: Any = None, **given: Any) -> Any:
        """Classify images.

        Args:
            inputs: An image or several.
            candidate_labels: See `ZeroShotImageOptions`.
            **given: See `ZeroShotImageOptions` and `Pipeline`.
        """
        if candidate_labels is not None:
            given["candidate_labels"] = candidate_labels
        return super().__call__(given.pop("image", inputs), **given)

    def answers(self, rows: Sequence[Row], options: ZeroShotImageOptions) -> list[Any]:
        """Compare images with the labels' texts, whose vectors are made once."""
        labels = self._labels(options)
        pixels = stack(rows, self.parts.pad)
        found = self.runner.call(pixels, "get_image_features")
        scores = _of_length_one(as_numpy(found)) @ labels.T * self._scale()
        return list(scores)

    def result(self, done: Done, options: ZeroShotImageOptions) -> Any:
        """Sort the labels of one image."""
        scores, labels = softmax(done.answers[0]), labels_of(options.candidate_labels)
        order = sorted(range(len(labels)), key=lambda at: -scores[at])
        return [{"score": float(scores[at]), "label": labels[at]} for at in order]

    def read(self, item: Any, options: ZeroShotImageOptions) -> Any:
        """Read an image; look at the labels."""
        labels_of(options.candidate_labels)
        return super().read(item, options)

    def _labels(self, options: ZeroShotImageOptions) -> Array:
        texts = tuple(hypothesis(options.hypothesis_template, label)
                      for label in labels_of(options.candidate_labels))  # fmt: skip
        if self._known is None or self._known[0] != texts:
            rows = [own[0] for own in self.reader.rows(self.reader.encode(texts, Cut()))]
            for row in rows:
                self.reader.check(row)
            found = self.runner.call(stack(rows, self.parts.pad), "get_text_features")
            self._known = texts, _of_length_one(as_numpy(found))
        return self._known[1]

    def _scale(self) -> Any:
        if self.model.engine == "onnx":
            place = self.model.plan.places["scale"].stored
            return np.exp(self.model.tensors[place].numpy(widen=True))
        return np.exp(as_numpy(self.model.scale))


def _of_length_one(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
