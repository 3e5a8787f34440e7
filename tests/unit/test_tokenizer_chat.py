"""Chat templates: what they are given, and what becomes of the text."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from reprise.base.errors import InvalidInput
from reprise.tokenizers import AutoTokenizer, Tokenizer
from tests.tokenizer_files import fresh, own_bert

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "My card?"},
    {"role": "assistant", "content": "On its way."},
]
TEMPLATE = """\
{% for message in messages %}
  {% if message.role == 'assistant' %}
<a>{% generation %}{{ message.content }}{% endgeneration %}{{ eos_token }}
  {% else %}
<{{ message['role'][0] }}>{{ message.content }}
  {% endif %}
{% endfor %}
{% if add_generation_prompt %}<a>{% endif %}"""


def chatty() -> Tokenizer:
    tokenizer = fresh("BPE")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def test_a_conversation_becomes_text() -> None:
    text = chatty().apply_chat_template(CHAT, tokenize=False)
    assert text == "<s>Be brief.\n<u>My card?\n<a>On its way.</s>\n"
    prompt = chatty().apply_chat_template(CHAT[:2], tokenize=False, add_generation_prompt=True)
    assert prompt == "<s>Be brief.\n<u>My card?\n<a>"


def test_a_conversation_becomes_ids() -> None:
    tokenizer = chatty()
    text = tokenizer.apply_chat_template(CHAT, tokenize=False)
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.apply_chat_template(CHAT, return_dict=False) == ids
    found = tokenizer.apply_chat_template([CHAT, CHAT[:1]], padding=True, return_tensors="np")
    assert found.input_ids[0].tolist() == ids
    assert found.input_ids.shape == found.attention_mask.shape


def test_only_what_the_assistant_said_is_masked() -> None:
    tokenizer = chatty()
    found = tokenizer.apply_chat_template(CHAT, return_assistant_tokens_mask=True)
    said = [
        each for each, one in zip(found.input_ids, found["assistant_masks"], strict=True) if one
    ]
    assert tokenizer.decode(said) == "On its way."
    batch = tokenizer.apply_chat_template(
        [CHAT, CHAT[:1]], return_assistant_tokens_mask=True, padding=True, return_tensors="np"
    )
    assert batch["assistant_masks"].sum(axis=1).tolist() == [len(said), 0]


def test_the_last_message_can_be_continued() -> None:
    text = chatty().apply_chat_template(CHAT, tokenize=False, continue_final_message=True)
    assert text == "<s>Be brief.\n<u>My card?\n<a>On its way."


def test_templates_are_chosen_by_name_and_for_tools() -> None:
    tokenizer = fresh("BPE")
    tokenizer.chat_template = {"default": "d", "tool_use": "t{{ tools | tojson }}", "odd": "o"}
    assert tokenizer.apply_chat_template(CHAT, tokenize=False) == "d"
    assert tokenizer.apply_chat_template(CHAT, tokenize=False, chat_template="odd") == "o"
    tools = [{"name": "é<x>"}]
    assert tokenizer.apply_chat_template(CHAT, tokenize=False, tools=tools) == 't[{"name": "é<x>"}]'


def test_functions_become_schemas() -> None:
    def weather(city: str, days: int = 3, unit: Literal["c", "f"] = "c",
                tags: list[str] | None = None) -> dict[str, float]:  # fmt: skip
        """Tell the weather.

        Args:
            city: Where,
                in any language.
            days: How many. (choices: [1, 3])
            unit: Of temperature.
            tags: More.

        Returns:
            dict: By hour.
        """
        return {city: float(days + len(unit) + len(tags or []))}

    text = chatty().apply_chat_template(
        CHAT, tokenize=False, tools=[weather], chat_template="{{ tools | tojson }}"
    )
    assert json.loads(text) == [{
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where, in any language."},
                    "days": {"type": "integer", "enum": ["1", "3"], "description": "How many."},
                    "unit": {"type": "string", "enum": ["c", "f"],
                             "description": "Of temperature."},
                    "tags": {"type": "array", "items": {"type": "string"}, "nullable": True,
                             "description": "More."},
                },
                "required": ["city"],
            },
            "return": {"type": "object", "additionalProperties": {"type": "number"},
                       "description": "By hour."},
        },
    }]  # fmt: skip


def test_helpers_that_templates_expect() -> None:
    tokenizer = fresh("BPE")
    template = (
        "{{ [1, 'ä'] | tojson }} {{ {'b': 1} | tojson(indent=2) }} "
        "{{ strftime_now('%Y') | length }}"
        "{% for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}{{ extra }}"
    )
    text = tokenizer.apply_chat_template(CHAT, chat_template=template, tokenize=False, extra="!")
    assert text == '[1, "ä"] {\n  "b": 1\n} 401!'


def test_templates_are_saved_and_loaded(tmp_path: Path) -> None:
    tokenizer = chatty()
    tokenizer.save_pretrained(tmp_path / "one")
    assert AutoTokenizer.from_pretrained(tmp_path / "one").chat_template == TEMPLATE
    assert (tmp_path / "one" / "chat_template.jinja").read_text() == TEMPLATE
    tokenizer.chat_template = {"default": "d", "rag": "r"}
    tokenizer.save_pretrained(tmp_path / "two")
    assert AutoTokenizer.from_pretrained(tmp_path / "two").chat_template == {
        "default": "d", "rag": "r",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("conversation", "options", "message"),
    [
        (CHAT, {"chat_template": None}, r"no chat template.*\n.*chat_template"),
        ([], {"chat_template": "x"}, "at least one"),
        ("hi", {"chat_template": "x"}, "list of messages"),
        (["hi"], {"chat_template": "x"}, "message is a dictionary"),
        (CHAT, {"chat_template": "x", "tools": [3]}, "JSON schemas or documented functions"),
        (CHAT, {"chat_template": "x", "documents": [3]}, "dictionaries with a title"),
        (CHAT, {"chat_template": "x", "continue_final_message": True}, "leaves out the last"),
        (
            CHAT,
            {"chat_template": "x", "continue_final_message": True, "add_generation_prompt": True},
            "one of them",
        ),
        (CHAT, {"chat_template": "x", "return_assistant_tokens_mask": True}, "marks no"),
    ],
)
def test_what_does_not_fit_is_refused(
    conversation: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        own_bert().apply_chat_template(conversation, **options)


def test_a_template_has_no_default_among_several() -> None:
    tokenizer = own_bert()
    tokenizer.chat_template = {"a": "x", "b": "y"}
    with pytest.raises(InvalidInput, match=r"no default: a, b"):
        tokenizer.apply_chat_template(CHAT)
