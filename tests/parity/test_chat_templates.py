"""Chat templates against transformers: texts, masks, and functions as schemas."""

from pathlib import Path
from typing import Any, Literal

import pytest

from reprise.tokenizers import AutoTokenizer, Tokenizer
from reprise.tokenizers.tool_schema import tool_schema
from tests.tokenizer_files import fresh

transformers = pytest.importorskip("transformers")

CHAT = [
    {"role": "system", "content": "Be brief.", "name": None},
    {"role": "user", "content": "Wo ist meine Karte? <b>"},
    {"role": "assistant", "content": " On its way. "},
]
TURNS = """\
{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {{- "<|" + message.role + "|>" }}{% generation %}{{ message.content | trim }}\
{{ eos_token }}\
{% endgeneration %}
    {%- else %}
        {{- '<|' ~ message['role'] ~ '|>\\n' ~ message['content'] }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}
"""
TOOLS = """\
{%- set ns = namespace(first=true) -%}
{{ bos_token }}{% if tools %}{{ tools | tojson(indent=2) }}{% endif %}
{% for document in documents or [] %}
[{{ loop.index }}] {{ document['title'] | upper }}: {{ document.text }}
{% endfor %}
{% for message in messages if message.role != 'system' %}
  {% if ns.first %}
first:{% set ns.first = false %}
  {% endif %}
{{ message.content.split()[:3] | join('+') }}{{ '' if not loop.last else extra }}
{% endfor %}
"""


def weather(
    city: str, days: int = 3, unit: Literal["c", "f"] = "c", tags: list[str] | None = None
) -> dict[str, float]:
    """Tell the weather.

    Args:
        city: Where,
            in any language.
        days: How many.
        unit: Of temperature.
        tags: More.

    Returns:
        The temperatures by hour.
    """
    return {city: float(days + len(unit) + len(tags or []))}


@pytest.fixture
def both(tmp_path: Path) -> tuple[Tokenizer, Any]:
    ours = fresh("BPE")
    ours.add_special_tokens({"bos_token": "<s>"})
    ours.save_pretrained(tmp_path)
    return (
        AutoTokenizer.from_pretrained(tmp_path),
        transformers.AutoTokenizer.from_pretrained(tmp_path),
    )


@pytest.mark.parametrize(
    ("template", "options"),
    [
        (TURNS, {}),
        (TURNS, {"add_generation_prompt": True}),
        (TURNS, {"continue_final_message": True}),
        (TOOLS, {"extra": "!", "documents": [{"title": "a", "text": "ß"}]}),
        (TOOLS, {"tools": [weather], "extra": ""}),
        (TOOLS, {"tools": [{"name": "x", "deep": [1, {"y": None}]}]}),
    ],
)
def test_texts_and_ids(both: tuple[Tokenizer, Any], template: str, options: dict[str, Any]) -> None:
    ours, theirs = both
    options = {**options, "chat_template": template}
    for conversation in (CHAT, [CHAT, CHAT[1:]]):
        text = ours.apply_chat_template(conversation, tokenize=False, **options)
        assert text == theirs.apply_chat_template(conversation, tokenize=False, **options)
        ids = ours.apply_chat_template(conversation, return_dict=False, **options)
        assert ids == theirs.apply_chat_template(conversation, return_dict=False, **options)


def test_masks_of_what_the_assistant_said(both: tuple[Tokenizer, Any]) -> None:
    ours, theirs = both
    options = {"chat_template": TURNS, "return_assistant_tokens_mask": True, "padding": True}
    for conversation in (CHAT, [CHAT, [*CHAT, *CHAT]]):
        found = ours.apply_chat_template(conversation, **options)
        expected = theirs.apply_chat_template(conversation, **options)
        assert found.data == dict(expected)


def test_functions_as_schemas() -> None:
    assert tool_schema(weather) == transformers.utils.get_json_schema(weather)
