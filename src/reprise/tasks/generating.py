"""What all tasks that write do: parameters of generation, and rows for `model.generate`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.settings import Settings
from reprise.tasks.base import Options, Pipeline
from reprise.tasks.rows import Array, Row, stack
from reprise.tasks.running import as_numpy
from reprise.tasks.schedule import WRITING, Room

_NO_TOKEN = -1  # stands behind rows that ended, where the tokenizer has nothing for it
_SETTINGS = frozenset(field.name for field in fields(Settings))
_MORE = frozenset({"stopping_criteria", "logits_processor", "prefix_allowed_tokens_fn",
                   "assistant_model", "generation_config"})  # fmt: skip


@dataclass(frozen=True)
class WritingOptions(Options):
    """Parameters that all writing tasks have; those of `model.generate` are given beside them.

    Attributes:
        generate_kwargs: Parameters of `model.generate`.
    """

    generate_kwargs: Mapping[str, Any] | None = None


class WritingPipeline(Pipeline):
    """Runs `model.generate` on rows."""

    also = ", and the parameters of model.generate"

    def _changed(self, options: Any, given: dict[str, Any]) -> Any:
        own = {name: value for name, value in given.items() if name not in _SETTINGS | _MORE}
        told = {name: value for name, value in given.items() if name in _SETTINGS | _MORE}
        if not isinstance(own.get("generate_kwargs"), Mapping | None):
            raise InvalidInput(f"generate_kwargs is a mapping, not {own['generate_kwargs']!r:.80}.")
        kept = dict(options.generate_kwargs or {})
        own["generate_kwargs"] = kept | dict(own.get("generate_kwargs") or {}) | told
        return super()._changed(options, own)

    def prepare(self) -> None:
        """Refuse models that cannot write."""
        if not hasattr(self.model, "generate"):
            raise InvalidInput(f"{self.parts.name or 'This model'} cannot write.")

    def room(self) -> Room:
        """Say what a batch may hold: steps are what takes time."""
        return max(self.runner.room, WRITING, key=lambda room: room.budget)

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[Any]:
        """Write on from rows; gives the token ids of each sequence of each row."""
        told = dict(options.generate_kwargs or {})
        features = stack(rows, self.parts.pad)
        features.pop("token_type_ids", None)
        found = self._generate(features, told)
        copies = len(found) // len(rows)
        return [[found[at * copies + n] for n in range(copies)] for at in range(len(rows))]

    def _generate(self, features: Mapping[str, Any], told: Mapping[str, Any]) -> Array:
        given: dict[str, Any] = dict(features)
        if self.model.engine == "torch":
            import torch

            given = {
                name: torch.from_numpy(value).to(self.model.device)
                if isinstance(value, np.ndarray)
                else value
                for name, value in given.items()
            }
        # Texts that end a row may stand in the model's own settings: they are read with it.
        more = {"tokenizer": self.tokenizer, **told}
        if self.parts.pad.ids is None:
            more["pad_token_id"] = _NO_TOKEN
        found = self.model.generate(**given, **more)
        found = found["sequences"] if isinstance(found, Mapping) else found
        return as_numpy(found).astype(np.int64)

    def written(self, ids: Array) -> list[int]:
        """Give the ids that mean something: padding behind the end is left out."""
        pad = self.parts.pad.ids
        meant = np.flatnonzero(ids != (_NO_TOKEN if pad is None else pad))
        found: list[int] = ids[: int(meant[-1]) + 1 if len(meant) else 0].tolist()
        return found
