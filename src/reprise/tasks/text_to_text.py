"""text2text-generation, summarization and translation: an encoder reads, a decoder writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.rows import Row
from reprise.tasks.text import Cut, Reader, check_text


@dataclass(frozen=True)
class TextToTextOptions(WritingOptions):
    """Parameters of tasks from text to text.

    Attributes:
        truncation: Whether texts that are too long are cut; by default they are an error.
        return_text: Whether the text is given.
        return_tensors: Whether the token ids are given instead.
        clean_up: Whether spaces before marks are taken out of the text.
        src_lang, tgt_lang: Languages of a translation, for models that are told them.
    """

    truncation: bool | str | None = None
    return_text: bool = True
    return_tensors: bool = False
    clean_up: bool = False
    src_lang: str | None = None
    tgt_lang: str | None = None


class TextToText(WritingPipeline):
    """Gives `[{"generated_text": …}]` per text."""

    options_type = TextToTextOptions
    name = "generated"

    def prepare(self) -> None:
        """Make what reads text; refuse models without an encoder."""
        super().prepare()
        if self.model.plan.spec.encoder is None or self.model.plan.spec.decoder is None:
            raise InvalidInput(f"{self.task} needs a model with an encoder and a decoder.")
        self.reader = Reader(self.parts)
        self.prefix = self._own_settings().get("prefix") or ""

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Write a text for each text.

        Args:
            inputs: A text or several.
            **given: See `TextToTextOptions`, `Pipeline`, and the parameters of `model.generate`.

        Returns:
            A list with a mapping per sequence; for several texts a mapping each, or a list of them
            with `num_return_sequences`, as in transformers.
        """
        found = super().__call__(inputs, **given)
        one_each = isinstance(inputs, list) and all(len(each) == 1 for each in found)
        return [each[0] for each in found] if one_each else found

    def read(self, item: Any, options: TextToTextOptions) -> str:  # noqa: ARG002
        """Accept a text."""
        return check_text(item)

    def rows(self, items: Sequence[str], options: TextToTextOptions) -> list[list[Row]]:
        """Encode texts, behind what the model wants to be told."""
        self._speak(options)
        texts = [self.prefix + text for text in items]
        return self.reader.rows(self.reader.encode(texts, Cut(truncation=options.truncation)))

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def result(self, done: Done, options: TextToTextOptions) -> Any:
        """Decode what was written for one text."""
        if options.return_tensors:
            return [{f"{self.name}_token_ids": ids.tolist()} for ids in done.answers[0]]
        return [{f"{self.name}_text": self._decoded(ids, options)} for ids in done.answers[0]]

    def _decoded(self, ids: Any, options: TextToTextOptions) -> str:
        found: str = self.tokenizer.decode(
            self.written(ids), skip_special_tokens=True,
            clean_up_tokenization_spaces=options.clean_up)  # fmt: skip
        return found

    def _speak(self, options: TextToTextOptions) -> None:
        """Tell the tokenizer the language of the texts."""
        if options.src_lang:
            self.tokenizer.src_lang = options.src_lang

    def _own_settings(self) -> Mapping[str, Any]:
        """Read what the configuration says of this task."""
        told = self.model.config.get("task_specific_params")
        own = told.get(self.parts.asked or self.task) if isinstance(told, Mapping) else None
        return own if isinstance(own, Mapping) else {}


class Summarization(TextToText):
    """Gives `[{"summary_text": …}]` per text."""

    name = "summary"


class Translation(TextToText):
    """Gives `[{"translation_text": …}]` per text; `translation_en_to_de` names the languages."""

    name = "translation"

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[Any]:
        """Begin with the language that is translated into, for models that are told it."""
        assert isinstance(options, TextToTextOptions)
        if not options.tgt_lang:
            return super().answers(rows, options)
        token = self.tokenizer.convert_tokens_to_ids(options.tgt_lang)
        if token is None or token == self.tokenizer.unk_token_id:
            raise InvalidInput(f"The tokenizer has no token for the language {options.tgt_lang!r}.")
        told = {"forced_bos_token_id": token, **(options.generate_kwargs or {})}
        return super().answers(rows, WritingOptions(told))
