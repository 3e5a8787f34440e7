"""Calls of tools in what a model writes, wherever the text is cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.worker.inside.json_schema import read_schema
from reprise.worker.inside.tool_calls import ToolCall, ToolCalls

CALL = '<tool_call>\n{"name": "find", "arguments": {"what": "a </tool_call> \\" é"}}\n</tool_call>'
FOUND = ToolCall("find", '{"what": "a </tool_call> \\" é"}')
SHORT = '<tool_call>{"name":"lose","arguments":{}}</tool_call>'
LOST = ToolCall("lose", "{}")


def parted(*pieces: str) -> tuple[str, list[ToolCall]]:
    parser = ToolCalls(["find", "lose"])
    shown, calls = "", []
    for text, some in [*map(parser.push, pieces), parser.finish()]:
        shown += text
        calls += some
    return shown, calls


@pytest.mark.parametrize(
    ("text", "shown", "calls"),
    [
        ("", "", []),
        (" plain, <b>with</b> <tool brackets \n", " plain, <b>with</b> <tool brackets \n", []),
        (CALL, "", [FOUND]),
        (f"Let me see.\n\n{CALL}\n{SHORT}\n", "Let me see.", [FOUND, LOST]),
        (f"{SHORT}\nand then {SHORT} more", "\nand then more", [LOST, LOST]),
        (SHORT.removesuffix("</tool_call>"), "", [LOST]),
        (SHORT[:-3], SHORT[:-3], []),
        (f"<tool_call>{SHORT}", f"<tool_call>{SHORT}", []),
        (f"<tool_call>oh</tool_call> {SHORT}", "<tool_call>oh</tool_call>", [LOST]),
        (f'<tool_call>"</tool_call>{SHORT[:-12]}', '<tool_call>"</tool_call>', [LOST]),
    ],
)
def test_text_and_calls_wherever_it_is_cut(text: str, shown: str, calls: list[ToolCall]) -> None:
    assert parted(text) == (shown, calls)
    assert parted(*text) == (shown, calls)
    for at in range(len(text)):
        assert parted(text[:at], text[at:]) == (shown, calls)


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", "null", '{"name": "find"}', '{"name": "find", "arguments": "x"}',
     '{"name": "other", "arguments": {}}', '{"name": ["find"], "arguments": {}}',
     '{"name": "find", "arguments": {"x": NaN}}', '{"name": "find", "arguments": {"x": 1e999}}',
     '{"name": "find", "arguments": {"x": "\\ud83d"}}', '{"name": "find", "arguments": {}} more',
     '{"name": "find", "arguments": {"x": ' + "9" * 5000 + "}}",
     '{"name": "find", "arguments": {"x": ' + "[" * 9000 + "}}"],
    ids=lambda body: body[:40],
)  # fmt: skip
def test_what_is_no_call_of_a_tool_remains_text(body: str) -> None:
    text = f"a <tool_call>{body}</tool_call> b"
    assert parted(text) == (text, [])


def test_calls_that_do_not_fit_a_strict_schema_remain_text() -> None:
    strict = {"find": read_schema({
        "type": "object", "required": ["what", "many"], "additionalProperties": False,
        "properties": {"what": {"enum": ["card", "caf\u00e9"]}, "many": {"type": "array", "items": {
            "type": ["integer", "null"]}}, "more": {"type": "object"}},
    }, "x")}  # fmt: skip
    right: list[dict[str, Any]] = [
        {"what": "caf\u00e9", "many": []},
        {"many": [1, None], "what": "card", "more": {"a": 1.5}},
    ]
    wrong: list[dict[str, Any]] = [
        {},
        {"what": "card"},
        {"what": "pin", "many": []},
        {"what": "card", "many": [True]},
        {"what": "card", "many": [1.5]},
        {"what": "card", "many": {}},
        {"what": "card", "many": [], "less": 1},
    ]
    for arguments, calls in [*((one, 1) for one in right), *((one, 0) for one in wrong)]:
        told = json.dumps({"name": "find", "arguments": arguments}, ensure_ascii=False)
        text, found = ToolCalls(["find"], strict).push(f"<tool_call>{told}</tool_call>")
        assert (len(found), text == "") == (calls, bool(calls)), arguments
        assert [json.loads(call.arguments) for call in found] == [arguments] * calls
    assert len(ToolCalls(["find", "lose"], strict).push(SHORT)[1]) == 1


@given(st.lists(st.sampled_from([CALL, SHORT, "<tool_call>", "</tool_call>", '{"', " ", "x", "<"])),
       st.data())  # fmt: skip
def test_cuts_change_nothing(pieces: list[str], data: st.DataObject) -> None:
    text = "".join(pieces)
    at = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    ends = zip([0, *at], [*at, len(text)], strict=True)
    shown, calls = parted(*(text[a:b] for a, b in ends))
    assert (shown, calls) == parted(text)
    assert all(isinstance(json.loads(call.arguments), dict) for call in calls)
