"""What all tasks on images do: read images, and make a row of pixels each."""

from collections.abc import Sequence
from typing import Any

from reprise.models.spec import Patches
from reprise.tasks.base import Pipeline
from reprise.tasks.images import open_image, read_preparation
from reprise.tasks.rows import Row


class ImagePipeline(Pipeline):
    """Runs images."""

    def prepare(self) -> None:
        """Read how images are prepared."""
        self.preparation = read_preparation(self.parts.settings)
        self.cost = _patches(self.model)

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one image, or the path of one."""
        return not isinstance(inputs, list | tuple) and (
            isinstance(inputs, str) or hasattr(inputs, "__fspath__") or hasattr(inputs, "size")
        )

    def read(self, item: Any, options: Any) -> Any:  # noqa: ARG002
        """Read an image."""
        return self.preparation.pixels(open_image(item))

    def rows(self, items: Sequence[Any], options: Any) -> list[list[Row]]:  # noqa: ARG002
        """Make a row of each image's pixels."""
        return [[Row({"pixel_values": pixels}, self.cost)] for pixels in items]


def _patches(model: Any) -> int:
    """Count the patches that an image becomes: what takes as long as that many tokens."""
    for tower in model.plan.spec.towers.values():
        if isinstance(tower.input, Patches):
            (height, width), (tall, wide) = tower.input.image, tower.input.patch
            return max(1, (height // tall) * (width // wide))
    return 1
