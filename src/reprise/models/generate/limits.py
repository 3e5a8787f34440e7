"""How long a row may get: what is asked for, and what the model has positions for."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.generate.history import History
from reprise.models.generate.seam import Array
from reprise.models.generate.settings import Settings
from reprise.models.plan import Plan

log = logging.getLogger(__name__)
_DEFAULT_NEW = 20  # as the reference, where nobody says anything
_CONTEXT = ("max_position_embeddings", "n_positions", "max_target_positions")


def positions(plan: Plan) -> int | None:
    """Tell how many positions the decoder has a vector for; None: it needs none."""
    tower = plan.spec.decoder or plan.spec.encoder
    table = tower.input if tower else None
    if not isinstance(table, spec.Embedding) or table.positions is None:
        return None
    place = table.positions
    return place.rows - place.offset - (place.count == "unpadded")


def make_limit(plan: Plan, settings: Settings, given: Mapping[str, Any],
               rows: Sequence[Array]) -> Callable[[History], int]:  # fmt: skip
    """Make the rule of how many tokens a row may have, its prompt included.

    Args:
        plan: The model's.
        settings: How to generate.
        given: What the call itself says, which has to be possible.
        rows: The prompts.

    Raises:
        InvalidInput: A prompt leaves no room, or more is asked for than there are positions.
    """
    most = positions(plan)
    total = _total(plan, settings)
    for number, row in enumerate(rows):
        length = len(row)
        if most is not None and length >= most:
            raise InvalidInput(
                f"Row {number} has {length} tokens: this model has {most} positions, and what it "
                "writes takes some of them.", hint="Truncate the text.",
            )  # fmt: skip
        if total(length) <= length:
            raise InvalidInput(
                f"Row {number} has {length} tokens, and max_length is {settings.max_length}.",
                hint="Say with max_new_tokens how many tokens to write.",
            )
        asked = {"max_new_tokens", "max_length"} & set(given)
        if most is not None and asked and total(length) > most:
            raise InvalidInput(
                f"Row {number} has {length} tokens; {total(length) - length} more are asked for, "
                f"and this model has {most} positions in all.",
                hint=f"Ask for at most max_new_tokens={most - length}, or truncate the text.",
            )

    _warn_beyond_training(plan, max(map(len, rows), default=0))

    def limit(history: History) -> int:
        asked = total(history.prompt)
        return asked if most is None else min(asked, most)

    return limit


def _warn_beyond_training(plan: Plan, length: int) -> None:
    """Say that a prompt is longer than what a model without a table of positions was made for."""
    known = [plan.config.get(name) for name in _CONTEXT]
    trained = next((number for number in known if isinstance(number, int)), length)
    if length > trained and plan.head is not None and plan.head.kind == "causal_lm":
        log.warning("A prompt has %d tokens, and this model was made for %d: what it writes may "
                    "make no sense.", length, trained)  # fmt: skip


def _total(plan: Plan, settings: Settings) -> Callable[[int], int]:
    """Tell how many tokens a row of a prompt of some length may have."""
    if settings.max_new_tokens is not None:
        new = settings.max_new_tokens
        return lambda prompt: prompt + new
    if settings.max_length is not None:
        stated = settings.max_length
        return lambda _: stated
    context = next((plan.config[name] for name in _CONTEXT if name in plan.config), None)
    return lambda prompt: _by_default(prompt, context)


def _by_default(prompt: int, context: Any) -> int:
    wanted = prompt + _DEFAULT_NEW
    if isinstance(context, int) and context > prompt:
        return min(wanted, context)
    return wanted
