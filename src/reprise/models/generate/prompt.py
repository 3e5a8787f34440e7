"""A call's prompts: rows of tokens without padding, and what the encoder is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models import spec
from reprise.models.generate.seam import Array, Runner
from reprise.models.generate.settings import Settings
from reprise.models.generate.speech import ARGUMENTS as SPEECH
from reprise.models.generate.speech import speech_file, start_tokens
from reprise.models.plan import Plan

_ENCODER = ("input_ids", "attention_mask", "input_features", "pixel_values", "encoder_outputs")
ARGUMENTS = frozenset({*_ENCODER, "decoder_input_ids", "decoder_attention_mask", "token_type_ids",
                       *SPEECH})  # fmt: skip


# What an encoder that reads no tokens is called with.
_FIRST: dict[type, str] = {spec.Frames: "input_features", spec.Patches: "pixel_values"}


@dataclass(frozen=True)
class Prompts:
    """What generation starts from.

    Attributes:
        rows: Each row's own tokens, padding left out.
        shown: What stands before the answers [B, P], as the caller gave it.
        sources: The encoder's tokens of each row, where there are any.
        fixed: What each run of the decoder is given.
        prefix: Of the decoder's arguments.
    """

    rows: tuple[Array, ...]
    shown: Array
    sources: tuple[Array, ...] | None
    fixed: Mapping[str, Any]
    prefix: str = ""

    @property
    def identities(self) -> list[Array]:
        """What tells rows apart: all tokens that they are made from."""
        if self.sources is None:
            return list(self.rows)
        return [np.concatenate(pair) for pair in zip(self.sources, self.rows, strict=True)]


def read_prompts(runner: Runner, settings: Settings, given: Mapping[str, Any]) -> Prompts:
    """Read a call's prompts.

    Raises:
        InvalidInput: There are no tokens, or they are none of this model's.
    """
    plan: Plan = runner.model.plan
    hears = plan.spec.encoder is not None and isinstance(plan.spec.encoder.input, spec.Frames)
    if SPEECH & set(given) and not hears:
        raise InvalidInput(f"A {plan.family.model_type} model hears no speech: no "
                           f"{', '.join(sorted(SPEECH & set(given)))}.")  # fmt: skip
    if plan.spec.encoder is not None and plan.spec.decoder is not None:
        return _of_both(runner, plan, settings, given)
    for name in ("decoder_input_ids", "input_features", "pixel_values", "encoder_outputs"):
        if given.get(name) is not None:
            raise InvalidInput(f"A {plan.family.model_type} model has no encoder: no {name}.")
    ids = given.get("input_ids")
    if ids is None:
        if settings.bos_token_id is None:
            raise InvalidInput("generate needs input_ids: this model has no token to begin with.",
                               hint="Give ids, or bos_token_id.")  # fmt: skip
        ids = [[settings.bos_token_id]]
    shown = _tokens(runner, "input_ids", ids, vocabulary(plan))
    mask = _mask(runner, given.get("attention_mask"), shown, settings)
    rows = tuple(row[there] for row, there in zip(shown, mask, strict=True))
    for number, row in enumerate(rows):
        if not len(row):
            raise InvalidInput(
                f"Row {number} has no tokens: a text to go on from needs at least one.",
                hint="Leave empty texts out, or begin them with the token bos_token_id.",
            )
    return Prompts(rows, shown, None, {})


def vocabulary(plan: Plan) -> int:
    """Tell how many tokens the decoder reads."""
    tower = plan.spec.decoder or plan.spec.encoder
    assert tower is not None
    assert isinstance(tower.input, spec.Embedding | spec.Clusters)
    return tower.input.vocab


def _of_both(runner: Runner, plan: Plan, settings: Settings, given: Mapping[str, Any]) -> Prompts:
    assert plan.spec.encoder is not None
    feeds = {name: runner.arrays(given[name]) for name in _ENCODER[:-1]
             if given.get(name) is not None}  # fmt: skip
    encoded, sources = given.get("encoder_outputs"), None
    first = _FIRST.get(type(plan.spec.encoder.input), "input_ids")
    if encoded is None and first not in feeds:
        raise InvalidInput(f"generate needs {first}: what the encoder reads.")
    if "input_ids" in feeds and first == "input_ids":
        assert isinstance(plan.spec.encoder.input, spec.Embedding)
        shown = _tokens(runner, "input_ids", feeds["input_ids"], plan.spec.encoder.input.vocab)
        there = _mask(runner, given.get("attention_mask"), shown, settings)
        feeds |= {"input_ids": shown}
        if not there.all():
            feeds["attention_mask"] = there.astype(np.int64)
        sources = tuple(row[own] for row, own in zip(shown, there, strict=True))
    if encoded is None:
        encoded = runner.encode(feeds)
    fixed = {"encoder_outputs": encoded}
    if "attention_mask" in feeds:
        fixed["attention_mask"] = feeds["attention_mask"]
    rows = _decoder_rows(runner, settings, given, encoded)
    return Prompts(tuple(rows), rows, sources, fixed, "decoder_")


def _decoder_rows(runner: Runner, settings: Settings, call: Mapping[str, Any],
                  encoded: Any) -> Array:  # fmt: skip
    plan: Plan = runner.model.plan
    given, count = call.get("decoder_input_ids"), len(encoded[0])
    start = settings.decoder_start_token_id
    start = settings.bos_token_id if start is None else start
    if given is not None:
        rows = _tokens(runner, "decoder_input_ids", given, vocabulary(plan))
        if len(rows) == 1 < count:
            rows = rows.repeat(count, axis=0)
        if len(rows) != count or not rows.shape[1]:
            raise InvalidInput(
                f"decoder_input_ids must be [{count}, at least 1], not {list(rows.shape)}."
            )
        return rows
    if start is None:
        raise InvalidInput(
            "Nothing says which token a decoder begins with.",
            hint="Give decoder_start_token_id, or decoder_input_ids.",
        )
    if plan.spec.encoder and isinstance(plan.spec.encoder.input, spec.Frames):
        told = speech_file(runner.model.source.folder if runner.model.source else None)
        rows = start_tokens(runner, told, call, encoded, start)
        return _tokens(runner, "what the decoder begins with", rows, vocabulary(plan))
    return _tokens(runner, "decoder_start_token_id", [[start]] * count, vocabulary(plan))


def _tokens(runner: Runner, name: str, given: Any, count: int) -> Array:
    """Read token ids [B, T]; one row may come without the first side."""
    try:
        ids = runner.arrays(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{name} must be an array of token ids [B, T]: {error}.") from None
    ids = ids[None] if ids.ndim == 1 else ids
    if ids.ndim != 2 or not ids.size or ids.dtype.kind not in "iu":  # noqa: PLR2004 - B, T
        raise InvalidInput(
            f"{name} must be whole numbers [B, T] with at least one token, not {ids.dtype} "
            f"{list(ids.shape)}.",
            hint="A tokenizer gives them: tokenizer(text, return_tensors=…).",
        )
    if int(ids.min()) < 0 or int(ids.max()) >= count:
        raise InvalidInput(
            f"{name} must lie from 0 to {count - 1}; got {int(ids.min())} to {int(ids.max())}.",
            hint="Is this the tokenizer of this model?",
        )
    return ids.astype(np.int64)


def _mask(runner: Runner, given: Any, ids: Array, settings: Settings) -> Array:
    """Mark where tokens are [B, T]: as given, or all but padding where that cannot be an end."""
    if given is not None:
        mask = runner.arrays(given)
        if mask.shape != ids.shape:
            raise InvalidInput(f"attention_mask must be {list(ids.shape)}, not {list(mask.shape)}.")
        there: Array = mask != 0
        return there
    pad = settings.pad_token_id
    if pad is None or pad in settings.eos_token_id or not (ids == pad).any():
        return np.ones(ids.shape, bool)
    kept: Array = ids != pad
    return kept
