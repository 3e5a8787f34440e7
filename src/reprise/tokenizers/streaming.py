"""Ids to text one by one, for any engine that can decode a few ids at once."""

from collections.abc import Callable, Sequence

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MAX_HELD = 64  # ids; by then the bytes that came will never be a character


class WindowStream:
    """Decodes a short window again for each id and returns what it adds.

    Text is held back while it ends in the replacement character, or in `pending`: the next ids may
    complete it. All pieces together are the text of all ids at once, as long as that has no
    replacement characters.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], *, pending: str = "") -> None:
        self._decode = decode
        self._pending = tuple(filter(None, (_REPLACEMENT, pending)))
        self._ids: list[int] = []  # what gives the context, then what is not yet returned
        self._shown = 0  # ids of the context

    def push(self, token_id: int) -> str:
        """Take the next id; return the text that is certain now, often empty."""
        self._ids.append(token_id)
        before, after = self._texts()
        held = len(self._ids) - self._shown
        if after.endswith(self._pending) and held < _MAX_HELD:
            return ""
        return self._emit(before, after)

    def finish(self) -> str:
        """Return what was held back."""
        before, after = self._texts()
        return self._emit(before, after)

    def _texts(self) -> tuple[str, str]:
        return self._decode(self._ids[: self._shown]), self._decode(self._ids)

    def _emit(self, before: str, after: str) -> str:
        new = after[len(before) :]
        if new:  # else the ids stay as they are: a special token, or one that only joins others
            del self._ids[: self._shown]
            self._shown = len(self._ids)
        elif len(self._ids) - self._shown >= _MAX_HELD:
            del self._ids[self._shown :]
        return new
