"""visual-question-answering: what a text asks about an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.models.spec import Mixed
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.images import open_image, read_preparation
from reprise.tasks.rows import Row
from reprise.tasks.scores import check_count, name_of, sigmoid
from reprise.tasks.text import Cut, Reader, check_text


@dataclass(frozen=True)
class VisualOptions(Options):
    """Parameters of visual-question-answering.

    Attributes:
        top_k: How many answers to give.
        truncation: Whether questions that are too long are cut; by default they are an error.
    """

    top_k: int = 5
    truncation: bool | str | None = None


class VisualQuestionAnswering(Pipeline):
    """Gives `{"score", "answer"}` per answer, the likeliest first."""

    options_type = VisualOptions
    takes_mapping = True

    def prepare(self) -> None:
        """Read how images are prepared; refuse models that do not read both in one row."""
        tower = self.model.plan.spec.encoder
        if tower is None or not isinstance(tower.input, Mixed):
            raise InvalidInput(f"{self.parts.name or 'This model'} does not read an image with a "
                               "question.")  # fmt: skip
        self.reader = Reader(self.parts)
        self.preparation = read_preparation(self.parts.settings)
        self.patch = tower.input.image.patch

    def __call__(self, image: Any = None, question: Any = None, **given: Any) -> Any:  # type: ignore[override]  # as in transformers
        """Answer questions about images.

        Args:
            image: An image, or several; or `{"image", "question"}`, or several of those.
            question: A question about it, or several.
            **given: See `VisualOptions` and `Pipeline`.
        """
        if question is not None:
            image = _paired(image, question)
        return super().__call__(image, **given)

    def typed(self, words: list[str]) -> Any:
        """Answer the question that stands behind an image's path."""
        if len(words) != 2:  # noqa: PLR2004 - an image and a question
            raise InvalidInput("Give the path of an image and a question.")
        return self(words[0], words[1])

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one image with its question."""
        return isinstance(inputs, Mapping)

    def read(self, item: Any, options: VisualOptions) -> tuple[Any, str]:
        """Read an image and a question."""
        check_count("top_k", options.top_k)
        if not isinstance(item, Mapping) or not {"image", "question"} <= set(item):
            raise InvalidInput("Give an image and a question: {'image': …, 'question': …}.")
        question = check_text(item["question"], "A question")
        return self.preparation.pixels(open_image(item["image"])), question

    def rows(self, items: Sequence[Any], options: VisualOptions) -> list[list[Row]]:
        """Put the pixels of each image beside the tokens of its question."""
        texts = [question for _, question in items]
        made = self.reader.rows(self.reader.encode(texts, Cut(truncation=options.truncation)))
        return [[self._row(own[0], pixels)]
                for own, (pixels, _) in zip(made, items, strict=True)]  # fmt: skip

    def _row(self, text: Row, pixels: Any) -> Row:
        height, width = pixels.shape[1:]
        patches = (height // self.patch[0]) * (width // self.patch[1])
        features = {**text.features, "pixel_values": pixels}
        return replace(text, features=features, cost=text.cost + patches, note=text.cost)

    def check(self, row: Row) -> None:
        """Refuse a question without tokens, or with too many."""
        self.reader.check(replace(row, cost=row.note))

    def answers(self, rows: Sequence[Row], options: Any) -> list[Any]:
        """Run rows as batches of images of one size, which are not padded."""
        found: list[Any] = [None] * len(rows)
        sizes: dict[Any, list[int]] = {}
        for at, row in enumerate(rows):
            sizes.setdefault(row.features["pixel_values"].shape, []).append(at)
        for chosen in sizes.values():
            own = super().answers([rows[at] for at in chosen], options)
            for at, answer in zip(chosen, own, strict=True):
                found[at] = answer
        return found

    def result(self, done: Done, options: VisualOptions) -> Any:
        """Name the likeliest answers."""
        scores, names = sigmoid(done.answers[0]["logits"]), self.model.config.id2label
        order = sorted(range(len(scores)), key=lambda at: -scores[at])[: options.top_k]
        return [{"score": float(scores[at]), "answer": name_of(names, at)} for at in order]


def _paired(image: Any, question: Any) -> Any:
    """Pair images and questions: one of either goes with all of the other."""
    many, asked = isinstance(image, list | tuple), isinstance(question, list | tuple)
    if not many and not asked:
        return {"image": image, "question": question}
    images = list(image) if many else [image] * len(question)
    questions = list(question) if asked else [question] * len(images)
    if len(images) != len(questions):
        raise InvalidInput(f"There are {len(images)} images and {len(questions)} questions.")
    return [{"image": one, "question": text} for one, text in zip(images, questions, strict=True)]
