"""Text to rows: one call to the tokenizer per window of inputs, no list of tokens in between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.base.errors import InvalidInput, TooLarge
from reprise.models.spec import walk
from reprise.tasks.parts import Parts
from reprise.tasks.rows import Row
from reprise.tokenizers.calling import CallOptions, encode_options
from reprise.tokenizers.options import Want

if TYPE_CHECKING:
    from reprise.tokenizers.batch import Batch

MAX_TEXT = 1 << 24  # code points of one input; longer ones are files, not inputs


@dataclass(frozen=True, kw_only=True)
class Cut:
    """What happens to texts that are too long.

    Attributes:
        truncation: None or False: nothing, a text beyond the model's limit is an error. True, or
            a tokenizer's strategy: it is cut.
        max_length: Tokens to cut to; None: the model's limit.
        stride: Tokens that a window shares with the one before; None: what is cut off is lost.
    """

    truncation: bool | str | None = None
    max_length: int | None = None
    stride: int | None = None
    special: bool = True


def check_text(value: Any, what: str = "An input") -> str:
    """Accept a text.

    Raises:
        InvalidInput: It is no text, or holds half of a surrogate pair.
        TooLarge: It is longer than any input is.
    """
    if isinstance(value, bytes | bytearray):
        raise InvalidInput(f"{what} is bytes; decode them to text first.")
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be text, not {type(value).__name__}.")
    if len(value) > MAX_TEXT:
        raise TooLarge(
            f"{what} has {len(value):,} characters; one may have {MAX_TEXT:,}.",
            hint="Split it into several inputs.",
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} is no valid text: {error.reason} at {error.start}.") from None
    return value


class Reader:
    """Makes rows of texts for one model."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tokenizer = parts.tokenizer
        takes_types = _takes_types(parts.model)
        self.types = takes_types and "token_type_ids" in self.tokenizer.config.model_input_names

    def encode(self, texts: Sequence[Any], cut: Cut, want: Want = Want.IDS,
               *, words: bool = False) -> "Batch":  # fmt: skip
        """Encode texts, pairs or lists of words; what is cut off is another row with a stride."""
        limit = cut.max_length or (self.parts.limit if self.parts.bounded else None)
        truncation = cut.truncation if limit else False
        call = CallOptions(
            add_special_tokens=cut.special, truncation=truncation or False,
            max_length=limit if truncation else None, stride=cut.stride or 0,
            return_overflowing_tokens=cut.stride is not None, is_split_into_words=words,
        )  # fmt: skip
        options = encode_options(call, self.tokenizer.config, None)
        wanted = options.want | want | (Want.TYPE_IDS if self.types else Want.IDS)
        options = replace(options, want=wanted)
        return self.tokenizer.engine.encode(self._prepared(texts, want), options)

    def rows(self, batch: "Batch", columns: Sequence[str] = ()) -> list[list[Row]]:
        """Give the rows of each input; a row's note has the columns of its tokens by name."""
        starts = batch.row_splits.tolist()
        ids = batch.ids.astype(np.int64)
        types = None if batch.type_ids is None else batch.type_ids.astype(np.int64)
        count = int(batch.source_row[-1]) + 1 if len(batch) else 0
        found: list[list[Row]] = [[] for _ in range(count)]
        for index, source in enumerate(batch.source_row.tolist()):
            here = slice(starts[index], starts[index + 1])
            features = {"input_ids": ids[here]}
            if types is not None and self.types:
                features["token_type_ids"] = types[here]
            note = {name: getattr(batch, name)[here] for name in columns}
            found[source].append(Row(features, here.stop - here.start, note))
        return found

    def check(self, row: Row) -> None:
        """Refuse a row without tokens, or with more than the model has positions for.

        Raises:
            InvalidInput: It is such a row.
        """
        if not row.cost:
            raise InvalidInput("It is empty: there is nothing to run the model on.")
        if row.cost > self.parts.positions:
            raise InvalidInput(
                f"It has {row.cost} tokens, and this model takes {self.parts.positions}.",
                hint="Pass truncation=True to cut what is too long, or split the text.",
            )

    def _prepared(self, texts: Sequence[Any], want: Want) -> Any:
        spec = self.tokenizer.spec
        if spec.frontend is None:
            return list(texts)
        from reprise.tokenizers.frontends import prepare

        return prepare(spec, list(texts), offsets=Want.OFFSETS in want)


def _takes_types(model: Any) -> bool:
    """Whether the model reads segments: in a table of theirs, as tokens, or in its scores."""
    return any(
        (
            path.endswith(("input.types", "text.types", "types_from_tokens", "segments"))
            and bool(leaf)
        )
        for path, leaf in walk(model.plan.spec)
    )
