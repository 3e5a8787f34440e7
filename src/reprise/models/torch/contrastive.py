"""Two towers that meet in one space (CLIP)."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reprise.models.outputs import Output
from reprise.models.plan import Plan
from reprise.models.torch.call import Inputs
from reprise.models.torch.layers import Linear, parameter
from reprise.models.torch.model import Planned, finish, tower_inputs
from reprise.models.torch.tower import Passed, Tower


class ProjectedTower(Tower):
    """A tower whose pooled state is projected into the common space."""

    def __init__(self, plan: Plan, name: str) -> None:
        tower = plan.spec.towers[name]
        super().__init__(tower, plan.spec.dropout)
        self.projection = Linear(plan.spec.projection, tower.stack.width, bias=False)

    def features(self, given: Inputs) -> tuple[Passed, Tensor]:
        """Run it: what it passed, and the projected vector [B, projection]."""
        passed = self.run(given)
        assert passed.pooled is not None
        return passed, self.projection(passed.pooled)


class ContrastiveModel(Planned):
    """Text and images, compared by the cosine of their vectors."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.encoder = ProjectedTower(plan, "encoder")
        self.vision = ProjectedTower(plan, "vision")
        self.scale = parameter()

    def forward(self, input_ids: Tensor | None = None, pixel_values: Tensor | None = None,
                attention_mask: Tensor | None = None, **given: Any) -> Any:  # fmt: skip
        """Compare texts [N, T] with images [M, channels, height, width].

        Returns:
            `logits_per_text` [N, M], `logits_per_image`, `text_embeds`, `image_embeds`, and with
            `return_loss=True` the contrastive loss of the pairs on the diagonal.
        """
        given |= {"input_ids": input_ids, "attention_mask": attention_mask}
        text_passed, text = self.encoder.features(tower_inputs(given))
        image_passed, image = self.vision.features(Inputs(pixel_values=pixel_values))
        text, image = (functional.normalize(side, dim=-1) for side in (text, image))
        scores = text @ image.T * self.scale.exp()
        found = {
            "loss": _loss(scores) if given.get("return_loss") else None,
            "logits_per_image": scores.T, "logits_per_text": scores,
            "text_embeds": text, "image_embeds": image,
            "text_model_output": _shown(text_passed), "vision_model_output": _shown(image_passed),
        }  # fmt: skip
        return finish(found, given)

    def get_text_features(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Project texts [N, T] into the common space, not normalised: [N, projection]."""
        given = Inputs(input_ids=input_ids, attention_mask=attention_mask)
        return self.encoder.features(given)[1]

    def get_image_features(self, pixel_values: Tensor) -> Tensor:
        """Project images into the common space, not normalised: [M, projection]."""
        return self.vision.features(Inputs(pixel_values=pixel_values))[1]


def _loss(scores: Tensor) -> Tensor:
    right = torch.arange(len(scores), device=scores.device)
    both = functional.cross_entropy(scores, right) + functional.cross_entropy(scores.T, right)
    return both / 2


def _shown(passed: Passed) -> Output:
    return Output(last_hidden_state=passed.last, pooler_output=passed.pooled)
