"""Keeping an answer to the shape that its request wants, if the model can."""

from collections.abc import Callable
from functools import partial

from reprise.base.errors import InvalidField
from reprise.models.generate.rules import Rule
from reprise.models.generate.settings import stored_settings
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.inside.json_shape import JsonShape
from reprise.worker.inside.spelling import Shaped, Spelling

Spell = Callable[[], Spelling]


def keep_to(pipe: TextGeneration, shape: JsonShape | None, spell: Spell,
            field: str) -> Callable[[], Rule] | None:  # fmt: skip
    """Make what makes a rule for each answer; None where any text will do.

    Args:
        pipe: Of the model.
        shape: What an answer has to be; None: any text.
        spell: Gives what the model's tokens spell.
        field: What asks for it.

    Raises:
        InvalidField: The model has no tokens for the beginning or the end of it.
    """
    if shape is None:
        return None
    ends = stored_settings(pipe.model.config, pipe.parts.folder).eos_token_id
    masks = spell().masks(shape)
    if not ends or not masks.at(shape.start).any():
        raise InvalidField(f"{field} cannot be kept: this model has no tokens for "
                           f"{'the beginning' if ends else 'the end'} of such an answer.",
                           field=field)  # fmt: skip
    return partial(Shaped, masks, tuple(ends))
