"""What an engine returns: a struct of arrays, one entry per token, rows laid end to end."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprise.tokenizers.encoding import Encoding
from reprise.tokenizers.options import Padding

_Column = NDArray[Any]
_SPECIAL_PAD = 1  # padding counts as special, as everywhere in the field


@dataclass(frozen=True, eq=False)
class Batch:
    """Encoded rows. A column that was not asked for is None.

    Attributes:
        ids: uint32 [tokens].
        row_splits: int64 [rows + 1]; row `i` is `ids[row_splits[i]:row_splits[i + 1]]`.
        source_row: int64 [rows]; the input that a row comes from. Windows of one input follow
            each other.
        type_ids: uint8 [tokens]; the segment a token belongs to.
        special_mask: uint8 [tokens]; 1 for tokens that the template added.
        offsets: int32 [tokens, 2]; start and end in code points of the source text.
        word_ids: int32 [tokens]; -1 for none.
        sequence_ids: int8 [tokens]; 0 or 1 for the texts of a pair, -1 for special tokens.
        tokens: The text of each token.
        padding: What `padded` does.
        attention: uint8 [tokens]; 0 for padding. None: the rows hold none, as engines make them.
    """

    ids: NDArray[np.uint32]
    row_splits: NDArray[np.int64]
    source_row: NDArray[np.int64]
    type_ids: NDArray[np.uint8] | None = None
    special_mask: NDArray[np.uint8] | None = None
    offsets: NDArray[np.int32] | None = None
    word_ids: NDArray[np.int32] | None = None
    sequence_ids: NDArray[np.int8] | None = None
    tokens: tuple[str, ...] | None = None
    padding: Padding | None = None
    attention: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.source_row)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, without padding: int64 [rows]."""
        return np.diff(self.row_splits)

    def row(self, index: int) -> Encoding:
        """Return one row with the maps between characters, tokens and words."""
        rows = len(self)
        if not -rows <= index < rows:
            raise IndexError(f"row {index} of a batch of {rows}")
        start, end = self.row_splits[index % rows : index % rows + 2].tolist()

        def read(name: str) -> Any:
            column = getattr(self, name)
            return None if column is None else column[start:end]

        return Encoding(read, end - start)

    def padded(self, dtype: Any = np.int64) -> dict[str, NDArray[Any]]:
        """Return the columns as matrices, [rows, width], under the names that models use.

        `offset_mapping` is [rows, width, 2]. Without a padding in the options, rows are padded
        with zeros on the right up to the longest one.
        """
        padding = self.padding or Padding()
        mask = _mask(self.lengths, padding)
        columns = {"input_ids": _fill(self.ids, padding.pad_id, mask, dtype)}
        if self.type_ids is not None:
            columns["token_type_ids"] = _fill(self.type_ids, padding.pad_type_id, mask, dtype)
        columns["attention_mask"] = mask.astype(dtype)
        if self.special_mask is not None:
            columns["special_tokens_mask"] = _fill(self.special_mask, _SPECIAL_PAD, mask, dtype)
        if self.offsets is not None:
            columns["offset_mapping"] = _fill(self.offsets, 0, mask, dtype)
        return columns


def with_padding(batch: Batch, pad_token: str = "") -> Batch:
    """Return a batch whose rows hold their padding, as `padded` shows it."""
    padding = batch.padding or Padding()
    mask = _mask(batch.lengths, padding)
    rows, width = mask.shape

    def fill(column: _Column | None, value: int) -> Any:
        if column is None:
            return None
        return _fill(column, value, mask, column.dtype).reshape(-1, *column.shape[1:])

    tokens = None
    if batch.tokens is not None:
        places = np.full(mask.shape, -1)
        places[mask] = np.arange(len(batch.ids))
        listed = batch.tokens
        tokens = tuple(pad_token if at < 0 else listed[at] for at in places.ravel().tolist())
    return replace(
        batch,
        ids=fill(batch.ids, padding.pad_id),
        row_splits=np.arange(rows + 1, dtype=np.int64) * width,
        type_ids=fill(batch.type_ids, padding.pad_type_id),
        special_mask=fill(batch.special_mask, _SPECIAL_PAD),
        offsets=fill(batch.offsets, 0),
        word_ids=fill(batch.word_ids, -1),
        sequence_ids=fill(batch.sequence_ids, -1),
        tokens=tokens,
        attention=mask.astype(np.uint8).ravel(),
    )


def _mask(lengths: NDArray[np.int64], padding: Padding) -> NDArray[np.bool_]:
    width = padding.width(int(lengths.max(initial=0)))
    places = np.arange(width)
    if padding.side == "left":
        return np.asarray(places >= (width - lengths)[:, None])
    return np.asarray(places < lengths[:, None])


def _fill(column: _Column, value: int, mask: NDArray[np.bool_], dtype: Any) -> _Column:
    if mask.size == len(column):  # nothing to pad
        return column.astype(dtype).reshape(*mask.shape, *column.shape[1:])
    matrix = np.full((*mask.shape, *column.shape[1:]), value, dtype=dtype)
    matrix[mask] = column
    return matrix
