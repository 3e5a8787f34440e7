"""Chats with tools and with JSON: by a model that learned to call two tools by heart."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not find_spec("torch"):
    pytest.skip("needs torch to make a model", allow_module_level=True)

from reprise.worker.inside.json_shape import JsonShape
from reprise.worker.inside.spelling import Spelling
from tests.desks import Served
from tests.pipeline_models import save, word_pieces
from tests.worker_models import ASKED, KNOWN, TOOLS, URGED, save_caller, save_writer

CHAT: dict[str, Any] = {"messages": ASKED, "tools": TOOLS}
ARGUMENTS = '{"what": "card"}'
JSON = {"response_format": {"type": "json_object"}, "messages": ASKED, "max_tokens": 200}


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(save_caller(tmp_path_factory.mktemp("caller")))


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(save_writer(tmp_path_factory.mktemp("writer")))


def ask(served: Served, body: Mapping[str, Any]) -> tuple[str | None, list[tuple[str, str]], str]:
    """The text, the calls, and why it ended: the same whole and as a stream."""
    answer = served.ask(body, kind="chat")
    assert answer.status == 200, answer.json
    (choice,) = answer.json["choices"]
    calls = choice["message"].get("tool_calls", [])
    events = served.ask(body, kind="chat", stream=True).events
    parts = [each for event in events[:-1] for each in event["choices"]]
    streamed = [call for part in parts for call in part["delta"].get("tool_calls", [])]
    assert "".join(part["delta"].get("content") or "" for part in parts) == (
        choice["message"]["content"] or "")  # fmt: skip
    assert [call["index"] for call in streamed] == list(range(len(calls)))
    assert [call["function"] for call in streamed] == [call["function"] for call in calls]
    assert parts[-1]["finish_reason"] == choice["finish_reason"]
    ids = [call["id"] for call in calls + streamed]
    assert len(set(ids)) == len(ids)
    told = [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    return choice["message"]["content"], told, choice["finish_reason"]


def test_tools_are_called_answered_and_left_alone(caller: Served) -> None:
    both = [("find", ARGUMENTS), ("lose", ARGUMENTS)]
    assert ask(caller, CHAT) == ("Let me see.", both, "tool_calls")
    assert ask(caller, CHAT | {"tool_choice": "none"}) == ("I do not know.", [], "stop")
    one = CHAT | {"parallel_tool_calls": False}
    assert ask(caller, one) == ("Let me see.", both[:1], "tool_calls")
    call = {"id": "call_1", "type": "function", "function": {"name": "find",
                                                             "arguments": ARGUMENTS}}  # fmt: skip
    assistant = {"role": "assistant", "content": "Let me see.", "tool_calls": [call],
                 "refusal": None}  # fmt: skip
    told = [*ASKED, assistant, KNOWN | {"tool_call_id": "call_1"}]
    assert ask(caller, CHAT | {"messages": told}) == ("It is lost.", [], "stop")
    cut = ask(caller, CHAT | {"max_tokens": 20})
    assert cut[1:] == ([], "length")
    assert cut[0].startswith("Let me see.\n<tool_call>")


def test_a_tool_that_has_to_be_called_is(caller: Served) -> None:
    found = (None, [("find", ARGUMENTS)], "tool_calls")
    urged = CHAT | {"messages": URGED, "tool_choice": "required"}
    assert ask(caller, urged) == found
    # It would talk first; now the first thing it says is a call.
    forced = caller.ask(CHAT | {"tool_choice": "required", "max_tokens": 24}, kind="chat").json
    begun = forced["choices"][0]["message"]["content"]
    assert begun.startswith(('<tool_call>\n{"name": "find", ', '<tool_call>\n{"name": "lose", '))
    named = {"type": "function", "function": {"name": "lose"}}
    content, calls, ended = ask(caller, urged | {"tool_choice": named})
    assert (content, [name for name, _ in calls], ended) == (None, ["lose"], "tool_calls")


def test_json_is_an_object_whatever_the_model_would_say(writer: Served) -> None:
    """Its weights are random: what it is let say it says, until it happens to close."""
    plain = writer.ask(JSON | {"response_format": {"type": "text"}}, kind="chat").json
    assert not plain["choices"][0]["message"]["content"].startswith("{")
    complete, shape = 0, JsonShape()
    for seed in range(4):
        body = JSON | {"temperature": 1.5, "seed": seed, "n": 2}
        for choice in writer.ask(body, kind="chat").json["choices"]:
            text = choice["message"]["content"]
            if choice["finish_reason"] == "stop":
                assert isinstance(json.loads(text), dict)
                complete += 1
            else:
                assert shape.read(shape.start, text.rstrip("\N{REPLACEMENT CHARACTER}"))
    assert complete


def test_strict_tools_and_schemas_are_kept_to(caller: Served, writer: Served) -> None:
    where = {"type": "object", "properties": {"where": {"enum": ["here", "there"]}},
             "required": ["where"], "additionalProperties": False}  # fmt: skip
    strict = [{"type": "function", "function": {"name": name, "strict": True, "parameters": where}}
              for name in ("find", "lose")]  # fmt: skip
    named = {"type": "function", "function": {"name": "find"}}
    forced = CHAT | {"tools": strict, "tool_choice": named}
    content, calls, ended = ask(caller, forced)
    assert (content, ended) == (None, "tool_calls")
    assert [json.loads(arguments) for _, arguments in calls] in (
        [{"where": "here"}], [{"where": "there"}])  # fmt: skip
    schema = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": where}}
    for seed in range(3):
        body = JSON | {"response_format": schema, "temperature": 2, "seed": seed}
        (choice,) = writer.ask(body, kind="chat").json["choices"]
        assert json.loads(choice["message"]["content"])["where"] in {"here", "there"}
        assert choice["finish_reason"] == "stop"
    grammar = {"grammar": {"type": "json", "value": where}, "temperature": 2, "seed": 1}
    (told,) = writer.ask({"inputs": "x", "parameters": grammar}, "text-generation").json
    assert json.loads(told["generated_text"])["where"] in {"here", "there"}


def test_a_model_without_tokens_for_json_says_so(tmp_path: Path) -> None:
    made = save(tmp_path, "BertLMHeadModel", is_decoder=True, eos_token_id=3)
    tokenizer = word_pieces()
    tokenizer.chat_template = "{{ messages[0].content }}"
    tokenizer.save_pretrained(made)
    answer = Served(made).ask(JSON | {"max_tokens": 5}, kind="chat")
    assert (answer.status, answer.json["error"]["param"]) == (400, "response_format")
    assert "no tokens for the beginning" in answer.json["error"]["message"]


def test_tokens_are_spelled_as_in_the_middle_of_a_text() -> None:
    tokenizer = word_pieces()
    spelled = Spelling(tokenizer).texts
    found = {token: spelled[number] for token, number in tokenizer.get_vocab().items()}
    assert (found["card"], found["##a"], found["[SEP]"]) == (" card", "a", "")
