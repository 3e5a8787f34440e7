"""zero-shot-classification: labels that the model never saw, by what a text entails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.rows import Row
from reprise.tasks.scores import softmax
from reprise.tasks.text import Cut, Reader, check_text


@dataclass(frozen=True)
class ZeroShotOptions(Options):
    """Parameters of zero-shot-classification.

    Attributes:
        candidate_labels: The labels, as a list or between commas.
        hypothesis_template: The sentence a label is put into.
        multi_label: Whether several labels may be true; otherwise the scores sum to 1.
    """

    candidate_labels: Sequence[str] | str | None = None
    hypothesis_template: str = "This example is {}."
    multi_label: bool = False


class ZeroShotClassification(Pipeline):
    """Gives scores of labels per text."""

    options_type = ZeroShotOptions

    def prepare(self) -> None:
        """Find the label that stands for entailment."""
        self.reader = Reader(self.parts)
        names = self.model.config.label2id
        found = [n for label, n in names.items() if label.lower().startswith("entail")]
        if not found:
            raise InvalidInput(
                f"{self.parts.name or 'This model'} has no label that stands for entailment; it "
                f"has {', '.join(names)}.",
                hint="Choose a model trained on natural language inference.",
            )
        self.entailment = found[0]

    def __call__(self, inputs: Any = None, candidate_labels: Any = None, **given: Any) -> Any:
        """Classify texts.

        Args:
            inputs: A text or several.
            candidate_labels: See `ZeroShotOptions`.
            **given: See `ZeroShotOptions` and `Pipeline`.

        Returns:
            `{"sequence": …, "labels": […], "scores": […]}` per text, the best label first.
        """
        inputs = given.pop("sequences", inputs)
        if candidate_labels is not None:
            given["candidate_labels"] = candidate_labels
        return super().__call__(inputs, **given)

    def read(self, item: Any, options: ZeroShotOptions) -> tuple[str, list[str]]:
        """Accept a text, and read the labels."""
        text = check_text(item)
        if not text:
            raise InvalidInput("It is empty: there is nothing to classify.")
        return text, labels_of(options.candidate_labels)

    def rows(self, items: Sequence[Any], options: ZeroShotOptions) -> list[list[Row]]:
        """Encode pairs of text and hypothesis; only the text is ever cut."""
        pairs = [(text, hypothesis(options.hypothesis_template, label))
                 for text, labels in items for label in labels]  # fmt: skip
        batch = self.reader.encode(pairs, Cut(truncation="only_first"))
        made = iter(self.reader.rows(batch))
        return [[next(made)[0] for _ in labels] for _, labels in items]

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: ZeroShotOptions) -> Any:
        """Sort the labels of one text."""
        text, labels = done.item
        logits = np.stack([answer["logits"] for answer in done.answers])
        if options.multi_label or len(labels) == 1:
            contradiction = -1 if self.entailment == 0 else 0
            scores = softmax(logits[:, [contradiction, self.entailment]])[:, 1]
        else:
            scores = softmax(logits[:, self.entailment])
        order = scores.argsort()[::-1].tolist()
        return {"sequence": text, "labels": [labels[at] for at in order],
                "scores": [float(scores[at]) for at in order]}  # fmt: skip


def labels_of(given: Any) -> list[str]:
    """Read candidate labels: a list, or one text between commas.

    Raises:
        InvalidInput: There are none.
    """
    if isinstance(given, str):
        given = [part.strip() for part in given.split(",")]
        given = [part for part in given if part]
    if not isinstance(given, list | tuple) or not given:
        raise InvalidInput("candidate_labels must name at least one label.")
    return [check_text(label, "A label") for label in given]


def hypothesis(template: Any, label: str) -> str:
    """Put a label into a template.

    Raises:
        InvalidInput: The template has no single place for it.
    """
    if not isinstance(template, str) or template.count("{}") != 1:
        raise InvalidInput(f"hypothesis_template must have one {{}} for the label: {template!r}.")
    return template.replace("{}", label)
