"""image-classification: labels of images."""

from dataclasses import dataclass
from typing import Any

from reprise.tasks.base import Done, Options
from reprise.tasks.image_rows import ImagePipeline
from reprise.tasks.scores import check_count, labelled, scored

_COUNT = 5  # labels, where nobody says how many


@dataclass(frozen=True)
class ImageOptions(Options):
    """Parameters of image-classification.

    Attributes:
        top_k: How many labels to give; None: 5.
        function_to_apply: "softmax", "sigmoid" or "none"; None: what the model was trained for.
    """

    top_k: int | None = _COUNT
    function_to_apply: str | None = None


class ImageClassification(ImagePipeline):
    """Gives `{"label", "score"}` per label, the likeliest first."""

    options_type = ImageOptions

    def read(self, item: Any, options: ImageOptions) -> Any:
        """Read an image; look at the parameters."""
        check_count("top_k", options.top_k, optional=True)
        return super().read(item, options)

    def result(self, done: Done, options: ImageOptions) -> Any:
        """Name the scores of one image."""
        config = self.model.config
        scores = scored(done.answers[0]["logits"], config, options.function_to_apply)
        found = sorted(labelled(scores, config.id2label), key=lambda each: -each["score"])
        return found[: options.top_k or _COUNT]
