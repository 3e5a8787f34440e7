"""From the arguments of a call, named as in transformers, to rows and options for an engine."""

from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.options import (
    EncodeOptions,
    Padding,
    Row,
    Truncation,
    Want,
)

_LARGE = int(1e20)  # above this a limit means "none", as in transformers
_NO_PADDING = (False, None, "do_not_pad")
_NO_TRUNCATION = (False, None, "do_not_truncate")
_TENSORS = (None, "np", "pt")


@dataclass(frozen=True)
class CallOptions:
    """The keyword arguments of a call to a tokenizer, with transformers' names and meaning.

    Attributes:
        add_special_tokens: Apply the template.
        padding: False, True or "longest", "max_length".
        truncation: False, True or "longest_first", "only_first", "only_second". None also
            truncates when `max_length` is given without padding.
        max_length: Tokens; None means what the model takes.
        stride: Tokens shared by neighbouring windows.
        is_split_into_words: A list of texts is one row of words.
        pad_to_multiple_of: Round the width up.
        padding_side, truncation_side: None means the tokenizer's own.
        return_tensors: None for lists, "np" or "pt".
        return_token_type_ids, return_attention_mask: None means: if the model takes them.
        return_overflowing_tokens: What was cut off becomes more rows, with
            `overflow_to_sample_mapping`.
        return_special_tokens_mask, return_offsets_mapping, return_length: More columns.
        split_special_tokens: Treat special tokens in the text as plain text.
        threads: See `EncodeOptions`.
        verbose: Accepted for compatibility.
    """

    add_special_tokens: bool = True
    padding: bool | str | None = False
    truncation: bool | str | None = None
    max_length: int | None = None
    stride: int = 0
    is_split_into_words: bool = False
    pad_to_multiple_of: int | None = None
    padding_side: str | None = None
    truncation_side: str | None = None
    return_tensors: str | None = None
    return_token_type_ids: bool | None = None
    return_attention_mask: bool | None = None
    return_overflowing_tokens: bool = False
    return_special_tokens_mask: bool = False
    return_offsets_mapping: bool = False
    return_length: bool = False
    split_special_tokens: bool | None = None
    threads: int | None = None
    verbose: bool = True

    def __post_init__(self) -> None:
        if self.return_tensors not in _TENSORS:
            raise InvalidInput(
                f"return_tensors is {self.return_tensors!r}; use None for lists, 'np' or 'pt'."
            )

    def wants(self, column: str, config: TokenizerConfig) -> bool:
        """Tell whether a column that depends on the model is part of the answer."""
        asked = getattr(self, f"return_{column}")
        return column in config.model_input_names if asked is None else bool(asked)


def read_options(arguments: dict[str, Any]) -> CallOptions:
    """Read keyword arguments.

    Raises:
        InvalidInput: One is unknown or does not fit.
    """
    unknown = sorted(arguments.keys() - CallOptions.__dataclass_fields__.keys())
    if unknown:
        raise InvalidInput(f"A tokenizer's call takes no argument {', '.join(unknown)}.")
    return CallOptions(**arguments)


def read_rows(text: Any, pair: Any, *, is_split: bool) -> tuple[list[Row], bool]:
    """Turn what was passed into rows, and tell whether it was a batch.

    Raises:
        InvalidInput: It is neither text nor a list of texts.
    """
    if not isinstance(text, str | list | tuple):
        raise InvalidInput(
            f"A tokenizer takes text, a list of texts or lists of words, not {type(text).__name__}."
        )
    if not _is_batch(text, is_split=is_split):
        first = list(text) if is_split else text
        return [first if not pair else (first, list(pair) if is_split else pair)], False
    if pair is None:
        return [_row(each, is_split=is_split) for each in text], True
    if isinstance(pair, str) or len(pair) != len(text):
        raise InvalidInput(
            f"text is a list of {len(text)}, so text_pair must be a list of as many."
        )
    rows = zip(text, pair, strict=True)
    return [(list(a), list(b)) if is_split else (a, b) for a, b in rows], True


def encode_options(call: CallOptions, config: TokenizerConfig, pad_id: int | None) -> EncodeOptions:
    """Turn keyword arguments into what an engine takes.

    Raises:
        InvalidInput: They contradict each other, or padding is asked for without a token for it.
    """
    return EncodeOptions(
        add_special_tokens=call.add_special_tokens,
        truncation=_truncation(call, config),
        padding=_padding(call, config, pad_id),
        split_special_tokens=(
            config.split_special_tokens
            if call.split_special_tokens is None
            else call.split_special_tokens
        ),
        want=_want(call, config),
        threads=call.threads,
    )


def _is_batch(text: Any, *, is_split: bool) -> bool:
    if isinstance(text, str):
        return False
    return not is_split or (bool(text) and isinstance(text[0], list | tuple))


def _row(each: Any, *, is_split: bool) -> Row:
    if is_split:
        nested = bool(each) and isinstance(each[0], list | tuple)
        return (list(each[0]), list(each[1])) if nested else list(each)
    if isinstance(each, str):
        return each
    if isinstance(each, list | tuple) and len(each) == 2:  # noqa: PLR2004 - a pair
        return each[0], each[1]
    raise InvalidInput(
        f"A row is text or a pair of texts, not {each!r:.80}.",
        hint="Pass is_split_into_words=True for lists of words.",
    )


def _truncation(call: CallOptions, config: TokenizerConfig) -> Truncation | None:
    strategy = call.truncation
    if strategy is None and call.max_length is not None and call.padding is False:
        strategy = True
    if strategy in _NO_TRUNCATION:
        return None
    limit = config.model_max_length if call.max_length is None else call.max_length
    if limit > _LARGE:
        return None
    return Truncation(
        max_length=limit,
        strategy="longest_first" if strategy is True else strategy,  # type: ignore[arg-type]  # checked there
        side=call.truncation_side or config.truncation_side,  # type: ignore[arg-type]  # checked there
        stride=call.stride,
        return_overflow=call.return_overflowing_tokens,
    )


def _padding(call: CallOptions, config: TokenizerConfig, pad_id: int | None) -> Padding | None:
    if call.padding in _NO_PADDING:
        return None
    if call.padding not in (True, "longest", "max_length"):
        raise InvalidInput(
            f"padding is {call.padding!r}; use False, True or 'longest', or 'max_length'."
        )
    length: Any = "longest"
    if call.padding == "max_length":
        length = config.model_max_length if call.max_length is None else call.max_length
        if length > _LARGE:
            return None
    if pad_id is None:
        raise InvalidInput(
            "Padding was asked for, but the tokenizer has no padding token.",
            hint="Set one: tokenizer.pad_token = tokenizer.eos_token",
        )
    return Padding(
        length=length,
        multiple_of=call.pad_to_multiple_of,
        side=call.padding_side or config.padding_side,  # type: ignore[arg-type]  # checked there
        pad_id=pad_id,
        pad_type_id=config.pad_token_type_id,
    )


def _want(call: CallOptions, config: TokenizerConfig) -> Want:
    want = Want.IDS
    if call.wants("token_type_ids", config):
        want |= Want.TYPE_IDS
    if call.return_special_tokens_mask:
        want |= Want.SPECIAL_MASK
    if call.return_offsets_mapping:
        want |= Want.OFFSETS
    return want
