"""One row's text so far, as rules, samplers and stops read it."""

import numpy as np

from reprise.models.generate.seam import Array


class History:
    """Token ids of one row, prompt first, in a buffer that is made once.

    Args:
        prompt: The row's own prompt, without padding.
        room: Most tokens it will ever hold.
        source: The encoder's tokens, for rules that read them.
    """

    def __init__(self, prompt: Array, room: int, source: Array | None = None) -> None:
        self._buffer = np.empty(max(room, len(prompt) + 1), np.int64)
        self._buffer[: len(prompt)] = prompt
        self.prompt, self._length, self.source = len(prompt), len(prompt), source

    def __len__(self) -> int:
        return self._length

    @property
    def ids(self) -> Array:
        """All tokens so far; a view."""
        return self._buffer[: self._length]

    @property
    def new(self) -> Array:
        """Tokens that were generated; a view."""
        return self._buffer[self.prompt : self._length]

    def append(self, token: int) -> None:
        """Add a token."""
        if self._length == len(self._buffer):
            self._buffer = np.concatenate((self._buffer, np.empty_like(self._buffer)))
        self._buffer[self._length] = token
        self._length += 1

    def cut(self, length: int) -> None:
        """Take back what is beyond a length."""
        self._length = length

    def plus(self, token: int) -> "History":
        """Copy it with one token more."""
        made = History(self.ids, len(self._buffer), self.source)
        made.prompt = self.prompt
        made.append(token)
        return made
