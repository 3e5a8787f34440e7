"""Turn a question into weighted word and character n-grams (sparse tf-idf features).

Training and loading share this file, so the features of a question are the same in both. Only
exactly rounded arithmetic is used (sums, products, square roots) besides `math.log`, which keeps
the values equal from one machine to the next.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Words, and the two marks that tell a question or a complaint from a statement.
_TOKENS = re.compile(r"\w+|[?!]")

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FeatureSettings:
    """What counts as a feature; stored in `config.json`.

    Attributes:
        word_ngrams: Shortest and longest run of words.
        character_ngrams: Shortest and longest run of characters inside one space-padded word.
        word_weight: Length of the word part of a feature vector; the character part has length 1.
    """

    word_ngrams: tuple[int, int] = (1, 2)
    character_ngrams: tuple[int, int] = (2, 4)
    word_weight: float = 1.0


def tokenize(text: str) -> list[str]:
    """Split a text into lower-case words and the marks `?` and `!`."""
    return _TOKENS.findall(unicodedata.normalize("NFKC", text).lower())


def word_ngrams(tokens: list[str], settings: FeatureSettings) -> Iterator[str]:
    """Yield the runs of words, joined by one space."""
    shortest, longest = settings.word_ngrams
    for size in range(shortest, longest + 1):
        for start in range(len(tokens) - size + 1):
            yield " ".join(tokens[start : start + size])


def character_ngrams(tokens: list[str], settings: FeatureSettings) -> Iterator[str]:
    """Yield the runs of characters of each word, the word padded with a space on both sides."""
    shortest, longest = settings.character_ngrams
    for token in tokens:
        padded = f" {token} "
        for size in range(shortest, longest + 1):
            for start in range(len(padded) - size + 1):
                yield padded[start : start + size]


class Vectorizer:
    """Maps a text to the positions and values of its known n-grams.

    Positions number the word n-grams first, then the character n-grams. Each part is
    (1 + log count) x inverse document frequency, scaled to its length.
    """

    def __init__(
        self, words: list[str], characters: list[str], *, idf: Values, settings: FeatureSettings
    ) -> None:
        self.words = words
        self.characters = characters
        self.idf = idf
        self.settings = settings
        weights = idf.tolist()
        self._words = _table(words, weights, start=0)
        self._characters = _table(characters, weights, start=len(words))

    def __len__(self) -> int:
        return len(self.words) + len(self.characters)

    def name(self, index: int) -> str:
        """Return the n-gram at a position; character n-grams stand between bars."""
        if index < len(self.words):
            return self.words[index]
        return f"|{self.characters[index - len(self.words)]}|"

    def __call__(self, text: str) -> tuple[Indices, Values]:
        """Return positions, sorted within each part, and values of the known n-grams of a text."""
        tokens = tokenize(text)
        indices, values = _part(
            word_ngrams(tokens, self.settings), self._words, length=self.settings.word_weight
        )
        more_indices, more_values = _part(
            character_ngrams(tokens, self.settings), self._characters, length=1.0
        )
        return (
            np.array(indices + more_indices, dtype=np.int64),
            np.array(values + more_values, dtype=np.float32),
        )


def _table(ngrams: list[str], idf: list[float], *, start: int) -> Mapping[str, tuple[int, float]]:
    """Map each n-gram to its position and inverse document frequency."""
    return {ngram: (start + i, idf[start + i]) for i, ngram in enumerate(ngrams)}


def _part(
    ngrams: Iterable[str], table: Mapping[str, tuple[int, float]], *, length: float
) -> tuple[list[int], list[float]]:
    """Weigh the n-grams found in the table and scale them to `length`."""
    found = sorted(
        (*table[ngram], count) for ngram, count in Counter(ngrams).items() if ngram in table
    )
    raw = [(1.0 + math.log(count)) * idf for _, idf, count in found]
    norm = math.sqrt(math.fsum(value * value for value in raw))
    return [index for index, _, _ in found], [length * value / norm for value in raw]
