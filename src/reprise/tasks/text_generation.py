"""text-generation: how a text, or a conversation, may go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.models.generate.settings import read_stated
from reprise.tasks.base import Done
from reprise.tasks.files import read_object
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.rows import Array, Row
from reprise.tasks.text import Cut, Reader, check_text

_NEW_TOKENS = 256  # where nobody says how much to write, as in transformers
_LENGTHS = {"max_length", "max_new_tokens", "max_time"}
_ROLES = {"role", "content"}


@dataclass(frozen=True)
class GenerationOptions(WritingOptions):
    """Parameters of text-generation.

    Attributes:
        return_full_text: Whether the prompt stands before what was written; True by default.
        return_text: Accepted for compatibility.
        return_tensors: Whether the token ids are given instead.
        prefix: What is put before every text.
        add_special_tokens: Whether the tokenizer's own tokens are put around texts; None: as the
            tokenizer does.
        truncation: Whether texts that are too long are cut; by default they are an error.
        handle_long_generation: "hole": only the last tokens of a prompt are read, so that what is
            to be written fits behind them.
        stop_sequence: A text, or several, behind which nothing is written.
        continue_final_message: Whether the last message of a conversation goes on; None: when it is
            the assistant's.
        tools, documents: What the template of conversations may use.
        skip_special_tokens: Whether special tokens are left out of the text.
        tokenizer_encode_kwargs: Parameters of the template or the tokenizer.
    """

    return_full_text: bool = True
    return_text: bool = True
    return_tensors: bool = False
    prefix: str = ""
    add_special_tokens: bool | None = None
    truncation: bool | str | None = None
    handle_long_generation: str | None = None
    stop_sequence: str | Sequence[str] | None = None
    continue_final_message: bool | None = None
    tools: Sequence[Any] | None = None
    documents: Sequence[Any] | None = None
    skip_special_tokens: bool = True
    tokenizer_encode_kwargs: Mapping[str, Any] | None = None

    def goes_on(self, chat: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether the last message of a conversation is written on."""
        if self.continue_final_message is None:
            return bool(chat[-1]["role"] == "assistant")
        return self.continue_final_message


