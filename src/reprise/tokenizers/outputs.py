"""What a call to a tokenizer returns: a dictionary with the maps of its rows."""

from collections import UserDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.base.optional import require
from reprise.tokenizers.batch import Batch
from reprise.tokenizers.calling import CallOptions
from reprise.tokenizers.config import TokenizerConfig
from reprise.tokenizers.encoding import Encoding


class BatchEncoding(UserDict[str, Any]):
    """`input_ids`, `attention_mask`, …, as keys and as attributes.

    Columns that nobody asked for (words, characters, tokens) are computed when they are first
    used.
    """

    def __init__(
        self,
        data: dict[str, Any] | None = None,
        encodings: Callable[[], list[Encoding]] | None = None,
    ) -> None:
        super().__init__(data or {})
        self._make = encodings
        self._made: list[Encoding] | None = None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self.data:
            return self.data[name]
        raise AttributeError(f"The encoding has no {name!r}.")

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int):
            return self.encodings[key]
        return super().__getitem__(key)

    def __reduce__(self) -> tuple[Callable[..., "BatchEncoding"], tuple[dict[str, Any]]]:
        return BatchEncoding, (self.data,)

    @property
    def is_fast(self) -> bool:
        """Whether the maps between characters, words and tokens exist."""
        return self._make is not None

    @property
    def encodings(self) -> list[Encoding]:
        """The rows, padding included.

        Raises:
            InvalidInput: The encoding was not made by a tokenizer's call.
        """
        if self._made is None:
            if self._make is None:
                raise InvalidInput("This encoding did not come from a tokenizer's call.")
            self._made = self._make()
        return self._made

    def tokens(self, batch_index: int = 0) -> list[str]:
        """Return the tokens of a row."""
        return self.encodings[batch_index].tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return, for each token of a row, the text of the pair it belongs to."""
        return self.encodings[batch_index].sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Return, for each token of a row, the word it belongs to."""
        return self.encodings[batch_index].word_ids

    def char_to_token(
        self, batch_or_char: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the token that covers a character: `(char)` or `(row, char)`."""
        row, char = _at(batch_or_char, char_index)
        return self.encodings[row].char_to_token(char, sequence_index)

    def char_to_word(
        self, batch_or_char: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        """Return the word that covers a character: `(char)` or `(row, char)`."""
        row, char = _at(batch_or_char, char_index)
        return self.encodings[row].char_to_word(char, sequence_index)

    def token_to_chars(
        self, batch_or_token: int, token_index: int | None = None
    ) -> tuple[int, int] | None:
        """Return start and end of a token: `(token)` or `(row, token)`."""
        row, token = _at(batch_or_token, token_index)
        return self.encodings[row].token_to_chars(token)

    def token_to_word(self, batch_or_token: int, token_index: int | None = None) -> int | None:
        """Return the word of a token: `(token)` or `(row, token)`."""
        row, token = _at(batch_or_token, token_index)
        return self.encodings[row].token_to_word(token)

    def token_to_sequence(self, batch_or_token: int, token_index: int | None = None) -> int | None:
        """Return the text of a pair that a token belongs to: `(token)` or `(row, token)`."""
        row, token = _at(batch_or_token, token_index)
        return self.encodings[row].token_to_sequence(token)

    def word_to_tokens(
        self, batch_or_word: int, word_index: int | None = None, sequence_index: int = 0
    ) -> tuple[int, int] | None:
        """Return the first token of a word and the one after its last."""
        row, word = _at(batch_or_word, word_index)
        return self.encodings[row].word_to_tokens(word, sequence_index)

    def word_to_chars(
        self, batch_or_word: int, word_index: int | None = None, sequence_index: int = 0
    ) -> tuple[int, int] | None:
        """Return start and end of a word."""
        row, word = _at(batch_or_word, word_index)
        return self.encodings[row].word_to_chars(word, sequence_index)

    def to(self, device: Any, *, non_blocking: bool = False) -> "BatchEncoding":
        """Move PyTorch tensors to a device; returns itself."""
        for key, value in self.data.items():
            if hasattr(value, "to"):
                self.data[key] = value.to(device, non_blocking=non_blocking)
        return self

    def convert_to_tensors(self, tensor_type: str | None = None) -> "BatchEncoding":
        """Turn lists into "np" or "pt"; returns itself.

        Raises:
            InvalidInput: Rows have different lengths.
        """
        if tensor_type is not None:
            self.data = {key: as_tensor(value, tensor_type) for key, value in self.data.items()}
        return self


def columns(batch: Batch, call: CallOptions, config: TokenizerConfig) -> dict[str, Any]:
    """Return the columns of a batch that a call asked for: lists, or arrays as asked.

    Raises:
        InvalidInput: Arrays were asked for, but rows have different lengths.
    """
    if call.return_tensors is not None and batch.padding is None and _is_ragged(batch):
        raise InvalidInput(
            "Rows of different lengths do not fit into one array.",
            hint="Pass padding=True, and truncation=True if they may be too long.",
        )
    if batch.padding is None and call.return_tensors is None:
        found = _lists(batch)
    else:
        found = batch.padded()
    if not call.wants("attention_mask", config):
        del found["attention_mask"]
    if call.return_length:
        found["length"] = [len(row) for row in found["input_ids"]]
    if call.return_overflowing_tokens:
        found["overflow_to_sample_mapping"] = batch.source_row.tolist()
    if call.return_tensors is None:
        return {key: _listed(key, value) for key, value in found.items()}
    return {key: as_tensor(value, call.return_tensors) for key, value in found.items()}


def as_tensor(value: Any, kind: str) -> Any:
    """Return nested lists or an array as "np" or "pt"."""
    import numpy as np

    if kind not in {"np", "pt"}:
        raise InvalidInput(f"return_tensors is {kind!r}; use None, 'np' or 'pt'.")
    if kind == "pt":
        torch = require("torch", extra="torch")
        if isinstance(value, torch.Tensor):
            return value
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInput(
            "Rows of different lengths do not fit into one array.", hint="Pass padding=True."
        ) from None
    if not array.size:
        array = array.astype(np.int64)
    return array if kind == "np" else torch.from_numpy(array)


def _is_ragged(batch: Batch) -> bool:
    lengths = batch.lengths
    return bool(len(lengths)) and bool((lengths != lengths[0]).any())


def _lists(batch: Batch) -> dict[str, Any]:
    named = {
        "input_ids": batch.ids,
        "token_type_ids": batch.type_ids,
        "attention_mask": None,
        "special_tokens_mask": batch.special_mask,
        "offset_mapping": batch.offsets,
    }
    splits = batch.row_splits.tolist()
    ends = list(pairwise(splits))
    found: dict[str, Any] = {}
    for name, column in named.items():
        if name == "attention_mask":
            found[name] = [[1] * (end - start) for start, end in ends]
        elif column is not None:
            listed = column.tolist()
            found[name] = [listed[start:end] for start, end in ends]
    return found


def _listed(key: str, value: Any) -> Any:
    rows = value if isinstance(value, list) else value.tolist()
    if key == "offset_mapping":
        return [[(start, end) for start, end in row] for row in rows]
    return rows


def _at(first: int, second: int | None) -> tuple[int, int]:
    return (0, first) if second is None else (first, second)


def unbatched(data: dict[str, Any]) -> dict[str, Sequence[Any]]:
    """Return the only row of lists."""
    return {key: value[0] if isinstance(value[0], list) else value for key, value in data.items()}
