"""One row of a batch, with the maps between its characters, tokens and words."""

from collections.abc import Callable
from typing import Any

from reprise.base.errors import InvalidInput

_NONE = -1


class Encoding:
    """A view of one row; everything is computed when it is read.

    A method that needs a column which was not asked for raises `InvalidInput` and names it.
    """

    __slots__ = ("_length", "_read")

    def __init__(self, read: Callable[[str], Any], length: int) -> None:
        self._read = read
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"Encoding({len(self)} tokens)"

    @property
    def ids(self) -> list[int]:
        """Ids of the tokens."""
        return self._column("ids")

    @property
    def type_ids(self) -> list[int]:
        """The segment of each token."""
        return self._column("type_ids")

    @property
    def attention_mask(self) -> list[int]:
        """1 for each token, 0 for padding."""
        column = self._read("attention")
        listed: list[int] = [1] * len(self) if column is None else column.tolist()
        return listed

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for the tokens that the template added."""
        return self._column("special_mask")

    @property
    def tokens(self) -> list[str]:
        """The tokens as text."""
        return self._column("tokens")

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Start and end of each token in the source text, in characters."""
        return [(start, end) for start, end in self._column("offsets")]

    @property
    def word_ids(self) -> list[int | None]:
        """The word of its text that each token belongs to."""
        return [None if word == _NONE else word for word in self._column("word_ids")]

    @property
    def sequence_ids(self) -> list[int | None]:
        """0 or 1: the text of a pair that each token belongs to."""
        return [None if text == _NONE else text for text in self._column("sequence_ids")]

    @property
    def n_sequences(self) -> int:
        """How many texts the row holds."""
        return max([text for text in self.sequence_ids if text is not None], default=0) + 1

    def token_to_sequence(self, token_index: int) -> int | None:
        """Return which text of a pair a token belongs to."""
        return self.sequence_ids[token_index]

    def token_to_chars(self, token_index: int) -> tuple[int, int] | None:
        """Return start and end of a token in its text; None for a special one."""
        if self.sequence_ids[token_index] is None:
            return None
        return self.offsets[token_index]

    def token_to_word(self, token_index: int) -> int | None:
        """Return the word that a token belongs to."""
        return self.word_ids[token_index]

    def char_to_token(self, char_index: int, sequence_index: int = 0) -> int | None:
        """Return the token that covers a character of a text; None where none does."""
        owners = self.sequence_ids
        for token, (start, end) in enumerate(self.offsets):
            if owners[token] == sequence_index and start <= char_index < end:
                return token
        return None

    def char_to_word(self, char_index: int, sequence_index: int = 0) -> int | None:
        """Return the word that covers a character of a text."""
        token = self.char_to_token(char_index, sequence_index)
        return None if token is None else self.word_ids[token]

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """Return the first token of a word and the one after its last."""
        owners = self.sequence_ids
        found = [
            token
            for token, word in enumerate(self.word_ids)
            if word == word_index and owners[token] == sequence_index
        ]
        return (found[0], found[-1] + 1) if found else None

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """Return start and end of a word in its text."""
        tokens = self.word_to_tokens(word_index, sequence_index)
        if tokens is None:
            return None
        offsets = self.offsets
        return offsets[tokens[0]][0], offsets[tokens[1] - 1][1]

    def _column(self, name: str) -> list[Any]:
        column = self._read(name)
        if column is None:
            raise InvalidInput(
                f"The batch has no {name}: they were not asked for.",
                hint=f"Add Want.{name.upper()} to the `want` of EncodeOptions.",
            )
        listed: list[Any] = list(column) if isinstance(column, tuple) else column.tolist()
        return listed
