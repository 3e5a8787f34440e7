"""The half of a tokenizer that turns ids into text: at once, or as they arrive."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.cleaning import clean_up_spaces
from reprise.tokenizers.engine import DecodeStream
from reprise.tokenizers.vocabulary import Vocabulary


class Decoding(Vocabulary):
    """Ids to text."""

    def decode(
        self,
        token_ids: Any,
        *,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> Any:
        """Turn ids back into text; a list of lists gives a list of texts.

        Args:
            token_ids: An id, ids, rows of ids; lists, NumPy arrays or tensors.
            skip_special_tokens: Leave special tokens out.
            clean_up_tokenization_spaces: Remove spaces before punctuation; None means as the
                tokenizer's configuration says.

        Raises:
            InvalidInput: Something else than ids.
        """
        rows, single = _id_rows(token_ids)
        clean = self._config.clean_up_tokenization_spaces
        if clean_up_tokenization_spaces is not None:
            clean = clean_up_tokenization_spaces
        clean = clean and self._spec.model_type != "BPE"  # its tokens carry their own spaces
        texts = self._texts(rows, skip_special=skip_special_tokens, clean_up=clean)
        return texts[0] if single else texts

    def batch_decode(self, sequences: Any, **options: Any) -> list[str]:
        """Turn rows of ids back into texts; arguments as for `decode`."""
        found = self.decode(sequences, **options)
        return [found] if isinstance(found, str) else found

    def decode_stream(self, *, skip_special_tokens: bool = False) -> DecodeStream:
        """Start turning ids into text one by one: `push(id)`, then `finish()`."""
        if self._spec.frontend is not None:
            return self._front_stream(skip_special=skip_special_tokens)
        return self.engine.decode_stream(skip_special=skip_special_tokens)

    def _front_stream(self, *, skip_special: bool) -> DecodeStream:
        from reprise.tokenizers.frontends import frontend_of
        from reprise.tokenizers.streaming import WindowStream

        return WindowStream(
            lambda ids: self._texts([list(ids)], skip_special=skip_special, clean_up=False)[0],
            pending=frontend_of(self._spec).pending,
        )

    def stream(
        self, token_ids: Iterable[int], *, skip_special_tokens: bool = False
    ) -> Iterator[str]:
        """Yield text as ids arrive, each piece as soon as it is certain."""
        stream = self.decode_stream(skip_special_tokens=skip_special_tokens)
        for token_id in token_ids:
            if piece := stream.push(int(token_id)):
                yield piece
        if rest := stream.finish():
            yield rest

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Turn tokens back into text."""
        if self._spec.frontend is not None:
            from reprise.tokenizers.frontends import frontend_of

            return frontend_of(self._spec).join(tokens)
        return self.engine.join_tokens(tokens)

    def _texts(self, rows: list[list[int]], *, skip_special: bool, clean_up: bool) -> list[str]:
        if self._spec.frontend is not None:
            tokens = [
                self.convert_ids_to_tokens(row, skip_special_tokens=skip_special) for row in rows
            ]
            texts = [self.convert_tokens_to_string([t for t in row if t]) for row in tokens]
            return [clean_up_spaces(text) for text in texts] if clean_up else texts
        import numpy as np

        splits = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        ids = np.fromiter((each for row in rows for each in row), np.uint32, int(splits[-1]))
        return self.engine.decode(ids, splits, skip_special=skip_special, clean_up=clean_up)


def _id_rows(given: Any) -> tuple[list[list[int]], bool]:
    """Return rows of ids, and whether only one was given."""
    if isinstance(given, Mapping):
        given = given["input_ids"]
    listed = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(listed, int):
        return [[_checked(listed)]], True
    if not isinstance(listed, list | tuple):
        raise InvalidInput(f"decode takes ids, not {type(given).__name__}.")
    if listed and (isinstance(listed[0], list | tuple) or hasattr(listed[0], "tolist")):
        return [_id_rows(row)[0][0] for row in listed], False
    return [[_checked(each) for each in listed]], True


def _checked(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{value!r:.80} is no id.") from None
    if not 0 <= number < 1 << 32:
        raise InvalidInput(f"{number} is no id: ids start at 0 and fit 32 bits.")
    return number