class TextGeneration(WritingPipeline):
    """Gives `[{"generated_text": …}]` per text or conversation."""

    options_type = GenerationOptions

    def prepare(self) -> None:
        """Make what reads text; refuse models that read all before they write."""
        super().prepare()
        if self.model.plan.spec.encoder is not None and self.model.plan.spec.decoder is not None:
            raise InvalidInput(
                f"{self.parts.name or 'This model'} has an encoder: it answers texts, and does not "
                "go on with them.", hint="Use text2text-generation.",
            )  # fmt: skip
        self.reader = Reader(self.parts)
        folder = self.parts.folder
        told = read_object(folder / "generation_config.json") if folder else {}
        self.stated = bool({"max_length", "max_new_tokens"} & set(told))

    def __call__(self, inputs: Any = None, **given: Any) -> Any:
        """Go on with texts or conversations.

        Args:
            inputs: A text, a conversation (a list of `{"role", "content"}`), or several; also
                called `text_inputs`.
            **given: See `GenerationOptions`, `Pipeline`, and the parameters of `model.generate`.

        Returns:
            A list of `{"generated_text": …}`, one per sequence; a list of these for several.
        """
        return super().__call__(given.pop("text_inputs", inputs), **given)

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one text, or one conversation."""
        return isinstance(inputs, str) or _is_chat(inputs)

    def read(self, item: Any, options: GenerationOptions) -> Any:
        """Accept a text or a conversation."""
        if options.handle_long_generation not in {None, "hole"}:
            raise InvalidInput(f"handle_long_generation is {options.handle_long_generation!r}; use "
                               "'hole' or None.")  # fmt: skip
        check_text(options.prefix, "prefix")
        for text in _texts(options.stop_sequence):
            check_text(text, "A stop_sequence")
        if not isinstance(options.tokenizer_encode_kwargs, Mapping | None):
            raise InvalidInput("tokenizer_encode_kwargs is a mapping, not "
                               f"{options.tokenizer_encode_kwargs!r:.80}.")  # fmt: skip
        if _is_chat(item):
            return [dict(message) for message in item]
        if isinstance(item, list | tuple | Mapping):
            raise InvalidInput("A conversation is a list of messages, each with role and content.")
        return check_text(item)

    def rows(self, items: Sequence[Any], options: GenerationOptions) -> list[list[Row]]:
        """Encode texts; conversations by the model's template."""
        more = dict(options.tokenizer_encode_kwargs or {})
        if options.truncation is not None:
            more.setdefault("truncation", options.truncation)
        special = more.pop("add_special_tokens", options.add_special_tokens)
        plain = Cut(truncation=more.get("truncation"), max_length=more.get("max_length"),
                    special=special is None or special)  # fmt: skip
        texts = [options.prefix + item for item in items if isinstance(item, str)]
        made = iter(self.reader.rows(self.reader.encode(texts, plain)) if texts else [])
        found = [next(made) if isinstance(item, str) else [self._chat(item, options, more)]
                 for item in items]  # fmt: skip
        return [[self._with_hole(own[0], options)] for own in found]

    def _chat(self, chat: Any, options: GenerationOptions, more: Mapping[str, Any]) -> Row:
        goes_on = options.goes_on(chat)
        ids = np.array(self.tokenizer.apply_chat_template(
            chat, add_generation_prompt=not goes_on, continue_final_message=goes_on,
            tools=options.tools, documents=options.documents, return_dict=False, **more,
        ), np.int64)  # fmt: skip
        return Row({"input_ids": ids}, len(ids))

    def _with_hole(self, row: Row, options: GenerationOptions) -> Row:
        """Leave out the first tokens of a prompt behind which there is no room to write."""
        if options.handle_long_generation is None:
            return row
        new = dict(options.generate_kwargs or {}).get("max_new_tokens", _NEW_TOKENS)
        kept = self.parts.limit - new
        if kept < 1:
            raise InvalidInput(f"{new} new tokens leave no room for a prompt: this model takes "
                               f"{self.parts.limit}.")  # fmt: skip
        features = {name: value[-kept:] for name, value in row.features.items()}
        return Row(features, min(row.cost, kept), row.note)

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[list[Array]]:
        """Write on; the prompts are cut off again."""
        width = max(row.cost for row in rows)
        told = dict(options.generate_kwargs or {})
        if isinstance(options, GenerationOptions) and options.stop_sequence is not None:
            stops = options.stop_sequence
            told["stop_strings"] = [stops] if isinstance(stops, str) else list(stops)
        if not self.stated and not _LENGTHS & set(told):
            # As settings, not as a wish: each row gets as many of them as it has positions for.
            stated = told.get("generation_config")
            own = {} if stated is None else read_stated(stated)
            more = {} if _LENGTHS & set(own) else {"max_new_tokens": _NEW_TOKENS}
            told["generation_config"] = own | more
        found = super().answers(rows, WritingOptions(told))
        return [[ids[width:] for ids in own] for own in found]

    def result(self, done: Done, options: GenerationOptions) -> Any:
        """Put what was written behind the prompt."""
        prompt = done.rows[0].features["input_ids"]
        return [self._shown(done.item, prompt, ids, options) for ids in done.answers[0]]

    def _shown(self, item: Any, prompt: Array, ids: Array,
               options: GenerationOptions) -> dict[str, Any]:  # fmt: skip
        new = self.written(ids)
        if options.return_tensors:
            return {"generated_token_ids": [*prompt.tolist(), *new]}
        text = self.tokenizer.decode(new, skip_special_tokens=options.skip_special_tokens)
        if not options.return_full_text:
            return {"generated_text": text}
        if isinstance(item, str):
            return {"generated_text": item + text}
        if options.goes_on(item):
            last = item[-1] | {"content": item[-1]["content"] + text}
            return {"generated_text": [*item[:-1], last]}
        return {"generated_text": [*item, {"role": "assistant", "content": text}]}


def _texts(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else () if given is None else (given,)


def _is_chat(given: Any) -> bool:
    if not isinstance(given, list | tuple) or not given:
        return False
    return all(isinstance(each, Mapping) and set(each) >= _ROLES for each in given)
