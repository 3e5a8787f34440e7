"""image-feature-extraction: what a model says of each patch, or of the whole image."""

from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options
from reprise.tasks.image_rows import ImagePipeline


@dataclass(frozen=True)
class ImageFeatureOptions(Options):
    """Parameters of image-feature-extraction.

    Attributes:
        pool: Whether one vector of the whole image is given instead of one per patch.
        return_tensors: False for nested lists, "np" or True for arrays.
    """

    pool: bool | None = None
    return_tensors: bool | str | None = False


class ImageFeatureExtraction(ImagePipeline):
    """Gives hidden states [1, T, C] per image, or a vector [1, C] with `pool`."""

    options_type = ImageFeatureOptions
    fields = ("last_hidden_state", "pooler_output")

    def result(self, done: Done, options: ImageFeatureOptions) -> Any:
        """Give the states of one image."""
        answer = done.answers[0]
        if options.pool and "pooler_output" not in answer:
            raise InvalidInput("This model has no pooler, so it gives no vector of whole images.")
        found = answer["pooler_output" if options.pool else "last_hidden_state"][None]
        return found if options.return_tensors else found.tolist()
