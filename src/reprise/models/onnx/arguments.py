"""A call's arguments as arrays of the right type and shape, or a clear error."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput, NotSupported
from reprise.models import spec
from reprise.models.onnx.emit import NUMBERS

Given = dict[str, Any]
SWITCHES = frozenset({"use_cache", "return_dict", "output_hidden_states", "output_attentions",
                      "past_key_values", "encoder_outputs"})  # fmt: skip
_TRAINING = frozenset({"labels", "next_sentence_label", "sentence_order_label", "start_positions",
                       "end_positions", "mc_labels"})  # fmt: skip
_FLOATS = frozenset({"inputs_embeds", "decoder_inputs_embeds", "head_mask", "decoder_head_mask",
                     "cross_attn_head_mask", "encoder_hidden_states", "pixel_values",
                     "input_features", "input_values"})  # fmt: skip
_CHOICES = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids", "langs",
                      "inputs_embeds"})  # fmt: skip


def arrays(given: Mapping[str, Any]) -> Given:
    """Turn what a call gives into arrays; arguments of None are left out.

    Raises:
        InvalidInput: An argument is unknown, or no array of numbers.
        NotSupported: Labels are given: this engine computes no loss.
    """
    found: Given = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in _TRAINING:
            raise NotSupported(f"The onnx engine computes no loss, so it takes no {name}.",
                               hint="Train with engine='torch'.")  # fmt: skip
        if name in SWITCHES:
            found[name] = value
        elif name in NUMBERS or name in _FLOATS:
            found[name] = _array(name, value)
        else:
            raise InvalidInput(f"The onnx engine knows no argument {name!r}.")
    return found


def _array(name: str, value: Any) -> np.ndarray:
    if name == "logits_to_keep":
        return np.asarray([int(value)], np.int64)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInput(f"{name} must be an array of numbers: {error}.") from None
    if array.dtype.kind not in "iubf":
        raise InvalidInput(f"{name} must be an array of numbers, not of {array.dtype}.")
    return array.astype(np.float32 if name in _FLOATS else np.int64, copy=False)


def flat_choices(given: Given) -> int:
    """Put the choices [B, choices, T] one below the other, as rows of a batch; give their number.

    Raises:
        InvalidInput: The tokens have no side for the choices.
    """
    first = given.get("input_ids", given.get("inputs_embeds"))
    if first is None or first.ndim < 3:  # noqa: PLR2004 - B, choices, T
        raise InvalidInput("This head compares choices: input_ids must be [B, choices, T].")
    for name in _CHOICES & set(given):
        given[name] = given[name].reshape(-1, *given[name].shape[2:])
    return int(first.shape[1])


def count_tokens(given: Given, tower: spec.Tower) -> None:
    """Mask what lies beyond a row's tokens where padding has to be zero and no mask is given.

    A row has as many tokens as `lengths` says or, without it, as ids that are not padding.
    """
    lengths, ids, table = given.pop("lengths", None), given.get("input_ids"), tower.input
    if not isinstance(table, spec.Embedding) or not table.mask_pads or ids is None or ids.ndim < 2:  # noqa: PLR2004
        return
    if "attention_mask" not in given and "past_key_values" not in given:
        counted = (ids != table.pad).sum(1) if lengths is None else lengths
        given["attention_mask"] = (np.arange(ids.shape[1]) < counted[:, None]).astype(np.int64)


def check(given: Given, tower: spec.Tower, past: int = 0, prefix: str = "") -> None:
    """Compare a tower's arguments with each other and with its tables.

    Args:
        given: The call's arguments.
        tower: What reads them.
        past: Tokens that a cache holds already.
        prefix: Of a decoder's arguments.

    Raises:
        InvalidInput: A shape or a token does not fit.
    """
    match tower.input:
        case spec.Patches() as image:
            _check_shape(given, "pixel_values", (image.channels, *image.image))
        case spec.Frames() as sound:
            _check_shape(given, "input_features", (sound.mels, 2 * sound.rows))
        case spec.Mixed() as both:
            _check_rows(given, both.text, past + _check_tokens(given, past, prefix), prefix)
            _check_image(given, both.image)
        case spec.Waves() as waves:
            _check_samples(given, waves)
        case spec.Embedding() as table:
            reach = past + _check_tokens(given, past, prefix)
            _check_rows(given, table, reach, prefix)


def _check_image(given: Given, image: spec.Patches) -> None:
    shape: tuple[int, ...] = given["pixel_values"].shape if "pixel_values" in given else ()
    right = len(shape) == len("BCHW") and shape[1] == image.channels
    if not right or shape[2] < image.patch[0] or shape[3] < image.patch[1]:
        raise InvalidInput(f"pixel_values must be [B, {image.channels}, height, width], not "
                           f"{list(shape)}.")  # fmt: skip


def _check_samples(given: Given, waves: spec.Waves) -> None:
    samples, mask = given.get("input_values"), given.pop("attention_mask", None)
    shape: tuple[int, ...] = () if samples is None else samples.shape
    if len(shape) != len("BN") or not shape[0] or shape[1] < waves.shortest:
        raise InvalidInput(f"input_values must be [B, N] with at least {waves.shortest} samples.")
    if mask is not None and not mask.all():
        raise InvalidInput("Sound may not be padded: give sounds of one length together.")


def check_memory(states: np.ndarray, model: spec.ModelSpec) -> None:
    """Compare an encoder's states with the decoder that is to read them.

    Raises:
        InvalidInput: It reads none, or of another width.
    """
    if not any(tower.stack.cross for tower in model.towers.values()):
        raise InvalidInput("This model reads no encoder: leave encoder_hidden_states out.")
    if states.ndim != 3 or states.shape[-1] != model.width or not states.size:  # noqa: PLR2004
        raise InvalidInput(
            f"encoder_hidden_states must be [B, S, {model.width}], not {list(states.shape)}."
        )


def _check_shape(given: Given, name: str, sides: tuple[int, ...]) -> None:
    got = given[name].shape if name in given else ()
    if got[1:] != sides or not all(got):
        raise InvalidInput(
            f"{name} must be [B, {', '.join(map(str, sides))}], not {list(got)}.",
            hint="The onnx engine reads inputs of the size seen in training; resize them, or load "
            "with engine='torch'.",
        )


def _check_tokens(given: Given, past: int, prefix: str) -> int:
    """Compare the shapes of a text's arguments; give its length T."""
    ids, vectors = given.get(f"{prefix}input_ids"), given.get(f"{prefix}inputs_embeds")
    if (ids is None) == (vectors is None):
        raise InvalidInput(f"Give either {prefix}input_ids or {prefix}inputs_embeds, and not both.")
    first = ids if ids is not None else vectors
    assert first is not None
    if first.ndim != (2 if ids is not None else 3) or not first.size:
        raise InvalidInput(
            f"{prefix}input_ids must be [B, T] with at least one token, and {prefix}inputs_embeds "
            f"[B, T, C]; got {list(first.shape)}."
        )
    rows, length = first.shape[:2]
    wanted = {"attention_mask": (rows, past + length), "token_type_ids": (rows, length),
              "langs": (rows, length),
              "key_positions": (rows, past + length)}  # fmt: skip
    for name, shape in wanted.items():
        got = given.get(f"{prefix}{name}")
        if got is not None and got.shape != shape:
            raise InvalidInput(f"{prefix}{name} must be {list(shape)} here, not {list(got.shape)}.")
    return int(length)


