"""text2text-generation, summarization and translation: an encoder reads, a decoder writes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.rows import Row
from reprise.tasks.text import Cut, Reader, check_text
from reprise.tokenizers.languages import known_languages

_NAMED = re.compile(r"translation_(.+?)_to_(.+)")


@dataclass(frozen=True)
class TextToTextOptions(WritingOptions):
    """Parameters of tasks from text to text.

    Attributes:
        truncation: Whether texts that are too long are cut; by default they are an error.
        return_text: Whether the text is given.
        return_tensors: Whether the token ids are given instead.
        clean_up: Whether spaces before marks are taken out of the text.
        src_lang, tgt_lang: Languages of a translation, for models that are told them; None: those
            of the task's name, else the tokenizer's.
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
        self.languages = named_languages(self.parts.asked, self.tokenizer)

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
        self.speak(options)
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

    def speak(self, options: TextToTextOptions) -> None:
        """Tell the tokenizer the language of the texts."""
        wanted = options.src_lang or self.languages[0]
        if wanted and wanted != self.tokenizer.src_lang:
            self.tokenizer.src_lang = wanted

    def _own_settings(self) -> Mapping[str, Any]:
        """Read what the configuration says of this task."""
        told = self.model.config.get("task_specific_params")
        own = told.get(self.parts.asked or self.task) if isinstance(told, Mapping) else None
        return own if isinstance(own, Mapping) else {}


def named_languages(asked: str, tokenizer: Any) -> tuple[str | None, str | None]:
    """Read which languages a task's name says: from German to French in `translation_de_to_fr`.

    Args:
        asked: The name of the task, as the caller wrote it.
        tokenizer: What marks texts; one that marks no languages needs none.

    Returns:
        Codes as the tokenizer has them, `de_DE`; None where nobody says it.

    Raises:
        InvalidInput: The tokenizer does not know a language.
    """
    known = known_languages(tokenizer.config)
    named = _NAMED.fullmatch(asked)
    if not known or named is None:
        return tokenizer.src_lang, None
    return _code(named[1], known), _code(named[2], known)


def _code(name: str, known: Sequence[str]) -> str:
    fitting = [code for code in known if name == code or code.startswith(f"{name}_")]
    if len(fitting) != 1:
        raise InvalidInput(f"The model knows no language {name!r}; it knows {', '.join(known)}.")
    return fitting[0]


class Summarization(TextToText):
    """Gives `[{"summary_text": …}]` per text."""

    name = "summary"


class Translation(TextToText):
    """Gives `[{"translation_text": …}]` per text; `translation_en_to_de` names the languages."""

    name = "translation"

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[Any]:
        """Begin with the language that is translated into, for models that are told it."""
        assert isinstance(options, TextToTextOptions)
        language = options.tgt_lang or self.languages[1]
        if not language:
            return super().answers(rows, options)
        token = self.tokenizer.convert_tokens_to_ids(language)
        if token is None or token == self.tokenizer.unk_token_id:
            raise InvalidInput(f"The tokenizer has no token for the language {language!r}.")
        told = {"forced_bos_token_id": token, **(options.generate_kwargs or {})}
        return super().answers(rows, WritingOptions(told))
