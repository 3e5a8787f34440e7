"""`/v1/chat/completions`, as openai's and huggingface_hub's clients send and read it."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reprise.tasks.text_generation import TextGeneration
from reprise.worker.errors import as_event
from reprise.worker.inside import wishes
from reprise.worker.inside.faces.accepted import CHAT, check_fields
from reprise.worker.inside.faces.keeping import Spell, keep_to
from reprise.worker.inside.faces.messages import make_prompt, read_messages
from reprise.worker.inside.faces.tools import Tools, read_tools
from reprise.worker.inside.fields import Fields
from reprise.worker.inside.json_schema import read_schema
from reprise.worker.inside.json_shape import JsonShape
from reprise.worker.inside.tool_calls import ToolCall, ToolCalls
from reprise.worker.inside.voices import Said, Token, Voice

_NEW = 256  # tokens where nobody says how many
_TOP = 20
_FORMATS = ("text", "json_object", "json_schema")
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


def read(pipe: TextGeneration, body: Any, origin: Origin, *, stream: bool,
         spell: Spell) -> wishes.Wish:  # fmt: skip
    """Read a body.

    Args:
        pipe: Of the model.
        body: What the client sent.
        origin: Of the answer.
        stream: Whether it is wanted bit by bit.
        spell: Gives what the model's tokens spell; called where the answer has to be JSON.

    Raises:
        InvalidField: Naming the field that cannot be.
    """
    fields = Fields(body)
    check_fields(fields, CHAT)
    tools = read_tools(fields)
    shape = _shape(fields, tools)
    prompt = make_prompt(pipe, read_messages(fields), tools.shown if tools else ())
    names = ("max_completion_tokens", "max_tokens", "max_new_tokens")
    new = wishes.length(pipe, [prompt], fields, names=names, default=_NEW, field="messages")
    settings = wishes.choosing(pipe, fields) | wishes.biases(pipe, fields)
    wants = fields.flag("logprobs")
    top = fields.whole("top_logprobs", 0, _TOP, 0) or 0
    if top and not wants:
        raise fields.wrong("top_logprobs", "absent unless logprobs is true")
    form = Chat(origin, stream, usage=usage_wanted(fields), read=len(prompt), logprobs=wants,
                tools=tools)  # fmt: skip
    stops = wishes.stop_texts(fields, "stop")
    return wishes.Wish(
        [prompt], settings | {"max_new_tokens": new}, form,
        copies=wishes.copies(pipe, fields, settings), stops=stops + (tools.stops if tools else ()),
        logprobs=top if wants else None, penalties=wishes.penalties(fields),
        rule=keep_to(pipe, shape, spell, "tool_choice" if tools else "response_format"),
    )  # fmt: skip


def _shape(fields: Fields, tools: Tools | None) -> JsonShape | None:
    """Read what an answer has to be; None: any text.

    Raises:
        InvalidField: It is something that cannot be promised.
    """
    wanted = fields.object("response_format")
    kind = wanted.choice("type", _FORMATS, "text")
    if kind == "text":
        return tools.shape if tools else None
    if tools:
        raise fields.wrong("response_format", "absent where tools may be called")
    if kind == "json_schema":
        schema = wanted.object("json_schema")
        given = schema.need("schema", schema.raw("schema"), "a JSON schema")
        return JsonShape(nodes=read_schema(given, schema.at("schema")))
    if "value" in wanted:  # as huggingface_hub's client has a schema
        return JsonShape(nodes=read_schema(wanted.raw("value"), wanted.at("value")))
    return JsonShape()


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
    tools: Tools | None
    _calls: dict[int, tuple[ToolCalls, list[ToolCall]]] = field(default_factory=dict)

    def begin(self) -> bytes:
        """Begin a stream: say who speaks."""
        return b""

    def say(self, said: Said) -> bytes:
        """Write what was added, and at the end why it ended."""
        found = b""
        if said.count == 1:
            found += self._chunk(said.index, {"role": "assistant", "content": ""})
        text, calls = self._parted(said.index, said.text, last=bool(said.ended))
        if text or (self.logprobs and said.token is not None):
            found += self._chunk(said.index, {"content": text}, token=said.token)
        for number, call in calls:
            told = {"index": number, **_call(call)}
            found += self._chunk(said.index, {"tool_calls": [told]})
        if said.ended:
            found += self._chunk(said.index, {}, ended=self._reason(said.index, said.ended))
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

    def _parted(self, index: int, text: str, *,
                last: bool) -> tuple[str, list[tuple[int, ToolCall]]]:  # fmt: skip
        """Part what was added to an answer into text and calls, each with its number."""
        if self.tools is None:
            return text, []
        if index not in self._calls:
            self._calls[index] = self.tools.parser(), []
        parser, known = self._calls[index]
        shown, calls = parser.push(text)
        if last:
            rest, more = parser.finish()
            shown, calls = shown + rest, calls + more
        known += calls
        return shown, list(enumerate(known))[len(known) - len(calls) :]

    def _reason(self, index: int, ended: str) -> str:
        calls = self._calls[index][1] if index in self._calls else []
        return "tool_calls" if calls and ended != "length" else REASONS[ended]

    def _message(self, voice: Voice) -> dict[str, Any]:
        text, calls = self._parted(voice.index, voice.text, last=True)
        found: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            found |= {"content": text or None, "tool_calls": [_call(call) for _, call in calls]}
        return found

    def _whole(self, voices: list[Voice]) -> bytes:
        choices = [
            {
                "index": voice.index,
                "message": self._message(voice),
                "logprobs": {"content": [_logprob(token) for token in voice.tokens]}
                if self.logprobs else None,
                "finish_reason": self._reason(voice.index, voice.ended),
            }
            for voice in voices
        ]  # fmt: skip
        told = self.origin.head("chat.completion") | {"choices": choices}
        return dumped(told | {"usage": usage(self.read, voices)})


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function",
            "function": {"name": call.name, "arguments": call.arguments}}  # fmt: skip


def _logprob(token: Token) -> dict[str, Any]:
    top = [{"token": text, "logprob": logprob, "bytes": list(text.encode())}
           for _, text, logprob in token.top]  # fmt: skip
    return {"token": token.text, "logprob": token.logprob, "bytes": list(token.text.encode()),
            "top_logprobs": top}  # fmt: skip