def _check_rows(given: Given, table: spec.Embedding, reach: int, prefix: str) -> None:
    types = 0 if table.types_from_tokens else table.types
    for name, rows in (("input_ids", table.vocab), ("token_type_ids", types or table.vocab),
                       ("langs", table.languages or 1)):  # fmt: skip
        _check_range(f"{prefix}{name}", given.get(f"{prefix}{name}"), rows)
    place = table.positions
    if place is None:
        return
    free = place.rows - place.offset - (place.count == "unpadded")
    stated = given.get(f"{prefix}position_ids")
    if stated is not None:
        _check_range(f"{prefix}position_ids", stated,
                     place.rows - place.offset * (place.count != "unpadded"))  # fmt: skip
        return
    placed = given.get(f"{prefix}key_positions")
    reach = reach if placed is None else int(placed.max()) + 1
    if reach > free and (place.count == "index" or "input_ids" not in given):
        raise InvalidInput(f"{reach} tokens are too many: this model has {free} positions.",
                           hint="Truncate the input.")  # fmt: skip


def _check_range(name: str, numbers: Any, rows: int) -> None:
    if numbers is not None and (int(numbers.min()) < 0 or int(numbers.max()) >= rows):
        raise InvalidInput(
            f"{name} must lie from 0 to {rows - 1}; got {int(numbers.min())} to "
            f"{int(numbers.max())}.", hint="Is this the tokenizer of this model?"
        )  # fmt: skip


def spread_gates(given: Given, stack: spec.Stack) -> None:
    """Give head masks [H] a row for every layer: [layers, H].

    Raises:
        InvalidInput: A head mask has another shape.
    """
    for name in ("head_mask", "decoder_head_mask", "cross_attn_head_mask"):
        if name not in given:
            continue
        if given[name].ndim == 1:
            given[name] = np.repeat(given[name][None], stack.layers, axis=0)
        if given[name].shape != (stack.layers, stack.attention.heads):
            raise InvalidInput(f"{name} must be [{stack.layers}, {stack.attention.heads}] (layers, "
                               f"heads), not {list(given[name].shape)}.")  # fmt: skip
