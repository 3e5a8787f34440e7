"""Conversations rendered by the Jinja template that comes with a model, in a sandbox.

Templates are somebody else's code: the sandbox lets them reach nothing but the conversation, and
the limits here keep a broken or hostile one from filling the memory or running for ever.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reprise.base.errors import InvalidInput
from reprise.tokenizers.sandbox import render

_MARK = "CONTINUE_FINAL_MESSAGE_TAG "
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")
_ENCODING = "padding truncation max_length return_tensors".split()
_OWN = frozenset(
    "tools documents chat_template add_generation_prompt continue_final_message tokenize "
    "return_dict return_assistant_tokens_mask tokenizer_kwargs".split()
)


def apply(
    encode: Callable[..., Any],
    template: str | Mapping[str, str] | None,
    specials: Mapping[str, str],
    conversation: Any,
    options: Mapping[str, Any],
) -> Any:
    """Render one conversation or a batch, and encode it unless told otherwise.

    Args:
        encode: The tokenizer's call.
        template: The tokenizer's own template or templates.
        specials: Named special tokens, which templates may use.
        conversation: Messages, `{"role": "user", "content": "…"}`, or a list of such lists.
        options: `chat_template` (a template or the name of one), `tools`, `documents`,
            `add_generation_prompt`, `continue_final_message`, `tokenize`, `return_dict`,
            `return_assistant_tokens_mask`, `padding`, `truncation`, `max_length`,
            `return_tensors`, `tokenizer_kwargs`; the template gets everything else.

    Returns:
        An encoding; only the ids with `return_dict=False`; text with `tokenize=False`.

    Raises:
        InvalidInput: The conversation or the options do not fit, or the template fails.
    """
    source = choose(template, options.get("chat_template"), options.get("tools"))
    chats, batched = _conversations(conversation)
    _check(source, options)
    variables = _variables(specials, options)
    field = _continued(options.get("continue_final_message"))
    rendered = [_render(source, chat, variables, field) for chat in chats]
    texts = [text for text, _ in rendered]
    if not options.get("tokenize", True):
        return texts if batched else texts[0]
    settings = {key: options[key] for key in _ENCODING if key in options}
    settings |= options.get("tokenizer_kwargs") or {}
    found = encode(texts if batched else texts[0], add_special_tokens=False, **settings)
    if options.get("return_assistant_tokens_mask"):
        masks = [_mask(found, row, spans) for row, (_, spans) in enumerate(rendered)]
        listed = batched or options.get("return_tensors") is not None
        found["assistant_masks"] = masks if listed else masks[0]
        found.convert_to_tensors(options.get("return_tensors"))
    return found if options.get("return_dict", True) else found["input_ids"]


def choose(
    template: str | Mapping[str, str] | None,
    wanted: str | None,
    tools: Sequence[Any] | None,
) -> str:
    """Choose a template: the one passed, one by name, for tools, or the default.

    Raises:
        InvalidInput: There is none; the message lists those there are.
    """
    if isinstance(template, Mapping):
        if wanted is not None:
            return template.get(wanted, wanted)
        for name in ("tool_use",) * (tools is not None) + ("default",):
            if name in template:
                return template[name]
        raise InvalidInput(
            f"The tokenizer has several chat templates and no default: {', '.join(template)}.",
            hint="Pass the name of one as chat_template.",
        )
    found = template if wanted is None else wanted
    if not found:
        raise InvalidInput(
            "The tokenizer has no chat template.",
            hint="Set tokenizer.chat_template, or pass chat_template.",
        )
    return found


def _conversations(given: Any) -> tuple[list[list[dict[str, Any]]], bool]:
    if not isinstance(given, list | tuple) or not given:
        raise InvalidInput("A conversation is a list of messages, at least one.")
    batched = isinstance(given[0], list | tuple)
    chats = given if batched else [given]
    for chat in chats:
        for message in chat:
            if not isinstance(message, Mapping):
                raise InvalidInput(f"A message is a dictionary, not {message!r:.80}.")
    return [
        [{key: value for key, value in message.items() if value is not None} for message in chat]
        for chat in chats
    ], batched


def _check(source: str, options: Mapping[str, Any]) -> None:
    if options.get("continue_final_message") and options.get("add_generation_prompt"):
        raise InvalidInput(
            "continue_final_message continues the last message, add_generation_prompt starts a "
            "new one: pass one of them."
        )
    if not options.get("return_assistant_tokens_mask"):
        return
    if not (options.get("tokenize", True) and options.get("return_dict", True)):
        raise InvalidInput("return_assistant_tokens_mask needs tokenize and return_dict.")
    if options.get("continue_final_message"):
        raise InvalidInput("There is no mask of the assistant's tokens while one continues them.")
    if not _GENERATION.search(source):
        raise InvalidInput("The template marks no {% generation %}, so there is no mask to return.")


def _variables(specials: Mapping[str, str], options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **specials,
        **{key: options[key] for key in options if key not in _OWN and key not in _ENCODING},
        "tools": _tools(options.get("tools")),
        "documents": _documents(options.get("documents")),
        "add_generation_prompt": bool(options.get("add_generation_prompt")),
    }


def _continued(asked: Any) -> str | None:
    if not asked:
        return None
    return asked if isinstance(asked, str) else "content"


def _render(
    source: str, chat: list[dict[str, Any]], variables: Mapping[str, Any], field: str | None
) -> tuple[str, list[tuple[int, int]]]:
    if field is None:
        return render(source, {**variables, "messages": chat})
    if not chat or not isinstance(chat[-1].get(field), str):
        raise InvalidInput(f"The last message has no {field!r} to continue.")
    marked = [*chat[:-1], {**chat[-1], field: chat[-1][field] + _MARK}]
    text, spans = render(source, {**variables, "messages": marked})
    at = text.rfind(_MARK.strip())
    if at < 0:
        raise InvalidInput("The template leaves out the last message, so it cannot continue it.")
    kept = text[:at]
    return (kept if text[at : at + len(_MARK)] == _MARK else kept.rstrip()), spans


def _tools(given: Any) -> list[Any] | None:
    if given is None:
        return None
    if any(callable(tool) for tool in given):
        from reprise.tokenizers.tool_schema import tool_schema

        return [tool_schema(tool) if inspect.isroutine(tool) else tool for tool in given]
    if not all(isinstance(tool, Mapping) for tool in given):
        raise InvalidInput("Tools are JSON schemas or documented functions.")
    return [dict(tool) for tool in given]


def _documents(given: Any) -> list[Any] | None:
    if given is None:
        return None
    if not all(isinstance(document, Mapping) for document in given):
        raise InvalidInput("Documents are dictionaries with a title and a text.")
    return [dict(document) for document in given]


def _mask(found: Any, row: int, spans: list[tuple[int, int]]) -> list[int]:
    """Return 1 for each token of a row inside a span of characters."""
    encoding = found.encodings[row]
    mask = [0] * len(encoding)
    for at, (start, end) in enumerate(encoding.offsets):
        if end > start and any(start < last and end > first for first, last in spans):
            mask[at] = 1
    return mask
