"""sentence-similarity: how alike sentences are, and the vectors that say so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.rows import Array, Row
from reprise.tasks.sentences import read_pooling, similarities
from reprise.tasks.text import Cut, Reader, check_text


@dataclass(frozen=True)
class SentenceOptions(Options):
    """Parameters of sentence-similarity.

    Attributes:
        max_length: Tokens that sentences are cut to; None: as the model says.
    """

    max_length: int | None = None


class SentenceSimilarity(Pipeline):
    """Compares a sentence with others; `encode` gives the vectors."""

    options_type = SentenceOptions
    fields = ("last_hidden_state",)
    by_token = True

    def prepare(self) -> None:
        """Read how sentences become vectors."""
        self.reader = Reader(self.parts)
        self.pooling = read_pooling(self.parts.folder)

    def __call__(self, inputs: Any = None, sentences: Sequence[str] | None = None,
                 **given: Any) -> Any:  # fmt: skip
        """Compare a sentence with others.

        Args:
            inputs: A sentence; or a mapping with `source_sentence` and `sentences`, or several.
            sentences: What to compare it with.
            **given: See `Pipeline`.

        Returns:
            One number per sentence, a list of such lists for several inputs. Cosine unless the
            model says otherwise.
        """
        if sentences is not None:
            inputs = {"source_sentence": inputs, "sentences": sentences}
        return super().__call__(inputs, **given)

    def encode(self, sentences: str | Iterable[str], **given: Any) -> Array:
        """Give the vectors of sentences: [N, C], or [C] of a single one.

        Args:
            sentences: What to encode.
            **given: As for a call.
        """
        if isinstance(sentences, str):
            return np.asarray(self.encode([sentences], **given)[0])
        wrapped = [_Alone(sentence) for sentence in sentences]
        found = super().__call__(wrapped, **given)
        width = self.model.plan.spec.width * len(self.pooling.modes)
        return np.stack(found) if found else np.zeros((0, width), np.float32)

    def typed(self, words: list[str]) -> Any:
        """Compare the first text with the others; give the vector of a single one."""
        return self.encode(words[0]).tolist() if len(words) == 1 else self(words[0], words[1:])

    def lines(self, lines: Iterator[str]) -> Iterator[Any]:
        """Give the vector of each line."""
        return (vector.tolist() for vector in self(map(_Alone, lines)))

    def read(self, item: Any, options: SentenceOptions) -> Any:  # noqa: ARG002 - the shape of all
        """Accept a sentence and those to compare it with."""
        if isinstance(item, _Alone):
            return _Alone(check_text(item.sentence, "A sentence"))
        if not isinstance(item, Mapping) or set(item) != {"source_sentence", "sentences"}:
            raise InvalidInput(
                "An input is a mapping with source_sentence and sentences.",
                hint="encode(sentences) gives vectors of sentences that are compared with nothing.",
            )
        if not isinstance(item["sentences"], list | tuple) or not item["sentences"]:
            raise InvalidInput("sentences must be a list of at least one sentence.")
        return [check_text(each, "A sentence")
                for each in (item["source_sentence"], *item["sentences"])]  # fmt: skip

    def rows(self, items: Sequence[Any], options: SentenceOptions) -> list[list[Row]]:
        """Encode all sentences of a window at once."""
        texts = [self.pooling.prompt + text
                 for item in items for text in _sentences(item)]  # fmt: skip
        most = options.max_length or self.pooling.max_tokens
        cut = Cut(truncation=True, max_length=min(most, self.parts.limit) if most else None)
        made = iter(self.reader.rows(self.reader.encode(texts, cut)))
        return [[next(made)[0] for _ in _sentences(item)] for item in items]

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:
        """Give one vector per row, so that no states have to be kept."""
        return [self.pooling.vector(answer["last_hidden_state"])
                for answer in super().answers(rows, options)]  # fmt: skip

    def result(self, done: Done, options: SentenceOptions) -> Any:  # noqa: ARG002
        """Compare the first vector with the others."""
        if isinstance(done.item, _Alone):
            return done.answers[0]
        first, *others = done.answers
        found = similarities(first, np.stack(others), self.pooling.similarity)
        return [float(number) for number in found]


@dataclass(frozen=True)
class _Alone:
    """A sentence that is compared with nothing."""

    sentence: Any


def _sentences(item: Any) -> list[str]:
    return [item.sentence] if isinstance(item, _Alone) else list(item)
