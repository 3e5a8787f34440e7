"""Models that read in another way: a memory of states, or the whole text each time. Row by row.

They see to both sides, or remember states and not keys, so rows of a batch are computed one after
the other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.base.errors import NotSupported
from reprise.models.generate.seam import Array, Runner

_AGAIN = 2  # tokens XLNet reads a second time, behind the memory of all others


class RowSteps:
    """Rows of tokens going through a model without a common cache."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._rows: list[tuple[list[int], Any]] = []  # tokens, and what is remembered of them

    def start(self, rows: Sequence[Array]) -> Array:
        """Take the prompts; give the scores [R, V] after each."""
        found = []
        for row in rows:
            text = [int(token) for token in row]
            scores, memory = self._read(text, None, len(text))
            self._rows.append((text, memory))
            found.append(scores)
        return np.stack(found)

    def feed(self, tokens: Array) -> Array:
        """Take one token [R, 1] of each row; give the scores [R, 1, V]."""
        found = []
        for place, token in enumerate(tokens[:, 0].tolist()):
            text, memory = self._rows[place]
            scores, memory = self._read([*text, token], memory, 1)
            self._rows[place] = ([*text, token], memory)
            found.append(scores)
        return np.stack(found)[:, None]

    def rewind(self, lengths: Sequence[int]) -> None:
        """Refuse: a memory of states cannot take tokens back."""
        raise NotSupported(
            f"This model keeps no cache of {len(lengths)} rows that could take guesses back.",
            hint="Leave assistant_model and prompt_lookup_num_tokens out.",
        )

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows, in this order; one may be kept several times."""
        self._rows = [self._rows[row] for row in rows]

    def join(self, other: "RowSteps") -> None:
        """Take the rows of other steps of the same model below its own."""
        self._rows = [*self._rows, *other._rows]  # noqa: SLF001 - of its own kind

    def trim(self) -> None:
        """Do nothing: rows share no columns."""

    def _read(self, text: list[int], memory: Any, _new: int) -> tuple[Array, Any]:
        """Read a text of which `_new` tokens are new: scores [V], and what to remember."""
        raise NotImplementedError

    def _scores(self, feeds: Mapping[str, Any]) -> tuple[Array, Any]:
        """Run the model on one row; give the last scores [V] and its memory."""
        scores, memory = self._runner.remembered(feeds)
        return scores[0, -1], memory


class MaskedSteps(RowSteps):
    """A model that fills a mask behind the text (XLM).

    Args:
        runner: The model.
        mask: Token of the mask.
        language: Number of the text's language; None: the model has no languages.
    """

    def __init__(self, runner: Runner, mask: int, language: int | None) -> None:
        super().__init__(runner)
        self._mask, self._language = mask, language

    def _read(self, text: list[int], memory: Any, _new: int) -> tuple[Array, Any]:
        del memory  # the mask moves, and changes every state
        ids = np.array([[*text, self._mask]])
        feeds = {"input_ids": ids}
        if self._language is not None:
            feeds["langs"] = np.full_like(ids, self._language)
        return self._scores(feeds)


class PermutedSteps(RowSteps):
    """XLNet: a token that nobody sees asks what comes; the memory holds the text."""

    def _read(self, text: list[int], memory: Any, _new: int) -> tuple[Array, Any]:
        seen = text if memory is None else text[-_AGAIN:]
        ids = np.array([[*seen, 0]])
        length = ids.shape[1]
        hidden = np.zeros((1, length, length), np.float32)
        hidden[:, :, -1] = 1
        asked = np.zeros((1, 1, length), np.float32)
        asked[0, 0, -1] = 1
        feeds: dict[str, Any] = {"input_ids": ids, "perm_mask": hidden, "target_mapping": asked}
        if memory is not None:  # not of the question, nor of what is read again
            feeds["mems"] = [states[:-_AGAIN] for states in memory]
        return self._scores(feeds)


class SegmentSteps(RowSteps):
    """Transformer-XL: what is new, behind the memory of what came before."""

    def _read(self, text: list[int], memory: Any, _new: int) -> tuple[Array, Any]:
        feeds: dict[str, Any] = {"input_ids": np.array([text[-_new:]])}
        if memory is not None:
            feeds["mems"] = memory
        return self._scores(feeds)
