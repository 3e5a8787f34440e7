"""Texts that end an answer, found while it is written; nothing of them is ever shown too early."""

from collections.abc import Sequence


class Stops:
    """Looks for stop texts in what is written.

    Args:
        texts: What ends the answer.
        keep: Whether the text that was found belongs to the answer.
    """

    def __init__(self, texts: Sequence[str], *, keep: bool = False) -> None:
        self._texts, self._keep = tuple(texts), keep
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """Take what was written; gives what can be shown, and whether a stop text ended it."""
        if not self._texts:
            return text, False
        self._held += text
        found = [(at, one) for one in self._texts if (at := self._held.find(one)) >= 0]
        if found:
            at, one = min(found)
            shown, self._held = self._held[: at + len(one) * self._keep], ""
            return shown, True
        kept = self._beginning()
        cut = len(self._held) - kept
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown, False

    def finish(self) -> str:
        """Give what was held back: the answer ended otherwise."""
        held, self._held = self._held, ""
        return held

    def _beginning(self) -> int:
        """Count the characters at the end that may be the beginning of a stop text."""
        most = min(len(self._held), max(map(len, self._texts)) - 1)
        for count in range(most, 0, -1):
            tail = self._held[-count:]
            if any(text.startswith(tail) for text in self._texts):
                return count
        return 0
