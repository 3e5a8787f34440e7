"""Messages of a chat, and the prompt that the model's template makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reprise.base.errors import InvalidField, InvalidInput
from reprise.tasks.rows import Array
from reprise.tasks.text_generation import TextGeneration
from reprise.worker.inside.faces.tools import read_calls
from reprise.worker.inside.fields import Fields, kind_of

_MOST = 2048
_ROLES = {"developer": "system"}  # OpenAI's newer word
Message = dict[str, Any]


def read_messages(fields: Fields) -> list[Message]:
    """Read `messages`.

    Raises:
        InvalidField: Naming the message that cannot be.
    """
    given = fields.raw("messages")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        raise fields.wrong("messages", f"a list of 1 to {_MOST} messages")
    called: dict[str, str] = {}  # names by the ids of calls so far
    found = []
    for number, one in enumerate(given):
        message = _message(Fields(one, f"messages.{number}"), called)
        for call in message.get("tool_calls", ()):
            called[str(call["id"])] = call["function"]["name"]
        found.append(message)
    if "tool_calls" in found[-1]:
        raise InvalidField(f"messages.{len(found) - 1} calls tools: what they say has to follow, "
                           "in messages with the role tool.", field="messages")  # fmt: skip
    return found


def _message(fields: Fields, called: Mapping[str, str]) -> Message:
    role = fields.text("role")
    if not role:
        raise fields.wrong("role", "system, user, assistant or tool")
    for name in ("function_call", "audio"):
        if name in fields:
            raise fields.wrong(name, "absent: only texts and tool_calls are read")
    calls = read_calls(fields) if fields.raw("tool_calls") else []
    if calls and role != "assistant":
        raise fields.wrong("tool_calls", "absent unless the role is assistant")
    found: Message = {"role": _ROLES.get(role, role), "content": _content(fields, bool(calls))}
    if calls:
        found["tool_calls"] = calls
    for name in ("name", "reasoning_content"):
        if text := fields.text(name):
            found[name] = text
    return found | (_answer(fields, called) if role == "tool" else {})


def _answer(fields: Fields, called: Mapping[str, str]) -> Message:
    """Read which call a message of a tool answers."""
    call = fields.text("tool_call_id")
    if call is None or call not in called:
        raise fields.wrong("tool_call_id", "the id of a call in an earlier message")
    return {"tool_call_id": call, "name": fields.text("name") or called[call]}


def _content(fields: Fields, calls: bool) -> str:
    content = fields.raw("content")
    if content is None and (calls or fields.raw("refusal")):
        content = fields.text("refusal", "")
    if isinstance(content, list):
        parts = enumerate(content)
        content = "".join(_part(part, f"{fields.at('content')}.{n}") for n, part in parts)
    if not isinstance(content, str):
        raise fields.wrong("content", "a text, or a list of parts that are text")
    return content


def _part(given: Any, path: str) -> str:
    fields = Fields(given, path)
    if fields.raw("type") != "text" or not isinstance(fields.raw("text"), str):
        raise InvalidField(f"{path} must be a part with text: this model reads nothing else "
                           f"(type: {fields.raw('type')!r:.40}).", field=path)  # fmt: skip
    return str(fields.raw("text"))


def make_prompt(pipe: TextGeneration, messages: list[Message],
                tools: Sequence[Mapping[str, Any]]) -> Array:  # fmt: skip
    """Render a conversation by the model's template; one that ends with the assistant goes on.

    Args:
        pipe: Of the model.
        messages: As `read_messages` gives them.
        tools: What the model is offered.

    Returns:
        Tokens [T].

    Raises:
        InvalidField: The template cannot, or leaves out what it was given of tools.
    """
    text = _rendered(pipe, messages, tools)
    if tools and _same(text, pipe, messages, ()):
        raise InvalidField("This model's chat template knows no tools.", field="tools",
                           hint="Describe them in a message, or ask another model.")  # fmt: skip
    plain = [{key: value for key, value in message.items() if key != "tool_calls"}
             for message in messages]  # fmt: skip
    if plain != messages and _same(text, pipe, plain, tools):
        raise InvalidField("This model's chat template leaves out the tool_calls of messages.",
                           field="messages", hint="Write them as content.")  # fmt: skip
    try:
        ids = pipe.tokenizer(text, add_special_tokens=False)["input_ids"]
    except InvalidInput as error:
        raise InvalidField(f"messages are no text: {error.message}", field="messages") from None
    if not isinstance(ids, list) or not ids:
        raise InvalidField(f"messages became {kind_of(ids)} without a token.", field="messages")
    return np.array(ids, np.int64)


def _same(text: str, pipe: TextGeneration, messages: list[Message],
          tools: Sequence[Mapping[str, Any]]) -> bool:  # fmt: skip
    """Tell whether a conversation without something becomes the same text."""
    try:
        return text == _rendered(pipe, messages, tools)
    except InvalidField:
        return False


def _rendered(pipe: TextGeneration, messages: list[Message],
              tools: Sequence[Mapping[str, Any]]) -> str:  # fmt: skip
    continues = messages[-1]["role"] == "assistant"
    try:
        found = pipe.tokenizer.apply_chat_template(
            messages, add_generation_prompt=not continues, continue_final_message=continues,
            tools=list(tools) or None, tokenize=False)  # fmt: skip
    except InvalidInput as error:
        raise InvalidField(
            f"messages cannot be put into this model's chat template: {error.message}",
            field="messages", hint="A model without a template still goes on with texts: "
            "/v1/completions, or text-generation.",
        ) from None  # fmt: skip
    return str(found)
