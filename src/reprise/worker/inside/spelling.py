"""What each token of a model spells, and which of them may come where JSON is wanted."""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.history import History
from reprise.tasks.rows import Array
from reprise.worker.inside.json_shape import JsonShape, State

_KEPT = 64  # masks; a model of 150,000 tokens has 150 kB each
_SHAPES = 4  # whose masks are kept
_BATCH = 8192
_NOT_PLAIN = re.compile(r'["\\\x00-\x1f]')
_TEXTS = {"text", "key"}


class Spelling:
    """What each token spells in the middle of a text.

    Args:
        tokenizer: Of the model.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.texts = _spell(tokenizer)
        plain = [bool(text) and not _NOT_PLAIN.search(text) for text in self.texts]
        self.plain = np.array(plain, bool)
        self._special: list[int] = []  # what may end a text of JSON, or break it
        self._by_start: dict[str, dict[str, list[int]]] = {}
        for token, text in enumerate(self.texts):
            if not text:
                continue
            if not plain[token]:
                self._special.append(token)
            seconds = self._by_start.setdefault(text[0], {})
            seconds.setdefault(text[1:2], []).append(token)

        self._masks: OrderedDict[JsonShape, Masks] = OrderedDict()

    def masks(self, shape: JsonShape) -> "Masks":
        """Give which tokens may come in a shape; those of the last shapes are remembered."""
        found = self._masks.pop(shape, None) or Masks(self, shape)
        self._masks[shape] = found
        if len(self._masks) > _SHAPES:
            self._masks.popitem(last=False)
        return found

    def allowed(self, shape: JsonShape, state: State) -> Array:
        """Tell for each token [V] whether it may come."""
        if state.mode in _TEXTS:
            found = self.plain.copy()
            found[self._fitting(shape, state, self._special, 0)] = True
            return found
        found = np.zeros(len(self.texts), bool)
        few = shape.following(state)
        firsts = [first for first in self._by_start if first < "\x7f"] if few is None else few
        for first in firsts:
            seconds = self._by_start.get(first, {})
            one = shape.read(state, first)
            for second, tokens in seconds.items() if one else ():
                two = shape.read(one, second) if one else None
                if two is not None:
                    found[self._fitting(shape, two, tokens, 2)] = True
        return found

    def _fitting(self, shape: JsonShape, state: State, tokens: Iterable[int], at: int) -> list[int]:
        """Choose the tokens whose text from a place on may come."""
        return [token for token in tokens
                if shape.read(state, self.texts[token][at:]) is not None]  # fmt: skip


class Masks:
    """Which tokens may come in a shape, remembered for the states that come again and again."""

    def __init__(self, spelling: Spelling, shape: JsonShape) -> None:
        self.spelling, self.shape = spelling, shape
        self._kept: OrderedDict[State, Array] = OrderedDict()

    def at(self, state: State) -> Array:
        """Give them [V] for a state."""
        if state in self._kept:
            self._kept.move_to_end(state)
            return self._kept[state]
        found = self._kept[state] = self.spelling.allowed(self.shape, state)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


@dataclass
class Shaped:
    """A rule: only tokens come with which an answer can still get its shape; then it ends.

    Attributes:
        masks: Which tokens may come.
        ends: Tokens that end an answer.
    """

    masks: Masks
    ends: tuple[int, ...]

    def __post_init__(self) -> None:
        self._state: State | None = self.masks.shape.start
        self._read = 0

    def __call__(self, scores: Array, history: History) -> None:
        """Change scores [V] in place.

        Raises:
            InvalidInput: No token of this model can go on.
        """
        for token in history.new[self._read :]:
            text = self.masks.spelling.texts[int(token)] if self._state else ""
            self._state = self.masks.shape.read(self._state, text) if self._state else None
        self._read = len(history.new)
        allowed = np.zeros(len(scores), bool)
        if self._state is not None and self.masks.shape.over(self._state):
            allowed[[token for token in self.ends if token < len(allowed)]] = True
        elif self._state is not None:
            mask = self.masks.at(self._state)[: len(scores)]
            allowed[: len(mask)] = mask
        if not allowed.any():
            raise InvalidInput("No token of this model goes on with the JSON that was asked for.")
        scores[~allowed] = -np.inf


def _spell(tokenizer: Any) -> list[str]:
    """Spell every token as it is behind another one; special ones spell nothing."""
    count = max(tokenizer.get_vocab().values(), default=-1) + 1
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    before = tokenizer("a", add_special_tokens=False)["input_ids"][-1:]
    start = len(tokenizer.decode(before, **options)) if before else 0
    known = set(tokenizer.get_vocab().values())
    found = [""] * count
    for at in range(0, count, _BATCH):
        tokens = [token for token in range(at, min(at + _BATCH, count)) if token in known]
        texts = tokenizer.batch_decode([[*before, token] for token in tokens], **options)
        for token, text in zip(tokens, texts, strict=True):
            found[token] = text[start:]
    return found
