"""`/v1/completions`, as openai's client sends and reads it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reprise.base.errors import InvalidField
from reprise.tasks.rows import Array
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.errors import as_event
from reprise.worker.inside import wishes
from reprise.worker.inside.faces.accepted import COMPLETION, check_fields
from reprise.worker.inside.faces.chat import (
    DONE,
    REASONS,
    Origin,
    dumped,
    usage,
    usage_wanted,
)
from reprise.worker.inside.fields import Fields, kind_of
from reprise.worker.inside.voices import Said, Token, Voice

_NEW = 16  # tokens where nobody says how many, as OpenAI
_TOP = 5
_MOST_PROMPTS = 32


def read(pipe: TextGeneration, body: Any, origin: Origin, *, stream: bool) -> wishes.Wish:
    """Read a body.

    Raises:
        InvalidField: Naming the field that cannot be.
    """
    fields = Fields(body)
    check_fields(fields, COMPLETION)
    prompts, texts = _prompts(pipe, fields)
    new = wishes.length(pipe, prompts, fields, names=("max_tokens", "max_new_tokens"),
                        default=_NEW, field="prompt")  # fmt: skip
    settings = wishes.choosing(pipe, fields) | wishes.biases(pipe, fields)
    copies = wishes.copies(pipe, fields, settings)
    best = fields.whole("best_of", 1, wishes.MOST_ANSWERS, copies)
    if best != copies:
        raise fields.wrong("best_of", "as many as n")
    top = fields.whole("logprobs", 0, _TOP)
    if top is not None and fields.flag("echo"):
        raise fields.wrong("echo", "false where logprobs are wanted: the prompt has none here")
    before = [text if fields.flag("echo") else "" for text in texts for _ in range(copies)]
    form = Completion(origin, stream, usage=usage_wanted(fields), read=sum(map(len, prompts)),
                      logprobs=top is not None, before=before)  # fmt: skip
    return wishes.Wish(
        prompts, settings | {"max_new_tokens": new}, form, copies=copies,
        stops=wishes.stop_texts(fields, "stop"), logprobs=top,
        penalties=wishes.penalties(fields),
    )  # fmt: skip


@dataclass
class Completion:
    """Writes answers of completions."""

    origin: Origin
    stream: bool
    usage: bool
    read: int
    logprobs: bool
    before: list[str]
    _shown: dict[int, int] = field(default_factory=dict)  # characters so far, by answer

    def begin(self) -> bytes:
        """Begin a stream: with nothing."""
        return b""

    def say(self, said: Said) -> bytes:
        """Write what was added, and at the end why it ended."""
        text = self.before[said.index] + said.text if said.count == 1 else said.text
        if not text and not said.ended and not self.logprobs:
            return b""
        at = self._shown.get(said.index, 0)
        self._shown[said.index] = at + len(text)
        tokens = [said.token] if said.token is not None else []
        reason = REASONS[said.ended] if said.ended else None
        return as_event(self._object([self._choice(said.index, text, tokens, reason, at)]))

    def end(self, voices: list[Voice]) -> bytes:
        """End a stream, or write the whole answer."""
        if not self.stream:
            choices = [
                self._choice(voice.index, self.before[voice.index] + voice.text, voice.tokens,
                             REASONS[voice.ended], len(self.before[voice.index]))
                for voice in voices
            ]  # fmt: skip
            return self._object(choices, usage(self.read, voices))
        found = as_event(self._object([], usage(self.read, voices))) if self.usage else b""
        return found + DONE

    def _choice(self, index: int, text: str, tokens: list[Token], ended: str | None,
                start: int) -> dict[str, Any]:  # fmt: skip
        known = _logprobs(tokens, start) if self.logprobs else None
        return {"index": index, "text": text, "logprobs": known, "finish_reason": ended}

    def _object(self, choices: list[Any], cost: dict[str, int] | None = None) -> bytes:
        told = self.origin.head("text_completion") | {"choices": choices}
        if cost is not None or (self.stream and self.usage):
            told["usage"] = cost
        return dumped(told)


def _logprobs(tokens: list[Token], start: int) -> dict[str, Any]:
    offsets, at = [], start
    for token in tokens:
        offsets.append(at)
        at += len(token.text)
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{text: logprob for _, text, logprob in token.top} for token in tokens],
        "text_offset": offsets,
    }


def _prompts(pipe: TextGeneration, fields: Fields) -> tuple[list[Array], list[str]]:
    """Read prompts: a text, texts, tokens of one, or of several."""
    given = fields.raw("prompt")
    many = given if isinstance(given, list) else [given]
    if many and all(isinstance(one, int) and not isinstance(one, bool) for one in many):
        many = [many]
    if not 0 < len(many) <= _MOST_PROMPTS:
        raise fields.wrong("prompt", f"a text, tokens, or a list of 1 to {_MOST_PROMPTS} of them")
    prompts = [_one(pipe, one, "prompt" if many is not given else f"prompt.{number}")
               for number, one in enumerate(many)]  # fmt: skip
    texts = [one if isinstance(one, str) else pipe.tokenizer.decode(one) for one in many]
    return prompts, texts


def _one(pipe: TextGeneration, given: Any, where: str) -> Array:
    if isinstance(given, str):
        return wishes.encode(pipe, given, where)
    if not isinstance(given, list) or not given:
        raise InvalidField(f"{where} must be a text, or numbers of tokens; it is "
                           f"{kind_of(given)}.", field=where)  # fmt: skip
    most = pipe.tokenizer.vocab_size + len(pipe.tokenizer.get_added_vocab())
    for token in given:
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < most:
            raise InvalidField(f"{where} holds {token!r:.40}, which is no number of a token of "
                               f"this model.", field=where)  # fmt: skip
    return np.array(given, np.int64)
