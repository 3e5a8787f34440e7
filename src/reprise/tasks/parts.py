"""What a pipeline runs on: a model, what prepares its inputs, and where they came from."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.base.errors import InvalidInput
from reprise.models.spec import Embedding, Mixed
from reprise.tasks.rows import Pad

if TYPE_CHECKING:
    from reprise.tokenizers import Tokenizer

_LARGE = 10**9  # a tokenizer that knows no limit states an absurd one


@dataclass(frozen=True)
class Parts:
    """What a pipeline runs on.

    Attributes:
        task: What it is for.
        asked: How the caller called the task: `translation_en_to_de`.
        model: A model of either engine.
        name: As the caller wrote it.
        commit: Which commit of the repo; empty for a folder or a model of the caller's own.
        folder: Where its small files are; None for a model of the caller's own.
        given_tokenizer: Its tokenizer; None for models without text.
        settings: `preprocessor_config.json`, empty where there is none.
    """

    task: str
    model: Any
    name: str = ""
    commit: str = ""
    folder: Path | None = None
    given_tokenizer: "Tokenizer | None" = None
    settings: dict[str, Any] | None = None
    asked: str = ""

    @property
    def tokenizer(self) -> "Tokenizer":
        """Its tokenizer.

        Raises:
            InvalidInput: It has none.
        """
        if self.given_tokenizer is None:
            raise InvalidInput(
                f"{self.task} needs a tokenizer, and {self.name or 'this model'} has none.",
                hint="Pass tokenizer=, a repo, a folder or a tokenizer.",
            )
        return self.given_tokenizer

    @property
    def pad(self) -> Pad:
        """How rows get one length."""
        if self.given_tokenizer is None:
            return Pad()
        config = self.tokenizer.config
        ids = self.tokenizer.pad_token_id
        return Pad(ids, config.pad_token_type_id, left=config.padding_side == "left")

    @cached_property
    def positions(self) -> int:
        """Tokens that the model has positions for; a very large number where it has no table."""
        return positions(self.model)

    @cached_property
    def limit(self) -> int:
        """Tokens of a row that the model was made for."""
        return min(self.positions, int(self.tokenizer.model_max_length))

    @property
    def bounded(self) -> bool:
        """Whether there is a limit at all."""
        return self.limit < _LARGE


def positions(model: Any) -> int:
    """Count the positions that a model's first tower of text has a table for."""
    for tower in model.plan.spec.towers.values():
        read = tower.input.text if isinstance(tower.input, Mixed) else tower.input
        if isinstance(read, Embedding):
            place = read.positions
            if place is None or place.kind in {"sinus", "sinus_interleaved"}:
                return _LARGE
            return int(place.rows - place.offset - (place.count == "unpadded"))
    return _LARGE
