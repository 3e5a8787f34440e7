"""Rows that were encoded one by one, brought to one length."""

from collections.abc import Mapping
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.calling import encode_options, read_options
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.options import Padding
from reprise.tokenizers.outputs import BatchEncoding

_OPTIONS = frozenset(
    "padding max_length pad_to_multiple_of padding_side return_attention_mask return_tensors "
    "verbose".split()
)


def pad(
    config: TokenizerConfig, pad_id: int | None, encoded: Any, options: dict[str, Any]
) -> BatchEncoding:
    """Pad rows.

    Args:
        config: The tokenizer's.
        pad_id: Id of its padding token.
        encoded: One encoding, a dictionary of columns, or a list of encodings.
        options: `padding`, `max_length`, `pad_to_multiple_of`, `padding_side`,
            `return_attention_mask`, `return_tensors`.

    Raises:
        InvalidInput: There are no `input_ids`, or the options do not fit.
    """
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise InvalidInput(f"pad takes no argument {', '.join(unknown)}.")
    call = read_options({"truncation": False, "padding": True, **options})
    padding = encode_options(call, config, pad_id).padding
    columns, single = _columns(encoded, config.model_input_names[0])
    if call.wants("attention_mask", config) and "attention_mask" not in columns:
        columns["attention_mask"] = [[1] * len(row) for row in _first(columns, config)]
    if padding is not None:
        width = padding.width(max(map(len, _first(columns, config)), default=0))
        filler = _fillers(config, padding)
        columns = {
            name: [_padded(row, width, padding, filler.get(name)) for row in rows]
            for name, rows in columns.items()
        }
    if single and call.return_tensors is None:
        columns = {name: rows[0] for name, rows in columns.items()}
    return BatchEncoding(columns).convert_to_tensors(call.return_tensors)


def _columns(encoded: Any, first: str) -> tuple[dict[str, Any], bool]:
    if isinstance(encoded, list | tuple) and encoded and isinstance(encoded[0], Mapping):
        encoded = {name: [each[name] for each in encoded] for name in encoded[0]}
    if not isinstance(encoded, Mapping) or first not in encoded:
        raise InvalidInput(f"pad takes encodings, which have {first}.")
    columns = {name: _plain(value) for name, value in encoded.items()}
    single = bool(columns[first]) and not isinstance(columns[first][0], list)
    if single:
        columns = {name: [value] for name, value in columns.items()}
    rows = len(columns[first])
    if any(not isinstance(value, list) or len(value) != rows for value in columns.values()):
        raise InvalidInput("The columns have different numbers of rows.")
    return columns, single


def _first(columns: Mapping[str, Any], config: TokenizerConfig) -> Any:
    return columns[config.model_input_names[0]]


def _plain(value: Any) -> Any:
    """Return nested lists of an array, a tensor, or a list of either."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _fillers(config: TokenizerConfig, padding: Padding) -> dict[str, int]:
    return {
        config.model_input_names[0]: padding.pad_id,
        "token_type_ids": padding.pad_type_id,
        "attention_mask": 0,
        "special_tokens_mask": 1,
    }


def _padded(row: Any, width: int, padding: Padding, value: int | None) -> Any:
    if value is None or not isinstance(row, list):
        return row
    rest = [value] * (width - len(row))
    return [*rest, *row] if padding.side == "left" else [*row, *rest]
