"""fill-mask: what could stand where a text is masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.feature_extraction import cut_of
from reprise.tasks.rows import Array, Row
from reprise.tasks.scores import check_count, softmax
from reprise.tasks.text import Reader, check_text

_COUNT = 5  # tokens, where nobody says how many


@dataclass(frozen=True)
class FillMaskOptions(Options):
    """Parameters of fill-mask.

    Attributes:
        top_k: How many tokens to give; None: 5.
        targets: Words to choose from; None: the whole vocabulary.
        truncation: Whether texts that are too long are cut; by default they are an error.
        max_length: Tokens to cut to.
        tokenizer_kwargs: The same two, as transformers' pipeline takes them.
    """

    top_k: int | None = _COUNT
    targets: str | Sequence[str] | None = None
    truncation: bool | str | None = None
    max_length: int | None = None
    tokenizer_kwargs: Mapping[str, Any] | None = None


class FillMask(Pipeline):
    """Gives the likeliest tokens per mask."""

    options_type = FillMaskOptions
    by_token = True

    def prepare(self) -> None:
        """Make what reads text; refuse tokenizers without a mask."""
        self.reader = Reader(self.parts)
        if self.tokenizer.mask_token_id is None:
            raise InvalidInput("This tokenizer has no mask token, so nothing can be filled in.")

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Fill in masks.

        Args:
            inputs: A text with a mask, or several texts.
            **given: See `FillMaskOptions` and `Pipeline`.

        Returns:
            A list of `{"score", "token", "token_str", "sequence"}` per text, the likeliest first;
            of a text with several masks a list of such lists. A list of one text gives the result
            of that text, as in transformers.
        """
        found = super().__call__(inputs, **given)
        return found[0] if isinstance(inputs, list) and len(inputs) == 1 else found

    def read(self, item: Any, options: FillMaskOptions) -> str:
        """Accept a text."""
        check_count("top_k", options.top_k, optional=True)
        return check_text(item)

    def rows(self, items: Sequence[str], options: FillMaskOptions) -> list[list[Row]]:
        """Encode texts, one row each."""
        return self.reader.rows(self.reader.encode(items, cut_of(options)))

    def check(self, row: Row) -> None:
        """Refuse what has no mask, no tokens or too many."""
        self.reader.check(row)
        if self.tokenizer.mask_token_id not in row.features["input_ids"]:
            raise InvalidInput(
                f"It has no mask token ({self.tokenizer.mask_token}).",
                hint="If it had one, it was cut off; put the mask nearer to the start.",
            )

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:
        """Keep only the logits at masks: those of all tokens are a hundred times as much."""
        found = super().answers(rows, options)
        return [answer["logits"][self._masks(row)].copy()
                for answer, row in zip(found, rows, strict=True)]  # fmt: skip

    def result(self, done: Done, options: FillMaskOptions) -> Any:
        """Read the likeliest tokens of one text."""
        ids = done.rows[0].features["input_ids"]
        places = np.flatnonzero(self._masks(done.rows[0]))
        targets = self._targets(options.targets)
        wanted = targets, options.top_k or _COUNT
        found = [self._filled(ids, int(place), softmax(logits), wanted)
                 for place, logits in zip(places, done.answers[0], strict=True)]  # fmt: skip
        if len(found) == 1:
            return [self._shown(each, skip_special=True) for each in found[0]]
        return [[self._shown(each, skip_special=False) for each in mask] for mask in found]

    def _masks(self, row: Row) -> Array:
        return np.asarray(row.features["input_ids"] == self.tokenizer.mask_token_id)

    def _filled(self, ids: Array, place: int, scores: Array,
                wanted: tuple[Array | None, int]) -> list[tuple[float, int, Array]]:  # fmt: skip
        targets, top_k = wanted
        among = np.arange(len(scores)) if targets is None else targets
        best = among[np.argsort(-scores[among], kind="stable")[:top_k]]
        found = []
        for token in best.tolist():
            filled = ids.copy()
            filled[place] = token
            found.append((float(scores[token]), token, filled))
        return found

    def _shown(self, found: tuple[float, int, Array], *, skip_special: bool) -> dict[str, Any]:
        score, token, ids = found
        kept = [number for number in ids.tolist() if number != self.tokenizer.pad_token_id]
        text = self.tokenizer.decode(kept, skip_special_tokens=skip_special)
        return {"score": score, "token": token, "token_str": self.tokenizer.decode([token]),
                "sequence": text}  # fmt: skip

    def _targets(self, given: str | Sequence[str] | None) -> Array | None:
        """Find the ids of words; one that is no token is stood for by its first token."""
        if given is None:
            return None
        words = [given] if isinstance(given, str) else given
        if not isinstance(words, list | tuple):
            raise InvalidInput(f"targets is {given!r:.80}; give a word, or a list of words.")
        found: set[int] = set()
        vocabulary = self.tokenizer.get_vocab()
        for word in words:
            known = vocabulary.get(check_text(word, "A target"))
            pieces = [known] if known is not None else self.tokenizer.encode(
                word, add_special_tokens=False)  # fmt: skip
            found |= set(pieces[:1])
        if not found:
            raise InvalidInput("targets must name at least one word that the tokenizer knows.")
        return np.array(sorted(found))
