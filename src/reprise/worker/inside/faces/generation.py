"""text-generation as huggingface_hub's `text_generation` sends and reads it (TGI's protocol)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reprise.base.errors import InvalidField
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.errors import as_event
from reprise.worker.inside import wishes
from reprise.worker.inside.faces.keeping import Spell, keep_to
from reprise.worker.inside.fields import Fields
from reprise.worker.inside.json_schema import read_schema
from reprise.worker.inside.json_shape import JsonShape
from reprise.worker.inside.voices import Said, Token, Voice

_NEW = 100  # tokens where nobody says how many, as TGI
_TOP = 20
_REASONS = {"eos": "eos_token", "stop": "stop_sequence", "length": "length"}
_GRAMMARS = ("json", "json_schema")
# What would change the answer, and is not done here.
_ABSENT = ("adapter_id", "watermark", "decoder_input_details")


def read(pipe: TextGeneration, body: Any, *, stream: bool, spell: Spell) -> wishes.Wish:
    """Read a body.

    Args:
        pipe: Of the model.
        body: What the client sent.
        stream: Whether the answer is wanted bit by bit.
        spell: Gives what the model's tokens spell; called where the answer has to be JSON.

    Raises:
        InvalidField: Naming the field that cannot be.
    """
    fields = Fields(body)
    p = fields.object("parameters")
    for name in _ABSENT:
        if p.raw(name):
            raise p.wrong(name, "absent: this worker does not know it")
    check_single(fields)
    text = fields.text("inputs")
    if text is None:
        raise fields.wrong("inputs", "a text")
    prompt = wishes.encode(pipe, text, "inputs")
    cut = p.whole("truncate", 1, 1 << 20)
    prompt = prompt if cut is None else prompt[-cut:]
    new = wishes.length(pipe, [prompt], p, names=("max_new_tokens",), default=_NEW,
                        field="inputs")  # fmt: skip
    settings = wishes.choosing(pipe, p) | {"max_new_tokens": new}
    if (p.whole("best_of", 1, wishes.MOST_ANSWERS, 1) or 1) > 1:
        raise p.wrong("best_of", "1")
    details, top = p.flag("details"), p.whole("top_n_tokens", 0, _TOP, 0) or 0
    form = Generation(
        stream, details=details, before=text if p.flag("return_full_text") else "",
        read=len(prompt), seed=settings.get("seed"),
    )  # fmt: skip
    return wishes.Wish(
        [prompt], settings, form, stops=wishes.stop_texts(p, "stop", "stop_sequences"),
        keep_stop=True, logprobs=top if stream or details else None,
        penalties=(0.0, p.number("frequency_penalty", -2, 2, 0.0) or 0.0),
        rule=keep_to(pipe, _grammar(p), spell, "parameters.grammar"),
    )  # fmt: skip


def _grammar(p: Fields) -> JsonShape | None:
    """Read `grammar`: a JSON schema; None: any text."""
    grammar = p.object("grammar")
    if not grammar.names():
        return None
    if grammar.raw("type") not in _GRAMMARS:
        raise grammar.wrong("type", f"one of {', '.join(_GRAMMARS)}")
    value = grammar.need("value", grammar.raw("value"), "a JSON schema")
    if grammar.raw("type") == "json_schema" and isinstance(value, Mapping) and "schema" in value:
        value = value["schema"]  # with a name beside it
    return JsonShape(nodes=read_schema(value, grammar.at("value")))


@dataclass
class Generation:
    """Writes answers of text-generation."""

    stream: bool
    details: bool
    before: str
    read: int
    seed: int | None

    def begin(self) -> bytes:
        """Begin a stream: with nothing."""
        return b""

    def say(self, said: Said) -> bytes:
        """Write an event per token; its text is what it adds, so all together are the answer."""
        assert said.token is not None
        self.before += said.text
        token = _token(said.token) | {"text": said.text}
        told: dict[str, Any] = {"index": said.count, "token": token, "generated_text": None,
                                "details": None}  # fmt: skip
        if said.token.top:
            told["top_tokens"] = _tops(said.token)
        if said.ended:
            told["generated_text"] = self.before
            told["details"] = {
                "finish_reason": _REASONS[said.ended],
                "generated_tokens": said.count,
                "input_length": self.read,
                "seed": self.seed,
            }
        return as_event(json.dumps(told, ensure_ascii=False).encode())

    def end(self, voices: list[Voice]) -> bytes:
        """End a stream with nothing, or write the whole answer."""
        if self.stream:
            return b""
        (voice,) = voices
        found: dict[str, Any] = {"generated_text": self.before + voice.text}
        if not self.details:
            return json.dumps([found], ensure_ascii=False).encode()
        found["details"] = {
            "finish_reason": _REASONS[voice.ended], "generated_tokens": voice.count,
            "seed": self.seed, "prefill": [], "tokens": [_token(token) for token in voice.tokens],
        }  # fmt: skip
        if voice.tokens and voice.tokens[0].top:
            found["details"]["top_tokens"] = [_tops(token) for token in voice.tokens]
        return json.dumps([found], ensure_ascii=False).encode()


def _token(token: Token) -> dict[str, Any]:
    return {"id": token.id, "text": token.text, "logprob": token.logprob,
            "special": token.special}  # fmt: skip


def _tops(token: Token) -> list[dict[str, Any]]:
    return [{"id": number, "text": text, "logprob": logprob, "special": False}
            for number, text, logprob in token.top]  # fmt: skip


def check_single(body: Fields) -> None:
    """Refuse several texts: a job is one answer."""
    if isinstance(body.raw("inputs"), list):
        raise InvalidField("inputs must be one text; send several requests, they run together.",
                           field="inputs")  # fmt: skip
