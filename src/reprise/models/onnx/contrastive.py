"""Two towers that meet in one space (CLIP)."""

from typing import Any

import numpy as np

from reprise.models.onnx import arguments
from reprise.models.onnx.arguments import Given
from reprise.models.onnx.model import OnnxModel, finish
from reprise.models.onnx.session import Arrays
from reprise.models.outputs import Output

_OF_TEXT = ("input_ids", "attention_mask", "position_ids")


class ContrastiveModel(OnnxModel):
    """Text and images, compared by the cosine of their vectors."""

    def __call__(self, input_ids: Any = None, pixel_values: Any = None,
                 attention_mask: Any = None, **given: Any) -> Any:  # fmt: skip
        """Compare texts [N, T] with images [M, channels, height, width].

        Returns:
            `logits_per_text` [N, M], `logits_per_image`, `text_embeds`, `image_embeds`.

        Raises:
            InvalidInput: An argument is unknown, or its shape or numbers do not fit.
        """
        named = {"input_ids": input_ids, "attention_mask": attention_mask,
                 "pixel_values": pixel_values}  # fmt: skip
        given = self._settings(arguments.arrays(named | given))
        texts, images = self._features("encoder", given), self._features("vision", given)
        text, image = (_normal(side["features"]) for side in (texts, images))
        place = self.plan.places["scale"].stored
        scores = text @ image.T * np.exp(self.tensors[place].numpy(widen=True))
        found = {
            "logits_per_image": scores.T, "logits_per_text": scores,
            "text_embeds": text, "image_embeds": image,
            "text_model_output": _shown(texts), "vision_model_output": _shown(images),
        }  # fmt: skip
        return finish(found, given)

    def get_text_features(self, input_ids: Any, attention_mask: Any = None) -> np.ndarray:
        """Project texts [N, T] into the common space, not normalised: [N, projection]."""
        named = {"input_ids": input_ids, "attention_mask": attention_mask}
        return self._features("encoder", self._settings(arguments.arrays(named)))["features"]

    def get_image_features(self, pixel_values: Any) -> np.ndarray:
        """Project images into the common space, not normalised: [M, projection]."""
        given = self._settings(arguments.arrays({"pixel_values": pixel_values}))
        return self._features("vision", given)["features"]

    def _features(self, part: str, given: Given) -> Arrays:
        tower = self.spec.towers[part]
        arguments.check(given, tower)
        names = _OF_TEXT if part == "encoder" else ("pixel_values",)
        feeds = {name: given[name] for name in names if name in given}
        return self._run(tower, feeds, given, part=part)


def _normal(vectors: np.ndarray) -> np.ndarray:
    """Make vectors of length 1; one of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def _shown(outputs: Arrays) -> Output:
    return Output(last_hidden_state=outputs["last_hidden_state"],
                  pooler_output=outputs["pooler_output"])  # fmt: skip
