"""`/v1/chat/completions`, as openai's and huggingface_hub's clients send and read it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from reprise.base.errors import InvalidField, InvalidInput
from reprise.tasks.rows import Array
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.errors import as_event
from reprise.worker.inside import wishes
from reprise.worker.inside.fields import Fields, kind_of
from reprise.worker.inside.voices import Said, Token, Voice

_NEW = 256  # tokens where nobody says how many
_TOP = 20
_MOST_MESSAGES = 2048
DONE = as_event(b"[DONE]")
REASONS = {"eos": "stop", "stop": "stop", "length": "length"}


@dataclass(frozen=True)
class Origin:
    """Where an answer comes from.

    Attributes:
        id: Of the answer.
        model: Which model.
        commit: Which commit of it.
    """

    id: str
    model: str
    commit: str

    def head(self, kind: str) -> dict[str, Any]:
        """Give what every object of an answer begins with."""
        return {"id": self.id, "object": kind, "created": int(time.time()), "model": self.model,
                "system_fingerprint": f"reprise-{self.commit[:12]}"}  # fmt: skip


def read(pipe: TextGeneration, body: Any, origin: Origin, *, stream: bool) -> wishes.Wish:
    """Read a body.

    Raises:
        InvalidField: Naming the field that cannot be.
    """
    fields = Fields(body)
    _refuse_absent(fields)
    prompt = _prompt(pipe, _messages(fields))
    names = ("max_completion_tokens", "max_tokens", "max_new_tokens")
    new = wishes.length(pipe, [prompt], fields, names=names, default=_NEW, field="messages")
    settings = wishes.choosing(pipe, fields) | wishes.biases(pipe, fields)
    wants = fields.flag("logprobs")
    top = fields.whole("top_logprobs", 0, _TOP, 0) or 0
    if top and not wants:
        raise fields.wrong("top_logprobs", "absent unless logprobs is true")
    form = Chat(origin, stream, usage=usage_wanted(fields), read=len(prompt), logprobs=wants)
    return wishes.Wish(
        [prompt], settings | {"max_new_tokens": new}, form,
        copies=wishes.copies(pipe, fields, settings), stops=wishes.stop_texts(fields, "stop"),
        logprobs=top if wants else None, penalties=wishes.penalties(fields),
    )  # fmt: skip


def usage_wanted(fields: Fields) -> bool:
    """Read whether a stream ends with what it cost."""
    return fields.object("stream_options").flag("include_usage")


def usage(read: int, voices: list[Voice]) -> dict[str, int]:
    """Count tokens."""
    written = sum(voice.count for voice in voices)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def dumped(told: Mapping[str, Any]) -> bytes:
    """Write JSON."""
    return json.dumps(told, ensure_ascii=False).encode()


@dataclass
class Chat:
    """Writes answers of a chat."""

    origin: Origin
    stream: bool
    usage: bool
    read: int
    logprobs: bool

    def begin(self) -> bytes:
        """Begin a stream: say who speaks."""
        return b""

    def say(self, said: Said) -> bytes:
        """Write what was added, and at the end why it ended."""
        found = b""
        if said.count == 1:
            found += self._chunk(said.index, {"role": "assistant", "content": ""})
        if said.text or (self.logprobs and said.token is not None):
            found += self._chunk(said.index, {"content": said.text}, token=said.token)
        if said.ended:
            found += self._chunk(said.index, {}, ended=REASONS[said.ended])
        return found

    def end(self, voices: list[Voice]) -> bytes:
        """End a stream, or write the whole answer."""
        if not self.stream:
            return self._whole(voices)
        found = b""
        if self.usage:
            told = self.origin.head("chat.completion.chunk")
            found = as_event(dumped(told | {"choices": [], "usage": usage(self.read, voices)}))
        return found + DONE

    def _chunk(self, index: int, delta: dict[str, Any], *, token: Token | None = None,
               ended: str | None = None) -> bytes:  # fmt: skip
        known = {"content": [_logprob(token)]} if self.logprobs and token is not None else None
        choice = {"index": index, "delta": delta, "logprobs": known, "finish_reason": ended}
        told = self.origin.head("chat.completion.chunk") | {"choices": [choice]}
        return as_event(dumped(told | ({"usage": None} if self.usage else {})))

    def _whole(self, voices: list[Voice]) -> bytes:
        choices = [
            {
                "index": voice.index,
                "message": {"role": "assistant", "content": voice.text},
                "logprobs": {"content": [_logprob(token) for token in voice.tokens]}
                if self.logprobs else None,
                "finish_reason": REASONS[voice.ended],
            }
            for voice in voices
        ]  # fmt: skip
        told = self.origin.head("chat.completion") | {"choices": choices}
        return dumped(told | {"usage": usage(self.read, voices)})


def _logprob(token: Token) -> dict[str, Any]:
    top = [{"token": text, "logprob": logprob, "bytes": list(text.encode())}
           for _, text, logprob in token.top]  # fmt: skip
    return {"token": token.text, "logprob": token.logprob, "bytes": list(token.text.encode()),
            "top_logprobs": top}  # fmt: skip


def _refuse_absent(fields: Fields) -> None:
    """Refuse what would change the answer, and is not done here."""
    if fields.raw("tools") or fields.raw("functions"):
        raise fields.wrong("tools" if fields.raw("tools") else "functions",
                           "absent: this hub answers with text, and calls no tools")  # fmt: skip
    shape = fields.object("response_format").text("type", "text")
    if shape != "text":
        raise InvalidField('response_format.type must be "text": answers are not forced into '
                           "another shape yet.", field="response_format.type")  # fmt: skip


def _messages(fields: Fields) -> list[dict[str, Any]]:
    given = fields.raw("messages")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST_MESSAGES:
        raise fields.wrong("messages", f"a list of 1 to {_MOST_MESSAGES} messages")
    return [_message(one, f"messages.{number}") for number, one in enumerate(given)]


def _message(given: Any, path: str) -> dict[str, Any]:
    fields = Fields(given, path)
    role = fields.text("role")
    if not role:
        raise fields.wrong("role", "system, user or assistant")
    content = fields.raw("content")
    if isinstance(content, list):
        content = "".join(_part(part, f"{path}.content.{n}") for n, part in enumerate(content))
    if not isinstance(content, str):
        raise fields.wrong("content", "a text, or a list of parts that are text")
    name = fields.text("name")
    return {"role": role, "content": content} | ({"name": name} if name else {})


def _part(given: Any, path: str) -> str:
    fields = Fields(given, path)
    if fields.raw("type") != "text" or not isinstance(fields.raw("text"), str):
        raise InvalidField(f"{path} must be a part with text: this model reads nothing else "
                           f"(type: {fields.raw('type')!r:.40}).", field=path)  # fmt: skip
    return str(fields.raw("text"))


def _prompt(pipe: TextGeneration, messages: list[dict[str, Any]]) -> Array:
    """Render a conversation by the model's template; one that ends with the assistant goes on."""
    continues = messages[-1]["role"] == "assistant"
    try:
        ids = pipe.tokenizer.apply_chat_template(
            messages, add_generation_prompt=not continues, continue_final_message=continues,
            return_dict=False)  # fmt: skip
    except InvalidInput as error:
        raise InvalidField(
            f"messages cannot be put into this model's chat template: {error.message}",
            field="messages", hint="A model without a template still goes on with texts: "
            "/v1/completions, or text-generation.",
        ) from None  # fmt: skip
    if not isinstance(ids, list) or not ids:
        raise InvalidField(f"messages became {kind_of(ids)} without a token.", field="messages")
    return np.array(ids, np.int64)
