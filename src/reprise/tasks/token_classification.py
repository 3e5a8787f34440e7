"""token-classification: entities in texts; also called ner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done, Options, Pipeline
from reprise.tasks.entities import STRATEGIES, Reading, Token, merged, read_entities
from reprise.tasks.rows import Row
from reprise.tasks.scores import softmax
from reprise.tasks.text import Cut, Reader, check_text
from reprise.tokenizers.options import Want

_COLUMNS = ("offsets", "special_mask", "word_ids")


@dataclass(frozen=True)
class TokenOptions(Options):
    """Parameters of token-classification.

    Attributes:
        aggregation_strategy: "none" for tokens, "simple" joins neighbours with one label;
            "first", "average" and "max" make the tokens of a word agree before.
        ignore_labels: Labels that are left out; None: ``O``.
        stride: Tokens that windows share, to read texts beyond the model's limit; None: such
            texts are cut.
        is_split_into_words: Whether an input is a list of words.
        delimiter: What words are joined by, for the positions of entities.
    """

    aggregation_strategy: str = "none"
    ignore_labels: Sequence[str] | None = ("O",)
    stride: int | None = None
    is_split_into_words: bool = False
    delimiter: str = " "


class TokenClassification(Pipeline):
    """Gives entities per text."""

    options_type = TokenOptions
    by_token = True

    def prepare(self) -> None:
        """Make what reads text."""
        self.reader = Reader(self.parts)
        told = self.tokenizer.spec.data.get("model", {})
        self.knows_words = bool(told.get("continuing_subword_prefix"))

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Find entities in texts.

        Args:
            inputs: A text or several; with `is_split_into_words` a list of words, or several.
            **given: See `TokenOptions` and `Pipeline`.

        Returns:
            A list of `{"entity", "score", "index", "word", "start", "end"}` per text, or of
            `{"entity_group", "score", "word", "start", "end"}` with an aggregation strategy.
            Places are characters of the text.
        """
        split = given.get("is_split_into_words", self.options.is_split_into_words)
        if split and isinstance(inputs, list | tuple) and inputs and isinstance(inputs[0], str):
            inputs = [inputs]  # one list of words, whose result comes in a list as in transformers
        return super().__call__(inputs, **given)

    def _changed(self, options: Any, given: dict[str, Any]) -> Any:
        """Read `grouped_entities` and `ignore_subwords` too, as transformers 4 did."""
        told = dict(given)
        grouped, first = told.pop("grouped_entities", None), told.pop("ignore_subwords", False)
        if grouped:
            told.setdefault("aggregation_strategy", "first" if first else "simple")
        return super()._changed(options, told)

    def read(self, item: Any, options: TokenOptions) -> Any:
        """Accept a text or a list of words; look at the parameters."""
        strategy = str(getattr(options.aggregation_strategy, "value", options.aggregation_strategy))
        if strategy not in STRATEGIES:
            raise InvalidInput(f"aggregation_strategy is {strategy!r}; use one of "
                               f"{', '.join(STRATEGIES)}.")  # fmt: skip
        if not isinstance(options.ignore_labels, list | tuple | None):
            raise InvalidInput(f"ignore_labels is {options.ignore_labels!r:.80}; give a list.")
        check_text(options.delimiter, "delimiter")
        if options.stride is not None and strategy == "none":
            raise InvalidInput("stride needs an aggregation_strategy: windows find tokens twice.")
        if not options.is_split_into_words:
            return check_text(item)
        if not isinstance(item, list | tuple):
            raise InvalidInput("An input must be a list of words with is_split_into_words=True.")
        return [check_text(word, "A word") for word in item]

    def rows(self, items: Sequence[Any], options: TokenOptions) -> list[list[Row]]:
        """Encode texts; one that is too long is cut, or becomes several rows with a stride."""
        cut = Cut(truncation=self.parts.bounded, stride=options.stride)
        want = Want.OFFSETS | Want.SPECIAL_MASK | Want.WORD_IDS
        batch = self.reader.encode(items, cut, want, words=options.is_split_into_words)
        return self.reader.rows(batch, _COLUMNS)

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: TokenOptions) -> list[dict[str, Any]]:
        """Name the entities of one text."""
        strategy = str(getattr(options.aggregation_strategy, "value", options.aggregation_strategy))
        ignored = ("O",) if options.ignore_labels is None else options.ignore_labels
        reading = Reading(self.model.config.id2label, self.tokenizer.convert_tokens_to_string)
        found = []
        for row, answer in zip(done.rows, done.answers, strict=True):
            tokens = self._tokens(done.item, row, softmax(answer["logits"]), options)
            for entity in read_entities(tokens, strategy, reading):
                if entity.get("entity", entity.get("entity_group")) not in ignored:
                    found.append(entity)  # noqa: PERF401 - two loops in one expression read worse
        return merged(found) if len(done.rows) > 1 else found

    def _tokens(self, item: Any, row: Row, scores: Any, options: TokenOptions) -> list[Token]:
        text, starts = (item, None) if isinstance(item, str) else _joined(item, options.delimiter)
        ids = row.features["input_ids"].tolist()
        special, offsets = row.note["special_mask"].tolist(), row.note["offsets"].tolist()
        words, found = row.note["word_ids"].tolist(), []
        for at, token in enumerate(ids):
            if special[at]:
                continue
            moved = starts[words[at]] if starts is not None and words[at] >= 0 else 0
            start, end = offsets[at][0] + moved, offsets[at][1] + moved
            shown = self.tokenizer.convert_ids_to_tokens(token)
            unknown = token == self.tokenizer.unk_token_id
            goes_on = not unknown and self._is_subword(shown, text, start, end)
            found.append(Token(text[start:end] if unknown else shown, scores[at], start, end, at,
                               goes_on))  # fmt: skip
        return found

    def _is_subword(self, token: str, text: str, start: int, end: int) -> bool:
        """Tell whether a token goes on with a word: it is marked, or no space is before it."""
        if self.knows_words:
            return len(token) != end - start
        return start > 0 and " " not in text[start - 1 : start + 1]


def _joined(words: Sequence[str], delimiter: str) -> tuple[str, list[int]]:
    """Join words; gives the text, and where each word starts in it."""
    starts, at = [], 0
    for word in words:
        starts.append(at)
        at += len(word) + len(delimiter)
    return delimiter.join(words), starts
