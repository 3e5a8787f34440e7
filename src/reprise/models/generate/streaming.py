"""Answers as they come: an iterator of pieces, with their text where a tokenizer is given."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from reprise.models.generate.rows import Piece
from reprise.models.outputs import Output


class Stream:
    """Iterates over the pieces of a call; afterwards `output` is what the call gives at once.

    Stopping early costs nothing more: what was not asked for is not computed.
    """

    def __init__(self, pieces: Iterator[Piece], finish: Callable[[], Output]) -> None:
        self._pieces, self._finish = pieces, finish

    def __iter__(self) -> Iterator[Piece]:
        return self

    def __next__(self) -> Piece:
        return next(self._pieces)

    def close(self) -> None:
        """Stop generating."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

    @property
    def output(self) -> Output:
        """The whole answer so far."""
        return self._finish()


def with_text(pieces: Iterator[Piece], tokenizer: Any, *, skip_special: bool) -> Iterator[Piece]:
    """Say what each piece adds to the text of its row; all of them together are the whole text."""
    texts: dict[int, Any] = {}
    for piece in pieces:
        if piece.row not in texts:
            texts[piece.row] = tokenizer.decode_stream(skip_special_tokens=skip_special)
        added = texts[piece.row].push(piece.token)
        if piece.ended:
            added += texts[piece.row].finish()
        yield replace(piece, text=added)


def told(pieces: Iterator[Piece], streamer: Any, prompts: Any) -> Iterator[Piece]:
    """Tell a streamer of transformers' kind: `put` for the prompts and each token, then `end`."""
    streamer.put(prompts)
    for piece in pieces:
        streamer.put(np.array([piece.token]))
        yield piece
    streamer.end()
