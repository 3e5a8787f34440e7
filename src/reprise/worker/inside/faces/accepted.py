"""Fields of OpenAI's requests: what is honoured, what changes no answer, what is refused.

A field that would change an answer and is not honoured is an error, never ignored; one that no
version of the API knows is one too, as it may be a slip of the pen.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from reprise.base.errors import InvalidField
from reprise.worker.inside.fields import Fields

# What decides about bills, records and caches of a service that this is not.
_HARMLESS = frozenset({
    "metadata", "prediction", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    "safety_identifier", "service_tier", "store", "user",
})  # fmt: skip
_WRITING = frozenset({
    "do_sample", "frequency_penalty", "logit_bias", "logprobs", "max_new_tokens", "max_tokens",
    "min_p", "model", "n", "presence_penalty", "repetition_penalty", "seed", "stop", "stream",
    "stream_options", "temperature", "top_k", "top_p", "typical_p",
})  # fmt: skip
CHAT = _WRITING | {
    "max_completion_tokens", "messages", "parallel_tool_calls", "response_format", "tool_choice",
    "tools", "top_logprobs",
}  # fmt: skip
COMPLETION = _WRITING | {"best_of", "echo", "prompt"}
EMBEDDING = frozenset({"dimensions", "encoding_format", "input", "model", "stream"})
# What is refused, unless its value asks for what is done anyway.
_REFUSED: Mapping[str, str] = {
    "audio": "absent: answers are texts",
    "function_call": "absent: use tool_choice",
    "functions": "absent: use tools",
    "modalities": '["text"]: answers are texts',
    "moderation": "absent: nothing is moderated here",
    "reasoning_effort": "absent: it is the model that decides how long it thinks",
    "suffix": "absent: text is only gone on with",
    "tool_prompt": "absent: the model's chat template says how tools are shown",
    "verbosity": '"medium": it is the model that decides how much it says',
    "web_search_options": "absent: this hub searches nothing",
}
_DONE_ANYWAY = {"modalities": ["text"], "verbosity": "medium", "suffix": "", "functions": [],
                "function_call": "none"}  # fmt: skip


def check_fields(fields: Fields, honoured: frozenset[str]) -> None:
    """Refuse every field that would change an answer and is not honoured.

    Raises:
        InvalidField: Naming it.
    """
    for name in fields.names():
        if name in honoured or name in _HARMLESS:
            continue
        if name not in _REFUSED:
            near = get_close_matches(name, [*honoured, *_HARMLESS], 1)
            raise InvalidField(f"{name[:60]} is no field of this request.", field=name[:60],
                               hint=f"Did you mean {near[0]}?" if near else "")  # fmt: skip
        if name not in _DONE_ANYWAY or fields.raw(name) != _DONE_ANYWAY[name]:
            raise fields.wrong(name, _REFUSED[name])
