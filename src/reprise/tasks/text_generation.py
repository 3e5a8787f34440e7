"""text-generation: how a text, or a conversation, may go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidInput
from reprise.tasks.base import Done
from reprise.tasks.files import read_object
from reprise.tasks.generating import WritingOptions, WritingPipeline
from reprise.tasks.rows import Array, Row
from reprise.tasks.text import Cut, Reader, check_text

_NEW_TOKENS = 256  # where nobody says how much to write, as in transformers
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
    """

    return_full_text: bool = True
    return_text: bool = True
    return_tensors: bool = False
    prefix: str = ""
    add_special_tokens: bool | None = None
    truncation: bool | str | None = None


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

    def is_one(self, inputs: Any, options: Any) -> bool:  # noqa: ARG002
        """Tell whether what was passed is one text, or one conversation."""
        return isinstance(inputs, str) or _is_chat(inputs)

    def read(self, item: Any, options: GenerationOptions) -> Any:
        """Accept a text or a conversation."""
        if _is_chat(item):
            return [dict(message) for message in item]
        return options.prefix + check_text(item)

    def rows(self, items: Sequence[Any], options: GenerationOptions) -> list[list[Row]]:
        """Encode texts; conversations by the model's template."""
        special = options.add_special_tokens
        plain = Cut(truncation=options.truncation, special=special is None or special)
        texts = [item for item in items if isinstance(item, str)]
        made = iter(self.reader.rows(self.reader.encode(texts, plain)) if texts else [])
        found = []
        for item in items:
            if isinstance(item, str):
                found.append(next(made))
            else:
                ids = np.array(self.tokenizer.apply_chat_template(
                    item, add_generation_prompt=item[-1]["role"] != "assistant",
                    continue_final_message=item[-1]["role"] == "assistant",
                    return_dict=False), np.int64)  # fmt: skip
                found.append([Row({"input_ids": ids}, len(ids))])
        return found

    def check(self, row: Row) -> None:
        """Refuse what has no tokens or too many."""
        self.reader.check(row)

    def answers(self, rows: Sequence[Row], options: WritingOptions) -> list[list[Array]]:
        """Write on; the prompts are cut off again."""
        width = max(row.cost for row in rows)
        told = dict(options.generate_kwargs or {})
        if not self.stated and not {"max_length", "max_new_tokens", "max_time"} & set(told):
            told["max_new_tokens"] = max(1, min(_NEW_TOKENS, self.parts.positions - width))
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
        text = self.tokenizer.decode(new, skip_special_tokens=True)
        if not options.return_full_text:
            return {"generated_text": text}
        if isinstance(item, str):
            return {"generated_text": item + text}
        if item[-1]["role"] == "assistant":
            last = item[-1] | {"content": item[-1]["content"] + text}
            return {"generated_text": [*item[:-1], last]}
        return {"generated_text": [*item, {"role": "assistant", "content": text}]}


def _is_chat(given: Any) -> bool:
    if not isinstance(given, list | tuple) or not given:
        return False
    return all(isinstance(each, Mapping) and set(each) >= _ROLES for each in given)
