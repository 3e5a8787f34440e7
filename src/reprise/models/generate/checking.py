"""What each setting may be: a value of the right type and range, or a clear error."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidInput

_MANY = 1 << 20  # tokens, beams: above it is a mistake
Check = Callable[[str, Any], Any]


def checked(name: str, value: Any) -> Any:
    """Give a setting's value in the form the loop reads.

    Raises:
        InvalidInput: It is of another type, or out of range.
    """
    return _CHECKS[name](name, value)


def check_hands(given: Mapping[str, Any]) -> None:
    """Look at what is called or run while a text is written.

    Raises:
        InvalidInput: A function is none, or an assistant no model.
    """
    allowed, assistant = given.get("prefix_allowed_tokens_fn"), given.get("assistant_model")
    if allowed is not None and not callable(allowed):
        raise InvalidInput(
            f"prefix_allowed_tokens_fn is a function of a row and its ids, not {allowed!r:.80}."
        )
    if assistant is not None and not hasattr(assistant, "plan"):
        raise InvalidInput(
            f"assistant_model is a model that is loaded already, not {assistant!r:.80}.",
            hint="Load it first: AutoModelForCausalLM.from_pretrained(…).",
        )


def whole(name: str, value: Any, low: int = 0, high: int = _MANY) -> int:
    """Read a whole number from `low` to `high`."""
    number = _item(value)
    if isinstance(number, float) and number.is_integer():
        number = int(number)  # as JSON writers have it
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise InvalidInput(
            f"{name} must be a whole number from {low} to {high:,}, not {value!r:.60}."
        )
    return number


def _item(value: Any) -> Any:
    """Give the number of an array or tensor that holds one."""
    if not callable(getattr(value, "item", None)):
        return value
    count = value.numel() if hasattr(value, "numel") else value.size
    return value.item() if count == 1 else value


def _whole(low: int, high: int = _MANY) -> Check:
    return lambda name, value: whole(name, value, low, high)


def _real(low: float, high: float = math.inf, *, open_low: bool = False) -> Check:
    def check(name: str, value: Any) -> float:
        number = _item(value)
        right = isinstance(number, int | float) and not isinstance(number, bool)
        if not right or not low <= number <= high or (open_low and number == low):
            least = f"above {low:g}" if open_low else f"{low:g} or more"
            most = "" if high == math.inf else f" and at most {high:g}"
            raise InvalidInput(f"{name} must be a number, {least}{most}, not {value!r:.60}.")
        if not math.isfinite(number):
            raise InvalidInput(f"{name} must be finite, not {value!r}.")
        return float(number)

    return check


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool) and value not in (0, 1):
        raise InvalidInput(f"{name} must be True or False, not {value!r:.60}.")
    return bool(value)


def _early(name: str, value: Any) -> bool | str:
    if value == "never":
        return "never"
    if not isinstance(value, bool):
        raise InvalidInput(f'{name} must be True, False or "never", not {value!r:.60}.')
    return value


def ids(name: str, value: Any) -> tuple[int, ...]:
    """Read one token id or several."""
    value = value.tolist() if hasattr(value, "tolist") else value
    many = value if isinstance(value, Sequence | set | frozenset) else [value]
    if isinstance(value, str | bytes):
        raise InvalidInput(f"{name} must be token ids, not text: {value!r:.60}.")
    return tuple(whole(name, one, -1, 1 << 28) for one in many)


def _one_id(name: str, value: Any) -> int:
    found = ids(name, value)
    if len(found) != 1:
        raise InvalidInput(f"{name} must be one token id, not {value!r:.60}.")
    return found[0]


def _words(name: str, value: Any) -> tuple[tuple[int, ...], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInput(f"{name} must be a list of lists of token ids, not {value!r:.60}.")
    found = tuple(ids(name, word) for word in value)
    if not all(found) or any(min(word) < 0 for word in found):
        raise InvalidInput(f"{name} must hold words of at least one token id, none below 0.")
    return found


def _biases(name: str, value: Any) -> tuple[tuple[tuple[int, ...], float], ...]:
    pairs: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
    try:
        found = [(ids(name, word), float(bias)) for word, bias in pairs]
    except (TypeError, ValueError):
        found = []
    if not found or any(not word or not math.isfinite(bias) for word, bias in found):
        raise InvalidInput(
            f"{name} must give words (tuples of token ids) a finite number each: {{(5, 7): -2.0}}."
        )
    return tuple(found)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    many = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(one, str) and one for one in many):
        raise InvalidInput(f"{name} must be one or more texts, none of them empty.")
    return many


def _decay(name: str, value: Any) -> tuple[int, float]:
    if not isinstance(value, Sequence) or len(value) != 2:  # noqa: PLR2004 - start, factor
        raise InvalidInput(f"{name} must be a pair (first token, factor), not {value!r:.60}.")
    return whole(name, value[0]), _real(0, open_low=True)(name, value[1])


def _start(name: str, value: Any) -> int:
    return _one_id(name, value)


_POSITIVE = _real(0, open_low=True)
_SHARE = _real(0, 1)
_CHECKS: dict[str, Check] = {
    "max_length": _whole(1), "max_new_tokens": _whole(1), "min_length": _whole(0),
    "min_new_tokens": _whole(0), "max_time": _POSITIVE, "early_stopping": _early,
    "stop_strings": _texts, "do_sample": _flag, "num_beams": _whole(1, 1 << 12),
    "num_beam_groups": _whole(1, 1 << 12), "diversity_penalty": _real(0),
    "length_penalty": _real(-math.inf), "num_return_sequences": _whole(1, 1 << 14),
    "temperature": _POSITIVE, "top_k": _whole(0, 1 << 28), "top_p": _SHARE, "min_p": _SHARE,
    "typical_p": _SHARE, "epsilon_cutoff": _SHARE, "eta_cutoff": _SHARE,
    "repetition_penalty": _POSITIVE, "encoder_repetition_penalty": _POSITIVE,
    "no_repeat_ngram_size": _whole(0), "encoder_no_repeat_ngram_size": _whole(0),
    "bad_words_ids": _words, "sequence_bias": _biases, "suppress_tokens": ids,
    "begin_suppress_tokens": ids, "forced_bos_token_id": _one_id, "forced_eos_token_id": ids,
    "exponential_decay_length_penalty": _decay, "renormalize_logits": _flag,
    "remove_invalid_values": _flag, "bos_token_id": _one_id, "eos_token_id": ids,
    "pad_token_id": _one_id, "decoder_start_token_id": _start,
    "prompt_lookup_num_tokens": _whole(0, 1 << 12), "max_matching_ngram_size": _whole(1, 64),
    "num_assistant_tokens": _whole(1, 1 << 12), "return_dict_in_generate": _flag,
    "output_scores": _flag, "output_logits": _flag, "seed": _whole(0, (1 << 64) - 1),
}  # fmt: skip
