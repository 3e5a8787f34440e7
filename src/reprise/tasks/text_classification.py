"""text-classification: labels of texts and of pairs; also called sentiment-analysis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.feature_extraction import cut_of
from reprise.tasks.rows import Row
from reprise.tasks.scores import check_count, labelled, scored
from reprise.tasks.text import Reader, check_text

_BEST = "best"


@dataclass(frozen=True)
class ClassificationOptions(Options):
    """Parameters of text-classification.

    Attributes:
        top_k: How many labels to give, as a list; None: all. Left out, only the best is given.
        function_to_apply: "softmax", "sigmoid" or "none"; None: what the model was trained for.
        return_all_scores: The old name: True gives all labels, in the model's order.
        truncation: Whether texts that are too long are cut; by default they are an error.
        max_length: Tokens to cut to.
    """

    top_k: int | str | None = _BEST
    return_all_scores: bool | None = None
    function_to_apply: str | None = None
    truncation: bool | str | None = None
    max_length: int | None = None


class TextClassification(Pipeline):
    """Gives labels and scores per text."""

    options_type = ClassificationOptions

    def prepare(self) -> None:
        """Make what reads text."""
        self.reader = Reader(self.parts)

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Classify texts.

        Args:
            inputs: A text, a mapping with `text` and `text_pair`, or several.
            **given: See `ClassificationOptions` and `Pipeline`.

        Returns:
            `{"label": …, "score": …}` per input, in a list also for a single text; with `top_k` a
            list of them per input.
        """
        found = super().__call__(inputs, **given)
        return [found] if isinstance(inputs, str) and "top_k" not in given else found

    def typed(self, words: list[str]) -> Any:
        """Classify what was typed: one list per text."""
        return self(words)

    def read(self, item: Any, options: ClassificationOptions) -> Any:
        """Accept a text or a pair of texts."""
        if options.top_k != _BEST:
            check_count("top_k", options.top_k, optional=True)
        if isinstance(item, Mapping):
            if not {"text"} <= set(item) <= {"text", "text_pair"}:
                raise InvalidInput(
                    "A mapping must have text, and may have text_pair.",
                    hint="Of a dataset, pass one column: dataset['text'].",
                )
            item = (item["text"], item["text_pair"]) if item.get("text_pair") else item["text"]
        if isinstance(item, list):
            raise InvalidInput(
                "An input is a text, not a list.",
                hint='A pair of texts is {"text": …, "text_pair": …}.',
            )
        if isinstance(item, tuple):
            return tuple(check_text(text, "A text of a pair") for text in item)
        return check_text(item)

    def rows(self, items: Sequence[Any], options: ClassificationOptions) -> list[list[Row]]:
        """Encode texts, one row each."""
        return self.reader.rows(self.reader.encode(items, cut_of(options)))

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: ClassificationOptions) -> Any:
        """Name the scores of one text."""
        config = self.model.config
        scores = scored(done.answers[0]["logits"], config, options.function_to_apply)
        named = labelled(scores, config.id2label)
        if options.top_k == _BEST and options.return_all_scores:
            return named
        found = sorted(named, key=lambda each: -each["score"])
        if options.top_k == _BEST:
            return found[0]
        return found[: options.top_k] if isinstance(options.top_k, int) else found
