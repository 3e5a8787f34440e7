"""text-ranking: texts in the order in which they answer a query, by a cross encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.rows import Row
from reprise.tasks.scores import check_count, scored
from reprise.tasks.text import Cut, Reader, check_text


@dataclass(frozen=True)
class RankingOptions(Options):
    """Parameters of text-ranking.

    Attributes:
        top_k: How many texts to give; None: all.
        function_to_apply: "sigmoid" or "none"; None: what the model was trained for.
        max_length: Tokens that query and text are cut to together.
    """

    top_k: int | None = None
    function_to_apply: str | None = None
    max_length: int | None = None


class TextRanking(Pipeline):
    """Ranks texts for a query."""

    options_type = RankingOptions
    takes_mapping = True

    def prepare(self) -> None:
        """Make what reads text; refuse models that give more than one number."""
        self.reader = Reader(self.parts)
        if self.model.config.num_labels != 1:
            raise InvalidInput(
                f"{self.parts.name or 'This model'} gives {self.model.config.num_labels} numbers "
                "per pair; ranking needs one.",
                hint="Use it for text-classification with text and text_pair.",
            )

    def __call__(self, inputs: Any = None, texts: Sequence[str] | None = None,
                 **given: Any) -> Any:  # fmt: skip
        """Rank texts.

        Args:
            inputs: A query; or a mapping with `query` and `texts`, or several.
            texts: What may answer it.
            **given: See `RankingOptions` and `Pipeline`.

        Returns:
            `{"index": …, "score": …, "text": …}` per text, the best first.
        """
        if texts is not None:
            inputs = {"query": inputs, "texts": texts}
        return super().__call__(inputs, **given)

    def typed(self, words: list[str]) -> Any:
        """Rank the texts behind the first, which is the query."""
        return self(words[0], words[1:])

    def read(self, item: Any, options: RankingOptions) -> Any:
        """Accept a query and its texts."""
        check_count("top_k", options.top_k, optional=True)
        if not isinstance(item, Mapping) or set(item) != {"query", "texts"}:
            raise InvalidInput("An input is a mapping with query and texts.")
        if not isinstance(item["texts"], list | tuple) or not item["texts"]:
            raise InvalidInput("texts must be a list of at least one text.")
        query = check_text(item["query"], "The query")
        return query, [check_text(text, "A text") for text in item["texts"]]

    def rows(self, items: Sequence[Any], options: RankingOptions) -> list[list[Row]]:
        """Encode pairs of query and text."""
        pairs = [(query, text) for query, texts in items for text in texts]
        cut = Cut(truncation=True, max_length=options.max_length)
        made = iter(self.reader.rows(self.reader.encode(pairs, cut)))
        return [[next(made)[0] for _ in texts] for _, texts in items]

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: RankingOptions) -> Any:
        """Sort the texts of one query."""
        function = options.function_to_apply or _trained_with(self.model.config)
        scores = [float(scored(answer["logits"], self.model.config, function)[0])
                  for answer in done.answers]  # fmt: skip
        order = sorted(range(len(scores)), key=lambda at: -scores[at])[: options.top_k]
        _, texts = done.item
        return [{"index": at, "score": scores[at], "text": texts[at]} for at in order]


def _trained_with(config: Any) -> str:
    """Read what sentence-transformers wrote of the last function; a sigmoid unless it is none."""
    told = config.get("sentence_transformers")
    named = told.get("activation_fn") if isinstance(told, Mapping) else None
    named = named or config.get("sbert_ce_default_activation_function") or ""
    return "none" if str(named).endswith("Identity") else "sigmoid"
